"""`vaultstream dev`: the vault and all it needs on this machine, in one command, until Ctrl-C."""

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import asyncpg

from vaultstream.adapters.audit_migrations import migrate
from vaultstream.events import LIFECYCLE
from vaultstream.local import embedded, parts, ports, postgres, replica, stream_records
from vaultstream.local.data import held, workers_ready
from vaultstream.local.part import Part
from vaultstream.local.probes import is_free
from vaultstream.local.provision import provision
from vaultstream.local.provision_messages import queue_name
from vaultstream.local.supervisor import Supervisor
from vaultstream.local.trouble import TROUBLE
from vaultstream.settings import PREFIX, Secret, Settings

_WATCH_SECONDS = 0.2
_TEND_SECONDS = 60.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PROVISIONED = {"dynamodb", "s3", "kms", "aws"}  # what may have lost, by a crash, something that was made in it


class PortTaken(Exception):
    """Somebody else listens where the vault's API would; the message says what to do."""


class _Stop(BaseException):
    """A signal asked for the end."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One embedded stack: its folder, its secrets, its settings and its ports."""

    folder: Path
    own: embedded.Secrets
    settings: Settings
    ports: Mapping[str, int]

    def stores(self) -> tuple[Part, ...]:
        """The parts that the vault itself needs before it can start."""
        at, own = self.ports, self.own
        return (
            parts.dynamodb(_place(self.folder, "dynamodb"), at["dynamodb"]),
            parts.s3(
                self.folder / "s3",
                at["s3"],
                own.access_key,
                tells=(self.settings.endpoint_sqs, queue_name(self.settings.queue_prefix, LIFECYCLE.name)),
            ),
            parts.kms(self.folder / "kms", at["kms"], own.access_key),
            parts.aws(self.folder / "aws", at["aws"], self.settings.region),
            parts.redis(self.folder / "redis", at["redis"], own.redis_password),
            postgres.postgres(self.folder / "postgresql", at["postgresql"]),
            parts.issuer(
                self.folder / "sign-in",
                at["sign-in"],
                public_url=self.settings.public_url,
                client_id=self.settings.oidc_client_id,
            ),
        )

    def doors(self) -> tuple[Part, ...]:
        """The vault's own processes, and what they can do without."""
        standby = replica.replica(
            *(self.folder / "replica", self.ports["replica"]),
            *(self.ports["postgresql"], self.own.database_owner_password),
        )
        return parts.api(self.settings), parts.workers(self.folder, self.settings), standby

    @property
    def owner_dsn(self) -> Secret:
        """The database, as its owner."""
        return postgres.dsn(self.ports["postgresql"], self.own.database_owner_password)

    async def provision(self) -> None:
        """Make in the stores what is missing there."""
        await provision(self.settings)
        await migrate(self.owner_dsn.reveal(), app_password=self.own.database_app_password.reveal())


def dev(folder: Path, environ: Mapping[str, str]) -> None:
    """Run until a signal ends it. Raises PortTaken, PartFailed, DataBusy or SettingsError when it cannot start."""
    os.umask(0o077)
    _on_signals(_stop)
    with suppress(_Stop), held(folder):
        say(f"Starting the vault; its data is in {folder}")
        stack = _stack(folder, environ)
        supervisor = Supervisor(_fresh_logs(folder), say)
        try:
            _start(stack, supervisor)
            say(_welcome(stack))
            _watch(stack, supervisor)
        finally:
            _on_signals(signal.SIG_IGN)
            supervisor.stop()


def _stack(folder: Path, environ: Mapping[str, str]) -> Stack:
    own = embedded.Secrets.of(folder)
    at, moved = ports.claim(folder, embedded.port(environ))
    settings = embedded.embedded(own, at, environ)
    if not is_free(settings.port, settings.host):
        raise PortTaken(
            f"Port {settings.port} on {settings.host} is taken by another program.\n"
            f"Stop it, or choose another: {PREFIX}PORT={settings.port + 1} vaultstream dev"
        )
    if "sign-in" in moved:
        say("Another program has the sign-in's port, so it moved: who was signed in has to sign in again.")
    return Stack(folder, own, settings, at)


def _start(stack: Stack, supervisor: Supervisor) -> None:
    postgres.make_cluster(stack.folder / "postgresql", stack.own.database_owner_password)
    supervisor.start(stack.stores())
    _tend(stack)
    asyncio.run(stack.provision())
    workers_ready(stack.folder).unlink(missing_ok=True)
    supervisor.start(stack.doors())


def _watch(stack: Stack, supervisor: Supervisor) -> None:
    tended_at, is_whole, following = time.monotonic(), True, replica.Following(stack.owner_dsn)
    while True:
        time.sleep(_WATCH_SECONDS)
        if _PROVISIONED & {part.name for part in supervisor.revive()} or not is_whole:
            is_whole = _provisioned(stack)
        if time.monotonic() - tended_at > _TEND_SECONDS:
            _tend(stack)
            _tend_replica(stack, supervisor, following)
            tended_at = time.monotonic()


def _provisioned(stack: Stack) -> bool:
    """Whether nothing is missing in the stores any more; another part may die while this is looked after."""
    try:
        asyncio.run(stack.provision())
    except (*TROUBLE, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        say(f"what a part lost is not made again yet ({type(error).__name__}); trying again")
        return False
    return True


def _tend(stack: Stack) -> None:
    try:
        stream_records.tend(stack.folder / "dynamodb" / "dynamodb.sqlite")
    except stream_records.UnknownSchema as unknown:
        say(f"dynamodb: its stream records are not trimmed, so it will grow slower ({unknown})")


def _tend_replica(stack: Stack, supervisor: Supervisor, following: replica.Following) -> None:
    if asyncio.run(following.is_lost()):
        say("The replica has lost its primary; making it anew")
        replica.discard(stack.folder / "replica")
        supervisor.kill(replica.NAME)
        following.begin_again()


def _welcome(stack: Stack) -> str:
    rows = [(part.name, part.address, part.serves) for part in (*stack.stores(), *stack.doors())]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    table = "\n".join(f"  {name:<{widths[0]}}  {address:<{widths[1]}}  {serves}" for name, address, serves in rows)
    return (
        f"\n{table}\n\n  data in {stack.folder}, logs in {stack.folder / 'logs'}\n\n"
        f"Open {stack.settings.public_url} and sign in as alice, bob or mallory @example.com (no password).\n"
        f"A token for the command line: {_command()} token alice@example.com\n"
        "Ctrl-C stops everything; the data stays.\n"
    )


def _command() -> str:
    """How this command is called from here: by its name, or by its path in an environment that is not active."""
    path = Path(sys.executable).with_name("vaultstream")
    return "vaultstream" if shutil.which("vaultstream") else os.path.relpath(path)


def _fresh_logs(folder: Path) -> Path:
    """The folder of the logs; those of the last run are kept as `<part>.log.1`."""
    logs = _place(folder, "logs")
    for log in logs.glob("*.log"):
        log.replace(log.with_suffix(".log.1"))
    return logs


def _place(folder: Path, name: str) -> Path:
    place = folder / name
    place.mkdir(mode=0o700, exist_ok=True)
    return place


def _stop(_number: int, _frame: FrameType | None) -> None:
    _on_signals(signal.SIG_IGN)  # once is enough
    say("Stopping.")
    raise _Stop


def _on_signals(action: "signal._HANDLER") -> None:
    for number in _STOP_SIGNALS:
        signal.signal(number, action)


def say(line: str) -> None:
    """Tell the person at the terminal; a terminal that is gone stops nothing."""
    with suppress(OSError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
