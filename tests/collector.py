"""A collector of OTLP over HTTP, which takes nothing that OpenTelemetry's own messages do not."""

import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from doors import serving
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from vaultstream.local.probes import free_port

_IDS = {"traceId", "spanId", "parentSpanId"}


@dataclass
class Collector:
    """What came in. `status` is what it answers: with anything but 200 it keeps nothing."""

    status: int = 200
    spans: list[Span] = field(default_factory=list)
    metrics: list[Any] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    asked: int = 0

    async def take(self, request: Request) -> JSONResponse:
        body = await request.body()
        self.asked += 1
        if self.status == 200:
            self.bodies.append(body)
            json = as_protobuf_spells_it(await request.json())
            if request.url.path == "/v1/traces":
                told = ParseDict(json, ExportTraceServiceRequest())
                self.spans += [span for one in told.resource_spans for scope in one.scope_spans for span in scope.spans]
            else:
                (one,) = ParseDict(json, ExportMetricsServiceRequest()).resource_metrics
                self.metrics = [metric for scope in one.scope_metrics for metric in scope.metrics]
        return JSONResponse({}, self.status)

    def trace(self, trace_id: str) -> list[Span]:
        return [span for span in self.spans if span.trace_id.hex() == trace_id]


@asynccontextmanager
async def collecting() -> AsyncIterator[tuple[Collector, str]]:
    """A collector, and its endpoint."""
    collector = Collector()
    routes = [Route(f"/v1/{signal}", collector.take, methods=["POST"]) for signal in ("traces", "metrics")]
    async with serving(Starlette(routes=routes), free_port()) as url:
        yield collector, url


def as_protobuf_spells_it(value: Any) -> Any:
    """OTLP writes ids in hex where protobuf's own JSON has base64; all else is the same."""
    if isinstance(value, list):
        return [as_protobuf_spells_it(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: base64.b64encode(bytes.fromhex(inner)).decode() if name in _IDS else as_protobuf_spells_it(inner)
        for name, inner in value.items()
    }


def attributes(span: Span) -> dict[str, str | int]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


def has_failed(span: Span) -> bool:
    return span.status.code == Status.STATUS_CODE_ERROR


def roots(spans: list[Span]) -> Iterator[Span]:
    """Those whose parent is none of these."""
    known = {span.span_id for span in spans}
    return (span for span in spans if span.parent_span_id not in known)
