"""The contract of the metrics: names that outsiders can rely on, and labels that nobody's choice can swell."""

import re
from math import prod
from pathlib import Path

import pytest

from vaultstream import metrics
from vaultstream.metric_table import metric_table
from vaultstream.metrics import METRICS, Kind, Metric

TABLE = Path(__file__).parents[2] / "schema" / "metrics.md"
UNITS = {"s": "seconds", "By": "bytes"}
SERIES_MAX = 4_000  # lines that a scrape can have at most, whatever people do


def test_every_row_of_the_module_is_in_the_table_once():
    rows = [each for each in vars(metrics).values() if isinstance(each, Metric)]

    assert sorted(row.name for row in rows) == sorted(row.name for row in METRICS)
    assert len({row.name for row in METRICS}) == len(METRICS)


def test_every_metric_is_measured_somewhere():
    rows = {name for name, each in vars(metrics).items() if isinstance(each, Metric)}
    package = Path(metrics.__file__).parent
    texts = [path.read_text() for path in package.rglob("*.py") if path.name != "metrics.py"]

    assert not {row for row in rows if not any(f"({row}," in text or f"({row})" in text for text in texts)}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_are_what_prometheus_and_cloudwatch_take(metric: Metric):
    assert re.fullmatch("vaultstream_[a-z]+(_[a-z]+)*", metric.full_name)
    assert metric.help.endswith(".")
    assert "\n" not in metric.help
    assert "\\" not in metric.help
    for label, values in metric.labels.items():
        assert re.fullmatch("[a-z]+", label)
        assert len(set(values)) == len(values) > 0
        assert all(re.fullmatch("[A-Za-z0-9_-]+", value) for value in values)
    if word := UNITS.get(metric.unit):
        assert word in metric.name.split("_")
    else:
        assert metric.unit == "1"


def test_the_committed_table_is_fresh():
    assert TABLE.read_text() == metric_table(), "write it again with `make schema` and review the difference"
    assert all(f"`{metric.full_name}`" in TABLE.read_text() for metric in METRICS)


def test_the_series_are_few():
    lines = sum(
        prod(map(len, metric.labels.values())) * (len(metric.bounds) + 3 if metric.bounds else 1) for metric in METRICS
    )

    assert lines <= SERIES_MAX


def test_a_row_that_no_exporter_could_write_cannot_be_made():
    for name, kind, bounds in (
        ("things", Kind.COUNTER, ()),
        ("things_total", Kind.GAUGE, ()),
        ("thing_seconds", Kind.HISTOGRAM, ()),
        ("thing_seconds", Kind.HISTOGRAM, (2.0, 1.0)),
        ("thing_seconds", Kind.GAUGE, (1.0,)),
    ):
        with pytest.raises(ValueError, match=name):
            Metric(name, kind, "1", "Things.", {}, bounds)
