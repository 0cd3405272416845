"""Where the vault is deployed, and what each place chooses for itself; every name in AWS comes from here."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import aws_cdk as aws

from vaultstream import metrics

EDGE_REGION = "us-east-1"  # CloudFront takes certificates and web ACLs from nowhere else


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One environment. Text that AWS gives (account, certificates, prefix list) has the shape of the real thing.

    `cloudfront_prefix_list` is the region's list of CloudFront's own addresses, `countries_denied` ISO 3166 codes.
    `keeps_data` holds on to what a deleted stack had stored. `auditors` are the e-mail addresses of those who may read
    the audit log.
    """

    environment: str
    account: str
    region: str
    domain: str
    certificate: str
    edge_certificate: str
    cloudfront_prefix_list: str
    content_public_key: str
    operator_email: str
    repository: str
    zones: int
    nat_gateways: int
    database_class: str
    cache_node: str
    cache_nodes: int
    tasks_min: int
    tasks_max: int
    keeps_data: bool
    auditors: tuple[str, ...] = ()
    countries_denied: tuple[str, ...] = ()

    @classmethod
    def from_context(cls, chosen: Mapping[str, object]) -> "Deployment":
        """Read an entry of `deployments` in cdk.json; an entry too many or too few is an error."""
        known = {field.name for field in fields(cls)}
        if unknown := chosen.keys() - known:
            raise ValueError(f"a deployment has no {', '.join(sorted(unknown))}")
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in chosen.items()}
        return cls(**values)  # type: ignore[arg-type]  # the context is JSON, and a missing field raises here

    @property
    def name(self) -> str:
        """What everything of this environment is called: the table, the bus, the prefix of its queues."""
        return f"vaultstream-{self.environment}"

    @property
    def bucket(self) -> str:
        """The bucket of sealed objects; bucket names are the world's."""
        return f"{self.name}-{self.account}-{self.region}"

    @property
    def audit_bucket(self) -> str:
        """The bucket of the audit log's checkpoints."""
        return f"{self.bucket}-checkpoints"

    @property
    def page_bucket(self) -> str:
        """The bucket of the page's files."""
        return f"{self.bucket}-page"

    @property
    def public_url(self) -> str:
        """The one address under which the vault is known."""
        return f"https://{self.domain}"

    @property
    def sign_in_prefix(self) -> str:
        """The first part of the sign-in's domain; in a region it is the world's, so the account is in it."""
        return f"{self.name}-{self.account}"

    @property
    def metrics_namespace(self) -> str:
        """Where CloudWatch keeps what the vault tells of itself."""
        return f"{metrics.NAMESPACE}/{self.environment}"

    def log(self, process: str) -> str:
        """The log group of a process."""
        return f"/vaultstream/{self.environment}/{process}"

    @property
    def is_prod(self) -> bool:
        """Whether people depend on it."""
        return self.environment == "prod"

    @property
    def removal(self) -> aws.RemovalPolicy:
        """What becomes of stored data when its stack goes."""
        return aws.RemovalPolicy.RETAIN if self.keeps_data else aws.RemovalPolicy.DESTROY

    def arn(self, service: str, resource: str) -> str:
        """An ARN of this account and region, from names alone: no stack has to tell another."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def env(self, region: str | None = None) -> aws.Environment:
        """The account and region of a stack."""
        return aws.Environment(account=self.account, region=region or self.region)
