"""Events as a contract: one canonical text that reads back, and schemas that say exactly what is written."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from vaultstream.event_schemas import schema_files, schema_of
from vaultstream.events import WORKERS, Decision, Event, EventName

SCHEMAS = Path(__file__).parents[2] / "schema" / "events"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
events = st.builds(
    Event,
    id=texts,
    name=st.sampled_from(EventName),
    at=st.datetimes(timezones=st.just(UTC) | offsets),
    subject=texts,
    request_id=texts,
    item_id=st.none() | texts,
    version_number=st.none() | st.integers(1, 10**10),
    ip=texts,
    agent=texts,
    decision=st.sampled_from(Decision),
    reason=st.none() | texts,
    topics=st.lists(texts, max_size=3).map(tuple),
    details=st.dictionaries(texts, json_values, max_size=3),
    trace=texts,
)


@given(event=events)
def test_an_event_reads_back_from_its_text(event: Event):
    assert Event.from_json(event.to_json()) == event
    assert Event.from_json(event.to_json().encode()) == event


@given(event=events)
def test_a_trace_goes_with_the_message_and_is_no_part_of_the_deed(event: Event):
    arrived = Event.from_json(event.to_message())

    assert (arrived, arrived.trace) == (event, event.trace)
    assert arrived.to_json() == event.to_json() == replace(event, trace="").to_json()
    assert replace(event, trace="").to_message() == event.to_json()


@given(event=events)
def test_the_text_is_canonical(event: Event):
    text = event.to_json()
    reordered = json.dumps(dict(reversed(json.loads(text).items())), indent=1)

    assert Event.from_json(reordered).to_json() == text


@given(event=events)
def test_what_is_written_obeys_its_schema_and_no_other_events(event: Event):
    for written in (json.loads(event.to_json()), json.loads(event.to_message())):
        for name in EventName:
            validator = Draft202012Validator(schema_of(name))
            assert validator.is_valid(written) == (name is event.name)


@given(event=events, field=st.sampled_from([*{*Event.__dataclass_fields__} - {"trace"}, "more"]))
def test_a_schema_refuses_a_field_missing_or_unknown(event: Event, field: str):
    written = json.loads(event.to_json())
    if field == "more":
        written["more"] = 1
    else:
        del written[field]

    assert not Draft202012Validator(schema_of(event.name)).is_valid(written)


def test_the_committed_schemas_are_fresh():
    committed = {path.name: path.read_text("utf-8") for path in SCHEMAS.iterdir()}

    assert committed == schema_files(), "write them again with `make schema` and review the difference"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", ValueError),
        ("[]", TypeError),
        ("{}", KeyError),
        ('{"name": "user.vanished"}', ValueError),
        ('{"name": "user.created", "at": "yesterday"}', ValueError),
        ('{"name": "user.created", "at": "2026-01-01T00:00:00+00:00", "decision": "MAYBE"}', ValueError),
        (
            '{"name": "user.created", "at": "2026-01-01T00:00Z", "decision": "DENIED", "topics": [], "x": 1}',
            TypeError,
        ),
    ],
)
def test_anything_else_is_refused(text: str, error: type[Exception]):
    with pytest.raises(error):
        Event.from_json(text)


def test_a_time_without_its_offset_is_refused():
    with pytest.raises(ValueError, match="aware"):
        Event("1", EventName.USER_CREATED, datetime(2026, 1, 1), "user_1", "req_1")  # noqa: DTZ001  # the point


def test_a_number_that_json_does_not_know_is_refused():
    event = Event("1", EventName.USER_CREATED, datetime.now(UTC), "user_1", "req_1", details={"ratio": float("nan")})

    with pytest.raises(ValueError, match="not JSON compliant"):
        event.to_json()


def test_every_event_is_audited_and_the_workers_names_are_unlike():
    audit = next(worker for worker in WORKERS if worker.name == "audit")

    assert audit.gets == set(EventName)
    assert len({worker.name for worker in WORKERS}) == len(WORKERS)
