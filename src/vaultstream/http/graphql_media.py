"""Which media type a GraphQL client wants its answer in (RFC 9110 §12.5.1; GraphQL over HTTP, "Accept")."""

from enum import StrEnum
from functools import lru_cache


class Media(StrEnum):
    """What this vault answers in, the best first."""

    GRAPHQL = "application/graphql-response+json"
    JSON = "application/json"
    EVENTS = "text/event-stream"

    @property
    def content_type(self) -> str:
        """The header's value; all three are UTF-8."""
        return f"{self}; charset=utf-8"


@lru_cache(64)
def acceptable(accept: str | None) -> tuple[Media, ...]:
    """The media types that will do, the most wanted first.

    A client that says nothing, or only that it takes anything, gets plain JSON as the oldest clients expect; an
    event stream is only for who names it.
    """
    if accept is None or not accept.strip():
        return (Media.JSON,)
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    ranked = []
    for place, media in enumerate(Media):
        matches = [found for pattern, q in ranges if (found := _match(pattern, q, media)) is not None]
        specific, q = max(matches, default=(0, 0.0))
        if q > 0:
            named = specific == 2
            ranked.append((-q, -specific, place if named else -place, media))
    return tuple(media for *_, media in sorted(ranked))


def _range(part: str) -> tuple[str, float]:
    pattern, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weights = [piece.removeprefix("q=") for piece in parameters if piece.startswith("q=")]
    try:
        q = min(max(float(weights[0]), 0.0), 1.0) if weights else 1.0
    except ValueError:
        q = 0.0
    return pattern, q


def _match(pattern: str, q: float, media: Media) -> tuple[int, float] | None:
    """How specific a range is that covers this media type, and its weight."""
    if pattern == media:
        return 2, q
    if media is Media.EVENTS:
        return None
    if pattern == "application/*":
        return 1, q
    return (0, q) if pattern == "*/*" else None


# Of every answer, whichever way it is sent.
HEADERS = {
    media: [(b"content-type", media.content_type.encode()), (b"cache-control", b"no-store"), (b"vary", b"Accept")]
    for media in Media
}
