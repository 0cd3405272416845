"""How often a plan that falls back is tried again: counted in requests, so that it needs no clock."""

BURST = 4
REQUESTS_A_TRY = 4


class Patience:
    """A bucket of tries: each request pours in a quarter of one, each fall-back takes one out, and it holds four.

    Of any n requests in a row at most BURST + n / REQUESTS_A_TRY fall back: what a query that always errs costs more
    than graphql-core alone is at most a quarter of a compiled run, whatever is asked.
    """

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts = BURST * REQUESTS_A_TRY  # a try is REQUESTS_A_TRY parts, a request pours in one

    def allows(self) -> bool:
        """Whether this request may try the plan; to be asked once per request."""
        self._parts = min(self._parts + 1, BURST * REQUESTS_A_TRY)
        return self._parts >= REQUESTS_A_TRY

    def fell_back(self) -> None:
        """The try was in vain."""
        self._parts -= REQUESTS_A_TRY
