"""What one count, value and span cost by the OpenTelemetry SDK, in JSON: `benchmarks.telemetry` runs it.

In an environment of its own, for redis-py's client measures itself wherever it finds that SDK.
"""

import json
import time
import timeit

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import Tracer, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler

_CALLS = 20_000
_REPEATS = 7


def _tracer(sampler: Sampler) -> Tracer:
    return TracerProvider(sampler=sampler).get_tracer("benchmark")


def _within(tracer: Tracer) -> None:
    with tracer.start_as_current_span("inner") as inner:
        inner.set_attribute("keys", 1)


def main() -> None:
    """Measure and print."""
    meter = MeterProvider([InMemoryMetricReader()]).get_meter("benchmark")
    counter, values, labels = meter.create_counter("c"), meter.create_histogram("h"), {"layer": "x", "outcome": "hit"}
    off, on = _tracer(ALWAYS_OFF), _tracer(ALWAYS_ON)
    deeds = {
        "a count": lambda: counter.add(1, labels),
        "a value in a histogram": lambda: values.record(0.003, labels),
        "a span, not sampled": lambda: _within(off),
        "a span, sampled": lambda: _within(on),
    }
    runs = {
        name: timeit.repeat(deed, timer=time.process_time, number=_CALLS, repeat=_REPEATS)
        for name, deed in deeds.items()
    }
    print(json.dumps({name: min(run) / _CALLS * 1e6 for name, run in runs.items()}))


if __name__ == "__main__":
    main()
