"""What the vault measures, as a contract: names, kinds, units and the few values that each label may take.

Alarms and dashboards are built from these rows. A label never holds what a person chose: no id, no name, no address.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from vaultstream.events import WORKERS

NAMESPACE = "VaultStream"  # of CloudWatch, and the scope of what is exported
PREFIX = "vaultstream_"


class Kind(StrEnum):
    """How a metric changes, in the words of Prometheus and OpenTelemetry."""

    COUNTER = "counter"  # only ever grows, while the process lives
    GAUGE = "gauge"  # as it stands now
    HISTOGRAM = "histogram"  # how often, how much in all, and how many were at most each bound


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One row: `name` without the prefix, its unit at the name's end; `labels` with every value that each may take.

    A row is itself and equals no other, so that it is a cheap key.
    """

    name: str
    kind: Kind
    unit: str
    help: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bounds: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a row that no exporter could write."""
        if (self.kind is Kind.HISTOGRAM) != bool(self.bounds) or list(self.bounds) != sorted(set(self.bounds)):
            raise ValueError(f"{self.name}: a histogram, and nothing else, has ascending bounds")
        if (self.kind is Kind.COUNTER) != self.name.endswith("_total"):
            raise ValueError(f"{self.name}: a counter, and nothing else, ends in _total")
        object.__setattr__(self, "labels", MappingProxyType(dict(self.labels)))

    @property
    def full_name(self) -> str:
        """The name everywhere outside: Prometheus, OTLP, CloudWatch."""
        return PREFIX + self.name

    def require_lawful(self, values: tuple[str, ...]) -> None:
        """Raise ValueError unless these are values of the row's labels, in its order."""
        allowed = self.labels.values()
        if len(values) != len(allowed) or any(value not in some for value, some in zip(values, allowed, strict=True)):
            raise ValueError(f"{self.name} has no series {values!r}")


QUICK_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SLOW_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)

DOORS = ("graphql", "uploads", "content", "zip", "audit", "link", "health", "metrics", "page")
OPERATIONS = ("none", "query", "mutation", "subscription")
OUTCOMES = ("ok", "refused", "failed")  # done; the caller's doing; ours, or of something that we need
SYSTEMS = ("dynamodb", "s3", "kms", "events", "redis", "postgresql")
WORKER_NAMES = (*(worker.name for worker in WORKERS), "relay", "sweep", "other")
DUE_KINDS = ("VERSION", "UPLOAD", "SHARE", "TRASH", "PURGE", "SHRED", "THIN", "QUOTA", "LOOK")

REQUEST_SECONDS = Metric(
    "request_seconds",
    Kind.HISTOGRAM,
    "s",
    "Requests over HTTP, from the first byte of the head until the last of the answer.",
    {"door": DOORS, "operation": OPERATIONS, "outcome": OUTCOMES},
    QUICK_SECONDS,
)
CALL_SECONDS = Metric(
    "call_seconds",
    Kind.HISTOGRAM,
    "s",
    "Calls of other systems, their own retries included; of a body that streams, until its head.",
    {"system": SYSTEMS, "outcome": OUTCOMES},
    QUICK_SECONDS,
)
CACHE_LOOKUPS = Metric(
    "cache_lookups_total",
    Kind.COUNTER,
    "1",
    "Look-ups in the cache. A stale entry was found and not used; a bypass never asked. On the shelf is what this "
    "process made of collections: only their tokens are asked for.",
    {"layer": ("collection", "shelf", "response"), "outcome": ("hit", "miss", "stale", "bypass")},
)
CACHE_BREAKER_STATE = Metric(
    "cache_breaker_state",
    Kind.GAUGE,
    "1",
    "Whether Redis is asked: 0 yes (closed), 1 one try at a time (half open), 2 no (open).",
)
CACHE_SHELF_BYTES = Metric(
    "cache_shelf_bytes",
    Kind.GAUGE,
    "By",
    "What is on this process's shelf of collections, by the length of their entries.",
)
BUDGET_REFUSALS = Metric(
    "budget_refusals_total",
    Kind.COUNTER,
    "1",
    "GraphQL requests that cost more points than their sender had left.",
    {"actor": ("member", "guest")},
)
OUTBOX_OLDEST_SECONDS = Metric(
    "outbox_oldest_seconds",
    Kind.GAUGE,
    "s",
    "Age of the oldest event that is overdue in the audit log, when the sweeper last looked; 0 where there is none.",
)
CHECKPOINT_FAILURES = Metric(
    "checkpoint_failures_total",
    Kind.COUNTER,
    "1",
    "Rounds of the sweeper in which the audit log's checkpoint was due and could not be taken.",
)
AUDIT_REPLICA_LAG_SECONDS = Metric(
    "audit_replica_lag_seconds",
    Kind.GAUGE,
    "s",
    "By how much the audit log's replica was behind at the most, when somebody last read from it or would have.",
)
AUDIT_MISPLACED_ROWS = Metric(
    "audit_misplaced_rows",
    Kind.GAUGE,
    "1",
    "Rows of the audit log that found no partition of their month, when the sweeper last looked.",
)
EVENT_WAIT_SECONDS = Metric(
    "event_wait_seconds",
    Kind.HISTOGRAM,
    "s",
    "From the deed until a worker took up its event.",
    {"worker": WORKER_NAMES},
    SLOW_SECONDS,
)
WORKER_SECONDS = Metric(
    "worker_seconds",
    Kind.HISTOGRAM,
    "s",
    "A worker's handling of one batch, or of one round.",
    {"worker": WORKER_NAMES, "outcome": ("done", "failed")},
    SLOW_SECONDS,
)
SCAN_VERDICTS = Metric(
    "scan_verdicts_total",
    Kind.COUNTER,
    "1",
    "Scans that came to an end, by what they found.",
    {"verdict": ("CLEAN", "INFECTED", "UNSCANNABLE", "FAILED")},
)
WORK_OVERDUE_SECONDS = Metric(
    "work_overdue_seconds",
    Kind.GAUGE,
    "s",
    "How long ago the oldest work of a kind fell due, when the sweeper last looked; 0 where there is none.",
    {"kind": DUE_KINDS},
)
SCRUBBED = Metric(
    "scrubbed_total",
    Kind.COUNTER,
    "1",
    "Stored versions that the integrity scrub has opened, by what it found.",
    {"outcome": ("sound", "damaged")},
)
LIVE_CONNECTIONS = Metric(
    "live_connections",
    Kind.GAUGE,
    "1",
    "Connections that are open for subscriptions: WebSockets and streams of server-sent events.",
    {"protocol": ("websocket", "sse")},
)
LIVE_DELIVERIES = Metric(
    "live_deliveries_total",
    Kind.COUNTER,
    "1",
    "Answers that were made for subscriptions.",
)
TRANSFER_BYTES = Metric(
    "transfer_bytes_total",
    Kind.COUNTER,
    "By",
    "Plaintext that came in by uploads and went out by downloads, and by exports of the audit log.",
    {"way": ("upload", "download", "export")},
)
LOG_LINES = Metric(
    "log_lines_total",
    Kind.COUNTER,
    "1",
    "Lines of the log that tell of trouble. An error is what nobody expected; a warning will be mended by itself.",
    {"level": ("warning", "error")},
)
SPANS_DROPPED = Metric(
    "spans_dropped_total",
    Kind.COUNTER,
    "1",
    "Spans that reached no collector: too many waited, or it refused them.",
    {"reason": ("full", "refused")},
)

METRICS = (
    REQUEST_SECONDS,
    CALL_SECONDS,
    CACHE_LOOKUPS,
    CACHE_BREAKER_STATE,
    CACHE_SHELF_BYTES,
    BUDGET_REFUSALS,
    OUTBOX_OLDEST_SECONDS,
    CHECKPOINT_FAILURES,
    AUDIT_REPLICA_LAG_SECONDS,
    AUDIT_MISPLACED_ROWS,
    EVENT_WAIT_SECONDS,
    WORKER_SECONDS,
    SCAN_VERDICTS,
    WORK_OVERDUE_SECONDS,
    SCRUBBED,
    LIVE_CONNECTIONS,
    LIVE_DELIVERIES,
    TRANSFER_BYTES,
    LOG_LINES,
    SPANS_DROPPED,
)
