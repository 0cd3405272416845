"""The metrics as a table to read, for whoever builds alarms and dashboards outside this package."""

from vaultstream.metrics import METRICS, Metric

_HEAD = """# Metrics

Made from `src/vaultstream/metrics.py` by `make schema`. The names are the same in Prometheus (`/metrics`, locally),
OTLP and what a collector makes of it. A label takes these values and no others.

| name | kind | unit | labels | what it tells |
|---|---|---|---|---|
"""


def metric_table() -> str:
    """The contract in Markdown."""
    return _HEAD + "".join(f"{_row(metric)}\n" for metric in METRICS)


def _row(metric: Metric) -> str:
    labels = "<br>".join(f"`{label}`: {', '.join(values)}" for label, values in metric.labels.items())
    return f"| `{metric.full_name}` | {metric.kind} | {metric.unit} | {labels} | {metric.help} |"
