"""Known answers, found without a task: the door's own checks, for the one kind of request that most of all are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vaultstream.http.auth import Authenticator, name_of
from vaultstream.http.graphql_answers import KnownAnswers, Pieces
from vaultstream.http.graphql_media import Media, acceptable
from vaultstream.http.graphql_request import unlike_json

End = Callable[[Pieces | None], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a head says of who asks, and how: the same for each request with that very head."""

    media: Media
    token: bytes  # by its name alone
    request_id: str


class Recall:
    """Held by the door. Whatever it does not take, or does not end with an answer, is for the door, as if it were new:
    nothing was refused, nor counted.
    """

    def __init__(self, authenticator: Authenticator, known: KnownAnswers) -> None:
        self._authenticator = authenticator
        self._known = known

    def begin(self, asked: Asked, body: bytes, end: End) -> bool:
        """Whether this POST may have a known answer: `end` is then told, later, its body or that there is none."""
        user_id = self._authenticator.person(asked.token)
        return user_id is not None and self._known.ask(user_id, b" " + body, end)


def asked_by(fields: Mapping[bytes, bytes]) -> Asked | None:
    """What the head of a POST says; None where another way may be wanted, or something is to be refused."""
    scheme, _, token = fields.get(b"authorization", b"").partition(b" ")
    accept = fields.get(b"accept")
    media = acceptable(accept.decode("latin-1") if accept is not None else None)
    if scheme.lower() != b"bearer" or not media or media[0] is Media.EVENTS:
        return None
    body_is = (fields.get(name, default) for name, default in _OF_BODY.items())
    if unlike_json(*(value.decode("latin-1") for value in body_is)) is not None:
        return None
    return Asked(media[0], name_of(token.strip()), fields.get(b"x-request-id", b"").decode("latin-1"))


_OF_BODY = {b"content-type": b"", b"content-encoding": b"identity"}
