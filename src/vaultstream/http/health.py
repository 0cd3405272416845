"""Whether the process lives (/health), and whether all it needs of the world answers (/ready)."""

import asyncio
from collections.abc import Awaitable, Callable

from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vaultstream.adapters.vault import Vault
from vaultstream.errors import VaultError

_SECONDS = 3.0
NEEDED = {"table", "store", "keys"}  # without the others the vault serves on: changes show later, audit waits


async def health(_request: Request) -> Response:
    """200 as long as the process answers at all."""
    return JSONResponse({"status": "alive"})


async def ready(request: Request) -> Response:
    """200 "ready" or "degraded", with each part's state; 503 where a part is gone that no answer can do without.

    Where the audit log has a replica, its lag in seconds is told, null while it does not answer: it is no part, since
    the primary is read instead.
    """
    vault: Vault = request.app.state.vault
    parts: dict[str, Callable[[], Awaitable[object]]] = {
        "table": vault.records.ping,
        "store": vault.blobs.ping,
        "keys": vault.keys.ping,
        "live": vault.live.ping,
        "cache": vault.cache.ping,
        "audit": vault.audit_log.ping,
    }
    answers = await asyncio.gather(*(_answers(ping) for ping in parts.values()))
    state = dict(zip(parts, answers, strict=True))
    gone = {part for part, answered in state.items() if not answered}
    status = "down" if gone & NEEDED else "degraded" if gone else "ready"
    shown = {part: "up" if answered else "down" for part, answered in state.items()}
    told: dict[str, object] = {"status": status, "parts": shown}
    if (replica := vault.audit_log.replica) is not None:
        told["audit_replica_lag_seconds"] = await replica.lag_seconds()
    return JSONResponse(told, 503 if status == "down" else 200)


async def _answers(ping: Callable[[], Awaitable[object]]) -> bool:
    try:
        await asyncio.wait_for(ping(), _SECONDS)
    except (VaultError, RedisError, OSError, TimeoutError):
        return False
    return True
