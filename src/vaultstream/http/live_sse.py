"""GraphQL over server-sent events, each operation on its own connection (github.com/enisdenjo/graphql-sse)."""

import asyncio
from contextlib import aclosing

import orjson
from graphql import GraphQLError, OperationType
from starlette.types import Receive, Send

from vaultstream.errors import Code, VaultError
from vaultstream.gql.context import Context
from vaultstream.gql.documents import Refused
from vaultstream.gql.execution import Json, Operation, broken, failure, refusal
from vaultstream.http.graphql_door import Door
from vaultstream.http.graphql_media import Media
from vaultstream.metrics import LIVE_CONNECTIONS

HEARTBEAT_SECONDS = 15.0
SEND_SECONDS_MAX = 20.0
_COMPLETE = b"event: complete\ndata:\n\n"
_HEADERS = [
    (b"content-type", Media.EVENTS.content_type.encode()),
    (b"cache-control", b"no-store"),
    (b"vary", b"Accept"),
    (b"x-accel-buffering", b"no"),
]


class _Gone(Exception):
    """Nobody reads any more."""


async def serve(
    door: Door, context: Context, asked: Operation | Refused, *, reads_only: bool, receive: Receive, send: Send
) -> None:
    """Send the operation's answers as they come, until it is complete, the sign-in ends, or nobody reads.

    What will not run is told in the stream, for a browser's EventSource can read no other answer.
    """
    stream = _Stream(door, context, send)
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    work = [
        asyncio.create_task(stream.tell(asked, reads_only=reads_only)),
        asyncio.create_task(stream.beat()),
        asyncio.create_task(_disconnected(receive)),
    ]
    try:
        with door.vault.meters.held(LIVE_CONNECTIONS, "sse"):
            done, _ = await asyncio.wait(
                work, timeout=door.seconds_left(context.actor), return_when=asyncio.FIRST_COMPLETED
            )
        if not done:
            await _stopped(work)
            await stream.sign_out()
        for task in done:
            task.result()
    except _Gone:
        return
    finally:
        await _stopped(work)


class _Stream:
    """Writes events. Each is awaited before the next is made, so that a slow reader slows its own source only."""

    def __init__(self, door: Door, context: Context, send: Send) -> None:
        self._door = door
        self._context = context
        self._send = send

    async def tell(self, asked: Operation | Refused, *, reads_only: bool) -> None:
        """Every answer as a `next` event, then `complete`."""
        try:
            operation = _lawful(asked, reads_only=reads_only)
            async with aclosing(self._door.engine.stream(operation, self._context)) as answers:
                async for answer in answers:
                    await self._next(answer.body)
        except Refused as refused:
            await self._next(refusal(refused))
        except (_Gone, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001  # the door's edge: logged there, shown by its request id only
            await self._next(broken(self._context.actor.origin.request_id, error))
        await self._write(_COMPLETE, more=False)

    async def beat(self) -> None:
        """A comment now and then keeps proxies from closing a silent stream, and finds readers that have gone."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self._write(b":\n\n")

    async def sign_out(self) -> None:
        """The last words to a reader whose sign-in has ended."""
        await self._next(failure(VaultError(Code.UNAUTHENTICATED, "Your sign-in has ended: sign in again.")))
        await self._write(_COMPLETE, more=False)

    async def _next(self, body: Json) -> None:
        await self._write(b"event: next\ndata: " + orjson.dumps(body) + b"\n\n")

    async def _write(self, text: bytes, *, more: bool = True) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS_MAX):
                await self._send({"type": "http.response.body", "body": text, "more_body": more})
        except (TimeoutError, OSError):
            raise _Gone from None


def _lawful(asked: Operation | Refused, *, reads_only: bool) -> Operation:
    if isinstance(asked, Refused):
        raise asked
    if reads_only and asked.kind is OperationType.MUTATION:
        raise Refused([GraphQLError("Send mutations as a POST.")], Code.INVALID)
    return asked


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise _Gone


async def _stopped(work: list[asyncio.Task[None]]) -> None:
    """Cancel what still runs, and wait until its sources are closed."""
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
