"""The parts of the embedded stack for tests: each started on a free port when something first asks for it."""

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from vaultstream.adapters.audit_migrations import APP_ROLE, migrate
from vaultstream.local import parts, postgres
from vaultstream.local.issuer.people import by_email
from vaultstream.local.issuer.tokens import Signer
from vaultstream.local.part import Part
from vaultstream.local.probes import free_port
from vaultstream.local.process import Process
from vaultstream.local.provision import provision
from vaultstream.settings import Secret, Settings

REGION = "eu-west-1"
CLIENT_ID = "vaultstream-test"
ACCESS_KEY = parts.AccessKey("VAULTSTREAMTESTS", Secret("a-secret-for-tests-only"), REGION)
PASSWORD = Secret("a-password-for-tests-only")


@contextlib.contextmanager
def running(part: Part, logs: Path) -> Iterator[Part]:
    """A part from the moment it serves; nothing of it is left at the end."""
    process = Process(part, logs)
    try:
        process.wait_ready()
        yield part
    finally:
        process.stop()


@dataclass(frozen=True, slots=True)
class LocalIssuer:
    """A running issuer, and its key to sign with in its stead."""

    url: str
    public_url: str
    signer: Signer

    def token(self, email: str) -> str:
        """A bearer token for one of its people."""
        person = by_email(email)
        assert person is not None, f"the issuer knows nobody as {email}"
        return self.signer.access_token(person, datetime.now(UTC))


@contextlib.contextmanager
def running_issuer(folder: Path) -> Iterator[LocalIssuer]:
    """An issuer for a vault that would be on some free port."""
    port = free_port()
    public_url = f"http://127.0.0.1:{free_port()}"
    with running(parts.issuer(folder, port, public_url=public_url, client_id=CLIENT_ID), folder):
        url = f"http://127.0.0.1:{port}"
        yield LocalIssuer(url, public_url, Signer.over(folder, issuer=url, client_id=CLIENT_ID))


@contextlib.contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """A new cluster that waits for no disk; gives its owner's DSN."""
    port = free_port()
    postgres.make_cluster(folder, PASSWORD)
    logs = folder.with_name("postgres-logs")
    logs.mkdir()
    with running(postgres.postgres(folder, port, is_durable=False), logs):
        yield postgres.dsn(port, PASSWORD).reveal()


async def new_database(owner_dsn: str) -> Secret:
    """A migrated audit database of its own; gives the application's DSN, not the owner's."""
    name = f"audit_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(owner_dsn)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    server = owner_dsn.rpartition("/")[0]
    await migrate(f"{server}/{name}", app_password=PASSWORD.reveal())
    host = server.rpartition("@")[2]
    return Secret(f"postgresql://{APP_ROLE}:{PASSWORD.reveal()}@{host}/{name}")


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the started parts are."""

    dynamodb_url: str
    s3_url: str
    kms_url: str
    aws_url: str
    redis_url: str
    postgres_dsn: str
    issuer: LocalIssuer
    content_key: str


async def new_world(servers: Servers) -> Settings:
    """Settings of a vault that shares nothing with another but its servers: all it needs is made, under new names."""
    name = f"vault-{secrets.token_hex(6)}"
    settings = Settings(
        table=f"{name}-table",
        bucket=f"{name}-bucket",
        kms_key=f"alias/{name}",
        auditors="alice@example.com",
        audit_key=f"alias/{name}-audit",
        audit_bucket=f"{name}-audit",
        bus=f"{name}-bus",
        queue_prefix=name,
        redis_url=Secret(servers.redis_url),
        postgres_dsn=await new_database(servers.postgres_dsn),
        oidc_issuer=servers.issuer.url,
        oidc_client_id=CLIENT_ID,
        public_url=servers.issuer.public_url,
        port=int(servers.issuer.public_url.rpartition(":")[2]),
        content_key_pair_id="KTESTS",
        content_private_key=Secret(servers.content_key),
        vault_id=name,
        region=REGION,
        endpoint_dynamodb=servers.dynamodb_url,
        endpoint_streams=servers.dynamodb_url,
        endpoint_s3=servers.s3_url,
        endpoint_kms=servers.kms_url,
        endpoint_sqs=servers.aws_url,
        endpoint_events=servers.aws_url,
        access_key_id=ACCESS_KEY.id,
        secret_access_key=ACCESS_KEY.secret,
    )
    await provision(settings)
    return settings


def new_rsa_pem() -> str:
    """A private RSA key."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
