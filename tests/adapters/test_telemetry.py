"""Spans and meters on their way out: what a collector gets, and what a collector that is gone costs."""

import asyncio
import json
import logging
import sys
from contextlib import suppress
from dataclasses import replace

import pytest
from collector import attributes, collecting, has_failed
from wires import Wire

from vaultstream.adapters.meters import Meters
from vaultstream.adapters.telemetry.exporter import SPANS_MAX, Exporter
from vaultstream.adapters.telemetry.logs import JsonLines, logged_request
from vaultstream.adapters.telemetry.tracer import ENDED_MAX, SpanKind, Tracer, call, carried, span
from vaultstream.adapters.vault import opened
from vaultstream.metrics import CALL_SECONDS, LOG_LINES, SPANS_DROPPED, TRANSFER_BYTES, WORKER_SECONDS
from vaultstream.settings import Secret, Settings
from vaultstream.traces import TraceContext

GIVEN = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", is_sampled=True)


def test_a_request_that_is_not_sampled_leaves_nothing():
    tracer = Tracer(0)
    with tracer.request("http page", f"{GIVEN}") as outer, span("inner") as inner:
        assert (outer, inner, carried()) == (None, None, "")
    with tracer.handling("worker scan", [f"{GIVEN}"]):
        assert carried() == ""

    assert not tracer.ended


def test_spans_are_below_each_other_and_go_on_from_what_was_given():
    tracer = Tracer(100)
    with tracer.request("http graphql", f"{GIVEN}") as request, span("inner") as inner:
        assert request is not None
        assert inner is not None
        assert carried() == f"00-{GIVEN.trace_id}-{inner.span_id}-01"
        call("redis GET").end()
    assert carried() == ""

    told = {span.name: (span.trace_id, span.parent_id, span.kind) for span in tracer.ended}
    assert told == {
        "redis GET": (GIVEN.trace_id, inner.span_id, SpanKind.CLIENT),
        "inner": (GIVEN.trace_id, request.span_id, SpanKind.INTERNAL),
        "http graphql": (GIVEN.trace_id, GIVEN.span_id, SpanKind.SERVER),
    }


def test_a_stranger_cannot_have_a_request_traced():
    """The flag is for those who trust each other: here our own part of a hundred decides."""
    tracer = Tracer(1)
    for _ in range(2000):
        with tracer.request("http page", f"{GIVEN}"):
            pass

    assert 0 < len(tracer.ended) < 100


def test_each_trace_of_a_batch_has_its_span_and_the_first_the_work():
    tracer = Tracer(100)
    other, unsampled = replace(GIVEN, trace_id="a" * 32), replace(GIVEN, trace_id="b" * 32, is_sampled=False)
    with suppress(RuntimeError), tracer.handling("worker audit", ["", *map(str, (unsampled, GIVEN, GIVEN, other))]):
        call("postgresql statement").end()
        raise RuntimeError

    told = [(span.name, span.trace_id, span.has_failed) for span in tracer.ended]
    assert told == [
        ("postgresql statement", GIVEN.trace_id, False),
        ("worker audit", GIVEN.trace_id, True),
        ("worker audit", other.trace_id, True),
    ]


async def test_a_collector_gets_every_span_and_the_meters_as_they_stand():
    meters, tracer = Meters(), Tracer(100)
    meters.count(TRANSFER_BYTES, "upload", by=2**40)
    for seconds in (0.01, 3.0, 1e9):
        meters.observe(WORKER_SECONDS, seconds, "scan", "done")
    with suppress(RuntimeError), tracer.request("http page", f"{GIVEN}") as span:
        assert span is not None
        span.attributes |= {"status": 500, "request_id": "request-1"}
        for _ in range(SPANS_MAX):
            call("redis GET").end()
        raise RuntimeError
    async with collecting() as (collector, url), Exporter(f"{url}/", "test", meters, tracer):
        pass

    assert len(collector.trace(GIVEN.trace_id)) == SPANS_MAX + 1
    (request,) = [span for span in collector.spans if span.name == "http page"]
    assert (request.parent_span_id.hex(), has_failed(request)) == (GIVEN.span_id, True)
    assert attributes(request) == {"status": 500, "request_id": "request-1"}
    assert 0 < request.start_time_unix_nano <= request.end_time_unix_nano
    told = {metric.name: metric for metric in collector.metrics}
    (transferred,) = told[TRANSFER_BYTES.full_name].sum.data_points
    assert (transferred.as_double, told[TRANSFER_BYTES.full_name].sum.is_monotonic) == (2**40, True)
    (handled,) = told[WORKER_SECONDS.full_name].histogram.data_points
    assert (handled.count, handled.sum, sum(handled.bucket_counts)) == (3, 1e9 + 3.01, 3)
    assert list(handled.explicit_bounds) == list(WORKER_SECONDS.bounds)
    assert handled.bucket_counts[-1] == 1
    assert not tracer.ended


async def test_what_a_collector_cannot_take_now_is_sent_again_and_what_it_refuses_is_counted():
    meters, tracer = Meters(), Tracer(100)
    async with collecting() as (collector, url), Exporter(url, "test", meters, tracer) as exporter:
        with tracer.request("http page", ""):
            pass
        collector.status = 503
        await exporter.flush()
        assert len(tracer.ended) == 1
        collector.status = 200
        await exporter.flush()
        assert len(collector.spans) == 1
        with tracer.request("http page", ""):
            pass
        collector.status = 400

    assert (len(tracer.ended), len(collector.spans)) == (0, 1)
    assert meters.numbers(SPANS_DROPPED) == {("refused",): 1}


async def test_a_collector_that_is_gone_fills_no_memory_and_one_line_of_the_log(caplog: pytest.LogCaptureFixture):
    meters, tracer = Meters(), Tracer(100)
    async with (
        collecting() as (collector, url),
        Wire("127.0.0.1", int(url.rpartition(":")[2])) as wire,
        Exporter(f"http://127.0.0.1:{wire.port}", "test", meters, tracer) as exporter,
    ):
        wire.refuse()
        for _ in range(ENDED_MAX + 10):
            with tracer.request("http page", ""):
                pass
        await exporter.flush()
        await exporter.flush()
        assert len(tracer.ended) == ENDED_MAX
        wire.restore()

    assert len(collector.spans) == ENDED_MAX
    assert meters.numbers(SPANS_DROPPED) == {("full",): 10}
    (said,) = [record.getMessage() for record in caplog.records if record.name.startswith("vaultstream.")]
    assert said.startswith("the collector of traces and metrics does not answer")


async def test_calls_of_other_systems_are_told_with_their_end(settings: Settings):
    """A refused condition is the caller's, a part that is gone is ours."""
    tracer = Tracer(100)
    dead = replace(settings, endpoint_kms="http://127.0.0.1:9", redis_url=Secret("redis://127.0.0.1:9/0"))
    async with opened(dead, tracer=tracer) as vault:
        with tracer.request("http page", ""):
            await vault.records.ping()
            await vault.audit_log.ping()
            with pytest.raises(Exception, match="cannot reach its keys"):
                await vault.keys.ping()
            assert await vault.documents.find("0" * 64) is None
        seen = {labels: sum(spread.counts) for labels, spread in vault.meters.spreads(CALL_SECONDS).items()}

    assert seen[("dynamodb", "ok")] == 1
    assert seen[("kms", "failed")] == 1
    assert seen[("redis", "failed")] >= 1
    assert seen[("postgresql", "ok")] >= 1
    told = {(span.name, span.has_failed) for span in tracer.ended}
    assert {("dynamodb GetItem", False), ("kms DescribeKey", True), ("redis EVALSHA", True)} <= told
    assert ("postgresql statement", False) in told


def test_a_json_line_has_its_request_and_its_trace_and_stays_one_line():
    tracer = Tracer(100)
    logged_request.set("request-1")
    try:
        json.loads("{\n")
    except ValueError:
        record = logging.LogRecord("vaultstream.x", logging.ERROR, "x.py", 1, "%s failed", ("it",), sys.exc_info())
    with tracer.request("http page", f"{GIVEN}") as span:
        text = JsonLines().format(record)
    logged_request.set("")

    line = json.loads(text)
    assert "\n" not in text
    assert "Traceback" in line["exception"]
    assert "json.decoder.JSONDecodeError" in line["exception"]
    assert span is not None
    assert {name: line[name] for name in ("level", "logger", "message", "request_id", "trace_id", "span_id")} == {
        "level": "ERROR",
        "logger": "vaultstream.x",
        "message": "it failed",
        "request_id": "request-1",
        "trace_id": GIVEN.trace_id,
        "span_id": span.span_id,
    }
    assert "request_id" not in json.loads(JsonLines().format(record))


async def test_lines_of_trouble_are_counted_where_the_vault_is_and_no_longer_than_it(settings: Settings):
    log = logging.getLogger("vaultstream.anything")
    async with opened(settings) as vault:
        log.info("all is well")
        log.warning("it will be")
        log.error("it is not")
        log.critical("at all")
        await asyncio.to_thread(log.error, "another vault's")
        assert vault.meters.numbers(LOG_LINES) == {("warning",): 1, ("error",): 2}
    log.error("nobody's")
    assert vault.meters.numbers(LOG_LINES) == {("warning",): 1, ("error",): 2}
