"""Spans and meters as OTLP's JSON (opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding"), nothing sent yet."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from vaultstream.adapters.telemetry.tracer import Span, Value
from vaultstream.metrics import METRICS, NAMESPACE, Kind, Metric

if TYPE_CHECKING:
    from vaultstream.adapters.meters import Meters

Json = dict[str, Any]  # Any: JSON values
_CUMULATIVE = 2
_ERROR = 2


def traces(resource: Mapping[str, Value], spans: Iterable[Span]) -> Json:
    """An ExportTraceServiceRequest."""
    scope = {"scope": {"name": NAMESPACE}, "spans": [_span(span) for span in spans]}
    return {"resourceSpans": [{"resource": {"attributes": _attributes(resource)}, "scopeSpans": [scope]}]}


def metrics(resource: Mapping[str, Value], meters: "Meters", since_ns: int, now_ns: int) -> Json:
    """An ExportMetricsServiceRequest of everything that was counted since the process began."""
    times = {"startTimeUnixNano": f"{since_ns}", "timeUnixNano": f"{now_ns}"}
    told = [_metric(metric, meters, times) for metric in METRICS]
    scope = {"scope": {"name": NAMESPACE}, "metrics": [one for one in told if one is not None]}
    return {"resourceMetrics": [{"resource": {"attributes": _attributes(resource)}, "scopeMetrics": [scope]}]}


def _span(span: Span) -> Json:
    told: Json = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "kind": int(span.kind),
        "startTimeUnixNano": f"{span.begun_ns}",
        "endTimeUnixNano": f"{span.ended_ns}",
        "attributes": _attributes(span.attributes),
        "status": {"code": _ERROR} if span.has_failed else {},
    }
    return told | ({"parentSpanId": span.parent_id} if span.parent_id else {})


def _metric(metric: Metric, meters: "Meters", times: Json) -> Json | None:
    """None where nothing was measured yet."""
    if metric.kind is Kind.HISTOGRAM:
        points = [
            times
            | {
                "attributes": _labels(metric, labels),
                "count": f"{sum(spread.counts)}",
                "sum": spread.total,
                "bucketCounts": [f"{count}" for count in spread.counts],
                "explicitBounds": list(metric.bounds),
            }
            for labels, spread in meters.spreads(metric).items()
        ]
    else:
        numbers = meters.numbers(metric).items()
        points = [times | {"attributes": _labels(metric, labels), "asDouble": value} for labels, value in numbers]
    if not points:
        return None
    told: Json = {"dataPoints": points}
    if metric.kind is not Kind.GAUGE:
        told["aggregationTemporality"] = _CUMULATIVE
    if metric.kind is Kind.COUNTER:
        told["isMonotonic"] = True
    shape = {Kind.COUNTER: "sum", Kind.GAUGE: "gauge", Kind.HISTOGRAM: "histogram"}[metric.kind]
    return {"name": metric.full_name, "unit": metric.unit, "description": metric.help, shape: told}


def _labels(metric: Metric, labels: tuple[str, ...]) -> list[Json]:
    return _attributes(dict(zip(metric.labels, labels, strict=True)))


def _attributes(values: Mapping[str, Value]) -> list[Json]:
    """In OTLP's JSON a whole number is text, for JavaScript would round it."""
    return [
        {"key": key, "value": {"intValue": f"{value}"} if isinstance(value, int) else {"stringValue": value}}
        for key, value in values.items()
    ]
