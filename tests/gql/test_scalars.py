"""Scalars read what they write, and refuse in their own words whatever they do not."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from graphql import GraphQLError, GraphQLScalarType
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.gql import schema

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def scalar(name: str) -> GraphQLScalarType:
    found = schema.executable().type_map[name]
    assert isinstance(found, GraphQLScalarType)
    return found


@given(st.datetimes(timezones=st.builds(lambda m: timezone(timedelta(minutes=m)), st.integers(-720, 720))))
def test_a_moment_is_written_in_utc_and_read_as_itself(moment: datetime) -> None:
    try:
        in_utc = moment.astimezone(UTC)
    except OverflowError:
        return
    written = scalar("DateTime").coerce_output_value(moment)
    assert written.endswith("Z")
    assert scalar("DateTime").coerce_input_value(written) == in_utc
    assert scalar("DateTime").coerce_input_value(moment.isoformat()) == in_utc


@given(st.integers(0, 2**63 - 1))
def test_a_size_is_a_number_both_ways(size: int) -> None:
    assert scalar("ByteSize").coerce_output_value(size) == size
    assert scalar("ByteSize").coerce_input_value(size) == size


@given(st.binary(min_size=32, max_size=32))
def test_a_digest_is_text_both_ways(digest: bytes) -> None:
    assert scalar("Sha256").coerce_output_value(digest.hex()) == digest.hex()
    assert scalar("Sha256").coerce_input_value(digest.hex()) == digest.hex()


def test_an_address_is_absolute() -> None:
    assert scalar("URL").coerce_input_value("https://example.com/a") == "https://example.com/a"


@pytest.mark.parametrize("name", ["DateTime", "ByteSize", "Sha256", "URL"])
@given(value=ANYTHING)
def test_anything_else_is_refused_in_words(name: str, value: object) -> None:
    try:
        scalar(name).coerce_input_value(value)
    except GraphQLError as error:
        assert error.message.startswith(("A ", "An "))
        assert len(error.message) < 120


@pytest.mark.parametrize(
    "text",
    ["2026-01-31", "2026-01-31T12:00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "now", "1" * 50],
)
def test_a_moment_needs_its_offset_and_lies_within_the_calendar(text: str) -> None:
    with pytest.raises(GraphQLError):
        scalar("DateTime").coerce_input_value(text)
