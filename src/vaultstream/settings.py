"""Every setting as a contract: read once from the environment, written once by whoever deploys."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PREFIX = "VAULTSTREAM_"
APP_ROLE = "vaultstream_app"  # the role by which the vault itself is known to PostgreSQL
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Secret(str):
    """Text that must not be seen: `repr` and `str` in f-strings hide it; `reveal()` gives it to its one user."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Hide the text."""
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """Hide the text."""
        return "…"

    def reveal(self) -> str:
        """The text itself."""
        return str.__str__(self)


class SettingsError(Exception):
    """The environment does not make a vault; the message names the variable and what it takes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a process must know to be the vault. Each field is the variable VAULTSTREAM_<FIELD>.

    `endpoint_*` point an AWS client elsewhere (the embedded stack); empty means AWS itself. `queue_prefix` and
    `bus` name queues ("<prefix>-<worker>") and the event bus. `content_private_key` is the PEM of the RSA key
    that signs download URLs, `content_key_pair_id` its CloudFront id. `budget_size` is how many points each person's
    GraphQL requests may cost at once, `budget_per_second` how many come back each second (guests: a tenth).
    `clamd_limit_bytes` is the least of the StreamMaxLength, MaxFileSize and MaxScanSize of the clamd at `clamd_url`,
    which calls larger files clean: here they are unscannable.
    `postgres_replica_dsn` is a standby of `postgres_dsn`, from which pages of the audit log are read (empty: none is).
    `auditors` are the verified e-mail addresses, with commas between, of those who may read the audit log.
    `audit_key` is the KMS key (ECC_NIST_P256, SIGN_VERIFY) that signs checkpoints of the audit log, `audit_bucket` the
    bucket with Object Lock that keeps them; without them none are taken.
    `oidc_token_origin` is where the issuer trades codes for tokens, if not under its own name (Cognito: its domain).
    `trusted_documents` is the path of a manifest of GraphQL documents; with `trusted_only` no others run.
    `otlp_endpoint` is where traces and metrics are sent (OTLP over HTTP; empty: nowhere), `trace_percent` how many
    requests of a hundred are traced then.
    `proxies` is how many stand in front and each add an address to X-Forwarded-For; what comes past fewer of them is
    believed nothing. Where `edge_checks_signatures`, CloudFront has checked a signed URL and taken its signature off,
    and the vault checks the URL's own proof.
    """

    table: str
    bucket: str
    kms_key: str
    bus: str
    queue_prefix: str
    redis_url: Secret
    postgres_dsn: Secret
    oidc_issuer: str
    oidc_client_id: str
    public_url: str
    content_key_pair_id: str
    content_private_key: Secret
    environment: str = "local"
    vault_id: str = "vault"
    region: str = "eu-west-1"
    host: str = "127.0.0.1"
    port: int = 8000
    proxies: int = 0
    edge_checks_signatures: bool = False
    clamd_url: str = ""
    clamd_limit_bytes: int = 100 * 2**20
    default_quota_bytes: int = 100 * 2**30
    upload_bytes_max: int = 50 * 2**30
    upload_ttl_seconds: int = 24 * 3600
    content_url_ttl_seconds: int = 300
    key_cache_seconds: int = 60
    trash_ttl_seconds: int = 30 * 24 * 3600
    versions_max: int = 100
    budget_size: int = 200_000
    budget_per_second: int = 5_000
    oidc_token_origin: str = ""
    postgres_replica_dsn: Secret = field(default=Secret(""))
    auditors: str = ""
    audit_key: str = ""
    audit_bucket: str = ""
    trusted_documents: str = ""
    trusted_only: bool = False
    otlp_endpoint: str = ""
    trace_percent: int = 1
    endpoint_dynamodb: str = ""
    endpoint_streams: str = ""
    endpoint_s3: str = ""
    endpoint_kms: str = ""
    endpoint_sqs: str = ""
    endpoint_events: str = ""
    access_key_id: str = ""
    secret_access_key: Secret = field(default=Secret(""))

    def __post_init__(self) -> None:
        """Refuse what could not be safe: a plain-http issuer is for loopback only."""
        issuer = urlsplit(self.oidc_issuer)
        if issuer.scheme != "https" and issuer.hostname not in _LOOPBACK:
            raise SettingsError(f"{PREFIX}OIDC_ISSUER must begin with https://")
        if not self.is_local and issuer.hostname in _LOOPBACK:
            raise SettingsError(f"{PREFIX}OIDC_ISSUER is a local issuer, but the environment is not local")
        if self.oidc_token_origin and not self.oidc_token_origin.startswith("https://"):
            raise SettingsError(f"{PREFIX}OIDC_TOKEN_ORIGIN must begin with https://")
        if self.budget_size < 1 or self.budget_per_second < 1:
            raise SettingsError(f"{PREFIX}BUDGET_SIZE and {PREFIX}BUDGET_PER_SECOND are at least 1")
        if not 0 <= self.trace_percent <= 100:
            raise SettingsError(f"{PREFIX}TRACE_PERCENT is 0 to 100")
        if self.trusted_only and not self.trusted_documents:
            raise SettingsError(f"{PREFIX}TRUSTED_ONLY needs {PREFIX}TRUSTED_DOCUMENTS, the path of a manifest")

    @property
    def sampled_percent(self) -> int:
        """How many requests of a hundred are traced: none where nobody takes the traces."""
        return self.trace_percent if self.otlp_endpoint else 0

    @property
    def sign_in_origins(self) -> tuple[str, ...]:
        """Whom the page asks when somebody signs in: the issuer, and where it trades codes for tokens."""
        issuer = urlsplit(self.oidc_issuer)
        own = f"{issuer.scheme}://{issuer.netloc}"
        return (own, self.oidc_token_origin) if self.oidc_token_origin else (own,)

    @property
    def has_sockets(self) -> bool:
        """Whether WebSockets reach the vault: CloudFront carries none to an origin within a VPC."""
        return not self.edge_checks_signatures

    @property
    def is_local(self) -> bool:
        """Whether this is the embedded stack on somebody's own machine."""
        return self.environment == "local"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read VAULTSTREAM_*; raises SettingsError with every variable that is missing or of the wrong kind."""
        values: dict[str, object] = {}
        problems: list[str] = []
        for spec in dataclasses.fields(cls):
            name = PREFIX + spec.name.upper()
            text = environ.get(name)
            if text is None:
                if spec.default is dataclasses.MISSING:
                    problems.append(f"{name} is not set")
                continue
            try:
                values[spec.name] = _KINDS[spec.type](text)
            except ValueError:
                problems.append(f"{name} takes {_WORDS[spec.type]}")
        if problems:
            raise SettingsError("; ".join(problems))
        return cls(**values)  # type: ignore[arg-type]  # each value was made by its field's own type

    def to_env(self) -> dict[str, str]:
        """The variables from which `from_env` makes an equal value."""
        env = {}
        for spec in dataclasses.fields(self):
            value = getattr(self, spec.name)
            env[PREFIX + spec.name.upper()] = value.reveal() if isinstance(value, Secret) else f"{value}"
        return env


def _switch(text: str) -> bool:
    """What `to_env` writes, in letters of any case."""
    if text.lower() not in {"true", "false"}:
        raise ValueError(text)
    return text.lower() == "true"


_KINDS: Mapping[object, Callable[[str], object]] = {str: str, int: int, bool: _switch, Secret: Secret}
_WORDS: Mapping[object, str] = {int: "a whole number", bool: "true or false"}
