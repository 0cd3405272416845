"""GraphQL over HTTP (graphql.github.io/graphql-over-http): one path for requests, streams and sockets."""

from collections.abc import Mapping
from types import MappingProxyType

import orjson
from graphql import OperationType
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.budgets import RateLimited
from vaultstream.errors import Code, VaultError
from vaultstream.gql import schema
from vaultstream.gql.documents import Refused
from vaultstream.gql.execution import Answer, Ask, Engine, Json, Operation, broken, failure, refusal
from vaultstream.gql.persisted import Persisted, Unnamed
from vaultstream.gql.public import is_public
from vaultstream.http import graphiql, live_sse, live_ws
from vaultstream.http.answers import STATUSES
from vaultstream.http.auth import Authenticator, signed_out
from vaultstream.http.envelope import OPERATION
from vaultstream.http.fields import fields_of
from vaultstream.http.graphql_answers import KnownAnswers
from vaultstream.http.graphql_door import Door
from vaultstream.http.graphql_media import HEADERS, Media, acceptable
from vaultstream.http.graphql_request import Unserved, body_of, posted, queried
from vaultstream.http.recall import Recall


class GraphQLEndpoint:
    """The ASGI app behind /graphql. `introspection` also lets errors suggest names from the schema.

    `trusted` are documents by their SHA-256; `only_trusted` lets no others run.
    """

    def __init__(
        self,
        vault: Vault,
        authenticator: Authenticator,
        *,
        introspection: bool,
        graphiql: bool,
        trusted: Mapping[str, str] = MappingProxyType({}),
        only_trusted: bool = False,
    ) -> None:
        engine = Engine(schema.executable(), introspection=introspection)
        self._door = Door(vault, authenticator, engine, Persisted(vault.documents, trusted, only_trusted=only_trusted))
        self._known = KnownAnswers(vault, engine)
        self.recall = Recall(authenticator, self._known)
        self._graphiql = graphiql

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or talk over a socket until either side has had enough."""
        if scope["type"] == "websocket":
            await live_ws.serve(self._door, scope, receive, send)
            return
        headers = fields_of(scope)
        if self._graphiql and (shown := graphiql.page(scope, headers)) is not None:
            await shown(scope, receive, send)
            return
        try:
            await self._serve(scope, headers, receive, send)
        except ClientDisconnect:
            return

    async def _serve(self, scope: Scope, headers: Mapping[str, str], receive: Receive, send: Send) -> None:
        media = acceptable(headers.get("accept"))
        json = next((one for one in media if one is not Media.EVENTS), Media.JSON)
        try:
            response = await self._response(scope, headers, receive, send, media)
        except Unserved as refused:
            error = VaultError(refused.code, refused.message)
            response = _json(json, refused.status, failure(error), refused.headers)
        except VaultError as error:
            response = _json(json, STATUSES[error.code], failure(error), _advice(error))
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001  # the door's edge: logged there, shown by its request id only
            response = _json(json, 500, broken(scope.get("request_id", ""), error))
        if response is not None:
            await response(scope, receive, send)

    async def _response(
        self, scope: Scope, headers: Mapping[str, str], receive: Receive, send: Send, media: tuple[Media, ...]
    ) -> ASGIApp | None:
        """The answer, or None where a stream has given it; raises what has a status of its own."""
        if scope["method"] not in {"GET", "POST"}:
            raise Unserved(405, "GraphQL is asked by POST, or by GET for queries.", headers={"Allow": "GET, POST"})
        if not media:
            raise Unserved(406, f"Answers come as {', '.join(Media)}: accept one of them.")
        if "authorization" not in headers:
            return await self._to_guest(scope, headers, receive, media)
        actor = await self._door.actor(scope, headers)
        is_read = scope["method"] == "GET"
        request = scope["query_string"] if is_read else await body_of(headers, receive)
        named = (b"?" if is_read else b" ") + request
        if media[0] is not Media.EVENTS and (known := await self._known.find(actor, named)) is not None:
            scope[OPERATION] = OperationType.QUERY.value
            return _sent(media[0], 200, known)
        asked = await self._asked(queried(request) if is_read else posted(request), actor)
        if isinstance(asked, Operation):
            scope[OPERATION] = asked.kind.value
        context = self._door.context(actor)
        if media[0] is Media.EVENTS or (Media.EVENTS in media and _is_subscription(asked)):
            await live_sse.serve(self._door, context, asked, reads_only=is_read, receive=receive, send=send)
            return None
        if isinstance(asked, Refused):
            return _answer(media[0], Answer(refusal(asked), refused=True))
        if asked.kind is OperationType.SUBSCRIPTION:
            raise Unserved(406, "Accept text/event-stream for a subscription, or open a WebSocket.")
        if asked.kind is OperationType.MUTATION and is_read:
            raise Unserved(405, "Send mutations as a POST.", headers={"Allow": "POST"})
        return _answer(media[0], await self._known.run(asked, context, named))

    async def _asked(self, ask: Ask, actor: Actor) -> Operation | Refused:
        try:
            return await self._door.operation(ask, actor)
        except Refused as refused:
            return refused

    async def _to_guest(
        self, scope: Scope, headers: Mapping[str, str], receive: Receive, media: tuple[Media, ...]
    ) -> ASGIApp:
        """The answer to who comes without a token: to the one public query, or that they sign in, and nothing else."""
        json = next((one for one in media if one is not Media.EVENTS), Media.JSON)
        guest = self._door.guest(scope)
        try:
            is_read = scope["method"] == "GET"
            ask = queried(scope["query_string"]) if is_read else posted(await body_of(headers, receive))
            operation = await self._door.operation(ask, guest)
        except Unnamed as unnamed:
            return _answer(json, Answer(refusal(unnamed), refused=True))
        except RateLimited:
            raise
        except (Unserved, Refused, VaultError):
            raise signed_out() from None
        if not is_public(operation):
            raise signed_out()
        scope[OPERATION] = operation.kind.value
        return _answer(json, await self._door.engine.run(operation, self._door.context(guest)))


def _is_subscription(asked: Operation | Refused) -> bool:
    return isinstance(asked, Operation) and asked.kind is OperationType.SUBSCRIPTION


def _advice(error: VaultError) -> Mapping[str, str]:
    if isinstance(error, RateLimited):
        return {"Retry-After": f"{error.retry_after_seconds}"}
    return {"WWW-Authenticate": "Bearer"} if error.code is Code.UNAUTHENTICATED else {}


def _answer(media: Media, answer: Answer | bytes) -> ASGIApp:
    """What was not run is a 400 for who understands it; the oldest clients read every answer from a 200."""
    if isinstance(answer, bytes):
        return _sent(media, 200, answer)
    return _json(media, 400 if answer.refused and media is Media.GRAPHQL else 200, answer.body)


def _json(media: Media, status: int, body: Json, headers: Mapping[str, str] | None = None) -> ASGIApp:
    return _sent(media, status, orjson.dumps(body), headers)


def _sent(media: Media, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> ASGIApp:
    more = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
    return Whole(status, [*HEADERS[media], *more], body)


class Whole:
    """An answer that is all there: its headers are ready, where Starlette's response would encode them each time."""

    __slots__ = ("_body", "_headers", "_status")

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self._status = status
        self._headers = headers
        self._body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        del scope, receive
        headers = [*self._headers, (b"content-length", b"%d" % len(self._body))]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})
