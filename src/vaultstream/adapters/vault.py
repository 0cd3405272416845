"""The vault's outside world, opened once and closed together; the clock and the ids come from here too."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis

from vaultstream.adapters import clients
from vaultstream.adapters.audit_log import AuditLog
from vaultstream.adapters.blobs import Blobs
from vaultstream.adapters.budgets import Budgets
from vaultstream.adapters.bus import Bus
from vaultstream.adapters.cache import Cache, Reads
from vaultstream.adapters.documents import SharedDocuments
from vaultstream.adapters.keys import Keys
from vaultstream.adapters.live import Live
from vaultstream.adapters.meters import Meters
from vaultstream.adapters.notary import Notary
from vaultstream.adapters.passwords import Passwords
from vaultstream.adapters.person_keys import PersonKeys
from vaultstream.adapters.proofs import Proofs
from vaultstream.adapters.records import Records
from vaultstream.adapters.records.changes import Change
from vaultstream.adapters.renderer import Renderer
from vaultstream.adapters.scanner import Scanner
from vaultstream.adapters.search_index import SearchIndex
from vaultstream.adapters.signer import Signer
from vaultstream.adapters.telemetry.calls import Calls, watch_aws, watched_postgres
from vaultstream.adapters.telemetry.exporter import Exporter
from vaultstream.adapters.telemetry.logs import counted_lines
from vaultstream.adapters.telemetry.tracer import Tracer, carried
from vaultstream.adapters.veil import Veil
from vaultstream.budgets import Allowance
from vaultstream.errors import VaultError
from vaultstream.events import Event
from vaultstream.ids import ulid
from vaultstream.metrics import AUDIT_REPLICA_LAG_SECONDS
from vaultstream.pipelined import Pipelined
from vaultstream.settings import Settings

_REDIS_SECONDS = 0.25  # what every request asks of Redis can be done without, so nobody waits for it longer


@dataclass(frozen=True, slots=True)
class Vault:
    """Everything an action may need of the world."""

    settings: Settings
    meters: Meters
    tracer: Tracer
    exporter: Exporter
    records: Records
    cache: Cache
    blobs: Blobs
    keys: Keys
    bus: Bus
    live: Live
    budgets: Budgets
    documents: SharedDocuments
    audit_log: AuditLog
    notary: Notary
    person_keys: PersonKeys
    checkpoints: Blobs
    search_index: SearchIndex
    scanner: Scanner
    renderer: Renderer
    signer: Signer
    proofs: Proofs
    veil: Veil
    passwords: Passwords

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC)

    def unique(self) -> str:
        """A new ULID."""
        return ulid(int(self.now().timestamp() * 1000), os.urandom(10))

    def new_id(self, kind: str) -> str:
        """A new id of a noun ("folder", "file", "upload", …)."""
        return f"{kind}_{self.unique()}"

    @property
    def reads(self) -> Reads:
        """The table by way of the cache: what a commit that was answered has written is seen by all that follow it."""
        return Reads(self.records, self.cache, self.now)

    async def commit(self, changes: Sequence[Change], events: Sequence[Event] = ()) -> None:
        """All changes and events, or none; no cache holds what was there before; then a nudge to whoever watches it.

        Where it fails, somebody else may have written what is not acknowledged yet: whoever tries again must see that.
        """
        trace = carried()
        told = [replace(event, trace=trace) for event in events] if trace else events
        try:
            await self.records.commit(changes, told)
        except VaultError:
            await self.cache.forget(change.partition for change in changes)
            raise
        await self.cache.invalidate(change.partition for change in changes if change.writes)
        await self.live.publish(sorted({topic for event in events for topic in event.topics}))


@asynccontextmanager
async def opened(
    settings: Settings, meters: Meters | None = None, tracer: Tracer | None = None
) -> AsyncIterator[Vault]:
    """The vault with every client open; all are closed at the end, whatever happens."""
    meters, tracer = meters or Meters(), tracer or Tracer(settings.sampled_percent)
    calls = Calls(meters)
    async with AsyncExitStack() as stack:
        exporter = Exporter(settings.otlp_endpoint, settings.environment, meters, tracer)
        await stack.enter_async_context(exporter)
        stack.enter_context(counted_lines(meters))
        dynamodb, s3, kms, bus = await stack.enter_async_context(_aws(settings, calls))
        redis = Redis.from_url(
            settings.redis_url.reveal(), socket_timeout=5, socket_connect_timeout=2, health_check_interval=15
        )
        stack.push_async_callback(redis.aclose)
        shared = Pipelined.from_url(settings.redis_url.reveal(), timeout_seconds=_REDIS_SECONDS, watch=calls.begin)
        stack.push_async_callback(shared.aclose)
        records = Records(dynamodb, settings.table)
        cache = Cache(shared, records, settings.content_private_key.reveal(), meters)
        stack.push_async_callback(cache.close)
        live = Live(redis)
        stack.push_async_callback(live.close)
        audit_log = AuditLog(
            settings.postgres_dsn.reveal(),
            replica_dsn=settings.postgres_replica_dsn.reveal(),
            init=watched_postgres(calls),
            told=lambda seconds: meters.set(AUDIT_REPLICA_LAG_SECONDS, seconds),
        )
        stack.push_async_callback(audit_log.close)
        search_index = SearchIndex(settings.postgres_dsn.reveal(), init=watched_postgres(calls))
        stack.push_async_callback(search_index.close)
        passwords = Passwords()
        stack.callback(passwords.close)
        renderer = Renderer()
        stack.push_async_callback(renderer.close)
        yield Vault(
            settings=settings,
            meters=meters,
            tracer=tracer,
            exporter=exporter,
            records=records,
            cache=cache,
            blobs=Blobs(s3, settings.bucket),
            keys=Keys(kms, settings.kms_key, cache_seconds=settings.key_cache_seconds),
            bus=Bus(bus, settings.bus),
            live=live,
            budgets=Budgets(shared, Allowance(settings.budget_size, settings.budget_per_second), meters),
            documents=SharedDocuments(shared),
            audit_log=audit_log,
            notary=Notary(kms, settings.audit_key),
            person_keys=PersonKeys(kms, settings.kms_key, cache_seconds=settings.key_cache_seconds),
            checkpoints=Blobs(s3, settings.audit_bucket),
            search_index=search_index,
            scanner=Scanner(settings.clamd_url or None, clamd_limit_bytes=settings.clamd_limit_bytes),
            renderer=renderer,
            signer=Signer(settings.content_private_key.reveal(), settings.content_key_pair_id),
            proofs=Proofs(settings.content_private_key.reveal()),
            veil=Veil(settings.content_private_key.reveal()),
            passwords=passwords,
        )


@asynccontextmanager
async def _aws(settings: Settings, calls: Calls) -> AsyncIterator[list[Any]]:  # Any: botocore makes its clients
    """The clients of AWS that the vault needs, their calls watched."""
    session = clients.session(settings)
    async with AsyncExitStack() as stack:
        made = []
        for service in ("dynamodb", "s3", "kms", "events"):
            client = await stack.enter_async_context(clients.client(session, settings, service))
            watch_aws(client, service, calls)
            made.append(client)
        yield made
