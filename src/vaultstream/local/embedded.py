"""The settings of the embedded stack: its endpoints on loopback, its keys and passwords from the data folder."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from vaultstream.local import keyfile
from vaultstream.local.parts import AccessKey
from vaultstream.local.postgres import DATABASE
from vaultstream.settings import APP_ROLE, PREFIX, Secret, Settings, SettingsError

CLIENT_ID = "vaultstream-web"
CONTENT_KEY_PAIR_ID = "KLOCALVAULT"
NAME = "vaultstream-local"
REGION = "eu-west-1"
_CHOOSABLE = (
    *("HOST", "PORT", "PUBLIC_URL", "CLAMD_URL", "DEFAULT_QUOTA_BYTES", "UPLOAD_BYTES_MAX"),
    *("UPLOAD_TTL_SECONDS", "CONTENT_URL_TTL_SECONDS", "KEY_CACHE_SECONDS", "OTLP_ENDPOINT", "TRACE_PERCENT"),
)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the stack made up at its first start, each in a file only its owner can read."""

    access_key: AccessKey
    redis_password: Secret
    database_owner_password: Secret
    database_app_password: Secret
    content_key: Secret

    @classmethod
    def of(cls, folder: Path) -> "Secrets":
        """The folder's secrets, made where there are none."""
        place = folder / "secrets"
        place.mkdir(mode=0o700, exist_ok=True)
        keyfile.rsa_key(place / "content-key.pem")
        return cls(
            access_key=AccessKey(
                keyfile.keep(place / "access-key-id", _new_access_key_id).decode(),
                Secret(keyfile.secret_text(place / "secret-access-key")),
                REGION,
            ),
            redis_password=Secret(keyfile.secret_text(place / "redis-password")),
            database_owner_password=Secret(keyfile.secret_text(place / "database-owner-password")),
            database_app_password=Secret(keyfile.secret_text(place / "database-app-password")),
            content_key=Secret((place / "content-key.pem").read_text()),
        )


def embedded(own: Secrets, ports: Mapping[str, int], environ: Mapping[str, str]) -> Settings:
    """The settings for every process of the stack; raises SettingsError.

    Of the environment only what a person may choose counts: nothing there can point the stack elsewhere.
    """
    if environ.get(f"{PREFIX}ENVIRONMENT", "local") != "local":
        raise SettingsError(f"`vaultstream dev` is the local environment; unset {PREFIX}ENVIRONMENT to run it")
    chosen = {PREFIX + name: environ[PREFIX + name] for name in _CHOOSABLE if PREFIX + name in environ}
    port = _port(environ)
    made = {PREFIX + name.upper(): value for name, value in _made(own, ports, port).items()}
    settings = Settings.from_env(made | chosen)
    if urlsplit(settings.public_url).hostname not in _LOOPBACK:
        raise SettingsError(f"{PREFIX}PUBLIC_URL must be on this machine: the local sign-in asks for no password")
    return settings


def port(environ: Mapping[str, str]) -> int:
    """The vault's own port, before anything else is known; 0 for what is no number, which Settings refuse."""
    return int(text) if (text := _port(environ)).isdecimal() else 0


def _port(environ: Mapping[str, str]) -> str:
    return environ.get(f"{PREFIX}PORT", "8000")


def _made(own: Secrets, ports: Mapping[str, int], port: str) -> dict[str, str]:
    app = f"{APP_ROLE}:{own.database_app_password.reveal()}"
    at = {name: f"http://127.0.0.1:{number}" for name, number in ports.items()}
    return {
        "table": NAME,
        "bucket": NAME,
        "region": REGION,
        "kms_key": f"alias/{NAME}",
        "auditors": "alice@example.com",
        "audit_key": f"alias/{NAME}-audit",
        "audit_bucket": f"{NAME}-audit",
        "bus": NAME,
        "queue_prefix": NAME,
        "redis_url": f"redis://:{own.redis_password.reveal()}@127.0.0.1:{ports['redis']}/0",
        "postgres_dsn": f"postgresql://{app}@127.0.0.1:{ports['postgresql']}/{DATABASE}",
        "postgres_replica_dsn": f"postgresql://{app}@127.0.0.1:{ports['replica']}/{DATABASE}",
        "oidc_issuer": at["sign-in"],
        "oidc_client_id": CLIENT_ID,
        "public_url": f"http://127.0.0.1:{port}",
        "content_key_pair_id": CONTENT_KEY_PAIR_ID,
        "content_private_key": own.content_key.reveal(),
        "environment": "local",
        "endpoint_dynamodb": at["dynamodb"],
        "endpoint_streams": at["dynamodb"],
        "endpoint_s3": at["s3"],
        "endpoint_kms": at["kms"],
        "endpoint_sqs": at["aws"],
        "endpoint_events": at["aws"],
        "access_key_id": own.access_key.id,
        "secret_access_key": own.access_key.secret.reveal(),
    }


def _new_access_key_id() -> bytes:
    return f"VAULTSTREAM{secrets.token_hex(4).upper()}".encode()
