"""Counters, gauges and histograms of this process: numbers in dictionaries, read out as Prometheus text.

A count costs a fraction of a microsecond, an OpenTelemetry SDK's several: benchmarks/telemetry.py.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vaultstream.metrics import METRICS, Kind, Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = tuple[str, ...]


@dataclass(slots=True)
class Spread:
    """A histogram's series: how many values fell to each bound (the last: above all), and their sum."""

    counts: list[int]
    total: float = 0.0


class Meters:
    """The series of the metrics in the contract; a series begins when it is first used.

    Raises ValueError for a label's value that the contract does not name.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[Metric, Labels], float] = {}
        self._spreads: dict[tuple[Metric, Labels], Spread] = {}
        self._watched: dict[tuple[Metric, Labels], Callable[[], float]] = {}

    def count(self, metric: Metric, *labels: str, by: float = 1) -> None:
        """Add to a counter, or to a gauge (there `by` may be below zero)."""
        key = (metric, labels)
        try:
            self._numbers[key] += by
        except KeyError:
            metric.require_lawful(labels)
            self._numbers[key] = by

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """What a gauge shows from now on."""
        metric.require_lawful(labels)
        self._numbers[metric, labels] = value

    def watch(self, metric: Metric, read: Callable[[], float], *labels: str) -> None:
        """Ask for a gauge's value whenever it is to be shown."""
        metric.require_lawful(labels)
        self._watched[metric, labels] = read

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Put a value into a histogram."""
        key = (metric, labels)
        spread = self._spreads.get(key)
        if spread is None:
            metric.require_lawful(labels)
            spread = self._spreads[key] = Spread([0] * (len(metric.bounds) + 1))
        spread.counts[bisect_left(metric.bounds, value)] += 1
        spread.total += value

    @contextmanager
    def held(self, metric: Metric, *labels: str) -> Iterator[None]:
        """A gauge counts this one for as long as it lasts."""
        self.count(metric, *labels)
        try:
            yield
        finally:
            self.count(metric, *labels, by=-1)

    def numbers(self, metric: Metric) -> dict[Labels, float]:
        """The series of a counter or gauge, as they stand."""
        known = {labels: value for (each, labels), value in self._numbers.copy().items() if each is metric}
        return known | {labels: read() for (each, labels), read in self._watched.copy().items() if each is metric}

    def spreads(self, metric: Metric) -> dict[Labels, Spread]:
        """The series of a histogram, as they stand."""
        found = ((labels, spread) for (each, labels), spread in self._spreads.copy().items() if each is metric)
        return {labels: Spread(spread.counts.copy(), spread.total) for labels, spread in found}

    def text(self) -> str:
        """All of it in Prometheus' text format 0.0.4."""
        return "".join(f"{line}\n" for metric in METRICS for line in self._lines(metric))

    def _lines(self, metric: Metric) -> Iterator[str]:
        name = metric.full_name
        yield f"# HELP {name} {metric.help}"
        yield f"# TYPE {name} {metric.kind}"
        if metric.kind is not Kind.HISTOGRAM:
            for labels, value in self.numbers(metric).items():
                yield f"{name}{_braced(metric, labels)} {value:.17g}"
            return
        for labels, spread in self.spreads(metric).items():
            below = 0
            for bound, count in zip((*metric.bounds, "+Inf"), spread.counts, strict=True):
                below += count
                yield f"{name}_bucket{_braced(metric, labels, le=f'{bound}')} {below}"
            yield f"{name}_sum{_braced(metric, labels)} {spread.total:.17g}"
            yield f"{name}_count{_braced(metric, labels)} {below}"


def _braced(metric: Metric, labels: Labels, **more: str) -> str:
    """The labels of a line; no value of the contract needs a backslash."""
    pairs = dict(zip(metric.labels, labels, strict=True)) | more
    return "{" + ",".join(f'{name}="{value}"' for name, value in pairs.items()) + "}" if pairs else ""
