"""Known answers, found without a task: the door's own checks, for the one kind of request that most of all are."""

from collections.abc import Callable, Mapping
from functools import lru_cache

from vaultstream.http.auth import Authenticator
from vaultstream.http.graphql_answers import KnownAnswers
from vaultstream.http.graphql_media import Media, acceptable
from vaultstream.http.graphql_request import unlike_json

End = Callable[[Media, bytes | None], None]


class Recall:
    """Held by the door. Whatever it does not take, or does not end with an answer, is for the door, as if it were new:
    nothing was refused, nor counted.
    """

    def __init__(self, authenticator: Authenticator, known: KnownAnswers) -> None:
        self._authenticator = authenticator
        self._known = known

    def begin(self, fields: Mapping[bytes, bytes], body: bytes, end: End) -> bool:
        """Whether this POST may have a known answer: `end` is then told, later, its body or that there is none."""
        media = _media(
            fields.get(b"accept"), fields.get(b"content-type", b""), fields.get(b"content-encoding", b"identity")
        )
        scheme, _, token = fields.get(b"authorization", b"").partition(b" ")
        if media is None or scheme.lower() != b"bearer":
            return False
        user_id = self._authenticator.person(token.strip())
        if user_id is None:
            return False
        return self._known.ask(user_id, b" " + body, lambda answer: end(media, answer))


@lru_cache(64)
def _media(accept: bytes | None, content_type: bytes, content_encoding: bytes) -> Media | None:
    """What the answer is sent as; None where another way may be wanted, or something is to be refused."""
    media = acceptable(accept.decode("latin-1") if accept is not None else None)
    if not media or media[0] is Media.EVENTS:
        return None
    refused = unlike_json(content_type.decode("latin-1"), content_encoding.decode("latin-1"))
    return media[0] if refused is None else None
