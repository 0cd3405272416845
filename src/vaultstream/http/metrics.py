"""What Prometheus scrapes on somebody's own machine. On AWS this way in does not exist: numbers leave by OTLP only."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vaultstream.adapters.meters import CONTENT_TYPE
from vaultstream.adapters.vault import Vault
from vaultstream.settings import Settings


def routes(settings: Settings) -> list[Route]:
    """`/metrics`, where the vault is local; nothing elsewhere."""
    return [Route("/metrics", _metrics)] if settings.is_local else []


async def _metrics(request: Request) -> Response:
    vault: Vault = request.app.state.vault
    return Response(vault.meters.text(), headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})
