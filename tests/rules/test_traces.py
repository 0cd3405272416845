"""W3C trace context: read back what is written, and let nothing else through (w3.org/TR/trace-context, section 3.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.traces import TraceContext


def ids(digits: int) -> st.SearchStrategy[str]:
    return st.integers(1, 16**digits - 1).map(lambda number: f"{number:0{digits}x}")


@given(st.builds(TraceContext, ids(32), ids(16), st.booleans()))
def test_what_is_written_reads_back(context: TraceContext):
    assert TraceContext.read(f"{context}") == context


@given(st.text(max_size=80) | st.from_regex("[0-9a-f-]{50,60}"))
def test_whatever_is_read_can_be_written_and_nothing_raises(text: str):
    context = TraceContext.read(text)

    assert context is None or TraceContext.read(f"{context}") == context


TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("text", "sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-fe", False),
        (f"00-{TRACE}-{SPAN}-03", True),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-brings", True),
    ],
)
def test_what_the_standard_lets_through(text: str, sampled: bool):
    assert TraceContext.read(text) == TraceContext(TRACE, SPAN, sampled)


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE[1:]}-{SPAN}-01",
    ],
)
def test_what_it_does_not(text: str):
    assert TraceContext.read(text) is None
