"""Conditional requests are weighed in RFC 9110's order, and a broken condition is no condition."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.http.preconditions import Validators, Verdict, http_date, judge, parse_date, range_applies

AT = datetime(2026, 11, 24, 12, 30, 15, 999_999, tzinfo=UTC)
VALIDATORS = Validators('"abc"', AT)
SAME, EARLIER, LATER = (http_date(AT + timedelta(seconds=by)) for by in (0, -1, 1))
GO, FRESH, FAILED = Verdict.PROCEED, Verdict.NOT_MODIFIED, Verdict.FAILED


@pytest.mark.parametrize(
    ("headers", "verdict"),
    [
        ({}, GO),
        ({"if-match": '"abc"'}, GO),
        ({"if-match": '"x", "abc"'}, GO),
        ({"if-match": "*"}, GO),
        ({"if-match": 'W/"abc"'}, FAILED),  # weak tags never match strongly
        ({"if-match": '"x"'}, FAILED),
        ({"if-match": "abc"}, FAILED),
        ({"if-match": '"x, "abc"'}, FAILED),
        ({"if-none-match": '"abc"'}, FRESH),
        ({"if-none-match": 'W/"abc"'}, FRESH),
        ({"if-none-match": '"a,b" , ,"abc"'}, FRESH),
        ({"if-none-match": "*"}, FRESH),
        ({"if-none-match": '"x"'}, GO),
        ({"if-none-match": "abc"}, GO),
        ({"if-modified-since": SAME}, FRESH),
        ({"if-modified-since": LATER}, FRESH),
        ({"if-modified-since": EARLIER}, GO),
        ({"if-modified-since": "yesterday"}, GO),
        ({"if-unmodified-since": SAME}, GO),
        ({"if-unmodified-since": LATER}, GO),
        ({"if-unmodified-since": EARLIER}, FAILED),
        ({"if-unmodified-since": "tomorrow"}, GO),
        # the order of precedence
        ({"if-match": '"abc"', "if-unmodified-since": EARLIER}, GO),
        ({"if-none-match": '"x"', "if-modified-since": LATER}, GO),
        ({"if-match": '"x"', "if-none-match": '"abc"'}, FAILED),
        ({"if-match": '"abc"', "if-none-match": '"abc"'}, FRESH),
        ({"if-unmodified-since": EARLIER, "if-none-match": '"abc"'}, FAILED),
    ],
)
def test_conditions_are_weighed_in_their_order(headers, verdict):
    assert judge(headers, VALIDATORS) is verdict


@pytest.mark.parametrize(
    ("condition", "applies"),
    [
        (None, True),
        ('"abc"', True),
        ('"x"', False),
        ('W/"abc"', False),
        (SAME, True),
        (EARLIER, False),
        (LATER, False),
        ("abc", False),
        ("", False),
    ],
)
def test_a_range_stands_only_for_the_very_same_content(condition, applies):
    headers = {} if condition is None else {"if-range": condition}
    assert range_applies(headers, VALIDATORS) is applies


moments = st.integers(0, 3_155_759_999).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))  # to the end of 2069


@given(moment=moments)
def test_all_three_forms_of_a_date_are_read(moment):
    assert parse_date(http_date(moment)) == moment
    assert parse_date(moment.strftime("%A, %d-%b-%y %H:%M:%S GMT")) == moment
    assert parse_date(moment.strftime(f"%a %b {moment.day:2} %H:%M:%S %Y")) == moment


@given(text=st.text(max_size=40) | st.from_regex(r"Mon, \d\d Feb \d{4} \d\d:\d\d:\d\d GMT", fullmatch=True))
def test_no_text_breaks_the_reading_of_a_date(text):
    date = parse_date(text)
    assert date is None or date.tzinfo is UTC


@given(text=st.text(max_size=60) | st.text('W/"abc*, \t', max_size=30))
def test_no_text_breaks_the_weighing_of_a_condition(text):
    for name in ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since"):
        assert judge({name: text}, VALIDATORS) in set(Verdict)
    assert range_applies({"if-range": text}, VALIDATORS) in {True, False}
