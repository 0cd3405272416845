"""Meters: they add up to what a model says, another's parser reads their text, and no label is made up."""

import math
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from vaultstream.adapters.meters import Meters
from vaultstream.metrics import (
    CACHE_BREAKER_STATE,
    CACHE_LOOKUPS,
    LIVE_CONNECTIONS,
    METRICS,
    WORKER_SECONDS,
    Kind,
    Metric,
)

lookups = st.tuples(*(st.sampled_from(values) for values in CACHE_LOOKUPS.labels.values()))
durations = st.tuples(
    st.floats(0, 2000) | st.sampled_from(WORKER_SECONDS.bounds),
    *(st.sampled_from(values) for values in WORKER_SECONDS.labels.values()),
)


def read(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample, as Prometheus' own client for Python reads it."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def sample(metric: Metric, labels: Iterable[str], part: str = "", **more: str) -> tuple[str, frozenset]:
    return metric.full_name + part, frozenset({**dict(zip(metric.labels, labels, strict=True)), **more}.items())


@given(st.lists(lookups), st.lists(durations))
def test_the_text_says_what_was_counted(looked: list[tuple[str, ...]], lasted: list[tuple]):
    meters = Meters()
    for labels in looked:
        meters.count(CACHE_LOOKUPS, *labels)
    for seconds, *labels in lasted:
        meters.observe(WORKER_SECONDS, seconds, *labels)
    expected = {sample(CACHE_LOOKUPS, labels): count for labels, count in Counter(looked).items()}
    for labels in {tuple(labels) for _, *labels in lasted}:
        own = [seconds for seconds, *others in lasted if tuple(others) == labels]
        for bound in (*WORKER_SECONDS.bounds, math.inf):
            name = "+Inf" if bound == math.inf else f"{bound}"
            below = sum(seconds <= bound for seconds in own)
            expected[sample(WORKER_SECONDS, labels, "_bucket", le=name)] = below
        expected[sample(WORKER_SECONDS, labels, "_count")] = len(own)
        expected[sample(WORKER_SECONDS, labels, "_sum")] = pytest.approx(math.fsum(own))

    assert read(meters.text()) == expected


def test_gauges_go_both_ways_and_are_asked_when_shown():
    meters, state = Meters(), [0.0]
    meters.watch(CACHE_BREAKER_STATE, lambda: state[0])
    with meters.held(LIVE_CONNECTIONS, "sse"), meters.held(LIVE_CONNECTIONS, "sse"):
        state[0] = 2.0
        inside = read(meters.text())
    outside = read(meters.text())

    assert inside[sample(LIVE_CONNECTIONS, ["sse"])] == 2
    assert inside[sample(CACHE_BREAKER_STATE, [])] == 2
    assert outside[sample(LIVE_CONNECTIONS, ["sse"])] == 0


def test_every_metric_is_described_before_it_is_first_used():
    families = {family.name: family for family in text_string_to_metric_families(Meters().text())}

    for metric in METRICS:
        family = families[metric.full_name.removesuffix("_total") if metric.kind is Kind.COUNTER else metric.full_name]
        assert (family.type, family.documentation) == (metric.kind.value, metric.help)


@pytest.mark.parametrize("labels", [("response", "somebody@example.com"), ("response",), ("response", "hit", "hit")])
def test_a_label_that_the_contract_does_not_name_is_refused(labels: tuple[str, ...]):
    meters = Meters()

    with pytest.raises(ValueError, match="cache_lookups_total"):
        meters.count(CACHE_LOOKUPS, *labels)
    assert meters.numbers(CACHE_LOOKUPS) == {}
