"""The environment of every process of the vault on AWS, through the application's own settings."""

from dataclasses import dataclass

from cdk.deployments import Deployment
from cdk.stacks.database import DATABASE, OWNER
from vaultstream.secret_references import reference
from vaultstream.settings import APP_ROLE, PREFIX, Secret, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What only AWS knows: addresses and ids, in CDK's tokens."""

    data_key: str
    audit_key: str
    postgres: str
    postgres_replica: str
    redis: str
    user_pool: str
    user_pool_client: str
    content_key_id: str
    clamd: str
    collector: str


def settings(deployment: Deployment, places: Places) -> Settings:
    """The settings; secrets are named and never shown: each process looks them up when it starts."""

    def secret(name: str, field: str | None = None) -> str:
        return reference(f"{deployment.name}/{name}", field)

    def database(host: str) -> Secret:
        return Secret(f"postgresql://{APP_ROLE}:{secret('database-app')}@{host}:5432/{DATABASE}?sslmode=require")

    return Settings(
        environment=deployment.environment,
        vault_id=deployment.name,
        region=deployment.region,
        table=deployment.name,
        bucket=deployment.bucket,
        kms_key=places.data_key,
        bus=deployment.name,
        queue_prefix=deployment.name,
        redis_url=Secret(f"rediss://:{secret('redis')}@{places.redis}:6379/0"),
        postgres_dsn=database(places.postgres),
        postgres_replica_dsn=database(places.postgres_replica),
        oidc_issuer=f"https://cognito-idp.{deployment.region}.amazonaws.com/{places.user_pool}",
        oidc_token_origin=f"https://{deployment.sign_in_prefix}.auth.{deployment.region}.amazoncognito.com",
        oidc_client_id=places.user_pool_client,
        public_url=deployment.public_url,
        content_key_pair_id=places.content_key_id,
        content_private_key=Secret(secret("content-key")),
        clamd_url=places.clamd,
        auditors=",".join(deployment.auditors),
        audit_key=places.audit_key,
        audit_bucket=deployment.audit_bucket,
        otlp_endpoint=places.collector,
        host="0.0.0.0",  # noqa: S104  # a task in a private subnet, behind the load balancer's group
        proxies=2,
        edge_checks_signatures=True,
    )


def owner(deployment: Deployment, places: Places) -> dict[str, str]:
    """What `vaultstream migrate` takes: the database as its owner, and the password that the application's role has."""
    name = f"{deployment.name}/database-owner"
    dsn = f"postgresql://{OWNER}:{reference(name, 'password')}@{places.postgres}:5432/{DATABASE}?sslmode=require"
    password = reference(f"{deployment.name}/database-app")
    return {f"{PREFIX}POSTGRES_DSN": dsn, f"{PREFIX}APP_PASSWORD": password}
