"""GraphQL over WebSocket: the `graphql-transport-ws` protocol (github.com/enisdenjo/graphql-ws, PROTOCOL.md)."""

import asyncio
from contextlib import AbstractContextManager, aclosing, nullcontext

import orjson
from graphql import OperationType
from starlette.types import Receive, Scope, Send

from vaultstream.actor import Actor
from vaultstream.errors import Code, VaultError
from vaultstream.gql.documents import Refused
from vaultstream.gql.execution import Json, Operation, broken, failure, refusal
from vaultstream.http import live_messages as messages
from vaultstream.http.graphql_door import Door
from vaultstream.http.live_messages import Closing, Complete, Init, Ping, Pong, Subscribe
from vaultstream.metrics import LIVE_CONNECTIONS

PROTOCOL = "graphql-transport-ws"
INIT_SECONDS_MAX = 10.0
SEND_SECONDS_MAX = 20.0
OPERATIONS_MAX = 32
_REASON_BYTES_MAX = 123  # RFC 6455 §5.5: a control frame holds 125 bytes, two of them the code


async def serve(door: Door, scope: Scope, receive: Receive, send: Send) -> None:
    """Accept a socket and talk over it until either side closes it."""
    if (await receive())["type"] != "websocket.connect":
        return
    if PROTOCOL not in scope.get("subprotocols", ()):
        await send({"type": "websocket.accept"})
        await _close(send, Closing(4406, "Subprotocol not acceptable"))
        return
    await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
    closing = Closing(None)
    try:
        with door.vault.meters.held(LIVE_CONNECTIONS, "websocket"):
            async with asyncio.TaskGroup() as operations:
                await _Socket(door, scope, receive, send, operations).talk()
    except* Closing as endings:
        closing = next(one for one in endings.exceptions if isinstance(one, Closing))
    except* Exception as failures:  # noqa: BLE001  # the door's edge: logged here
        broken(scope.get("request_id", ""), failures)
        closing = Closing(1011, "Internal error")
    if closing.code is not None:
        await _close(send, closing)


async def _close(send: Send, closing: Closing) -> None:
    reason = closing.reason.encode()[:_REASON_BYTES_MAX].decode(errors="ignore")
    await send({"type": "websocket.close", "code": closing.code, "reason": reason})


class _Socket:
    """One accepted socket. Every way out is a `Closing`, which ends the operations with it."""

    def __init__(self, door: Door, scope: Scope, receive: Receive, send: Send, operations: asyncio.TaskGroup) -> None:
        self._door = door
        self._scope = scope
        self._receive = receive
        self._send = send
        self._operations = operations
        self._running: dict[str, asyncio.Task[None]] = {}

    async def talk(self) -> None:
        """Let the client in, then do as it says until its sign-in ends; raises Closing."""
        try:
            async with asyncio.timeout(INIT_SECONDS_MAX):
                actor = await self._let_in()
        except TimeoutError:
            raise Closing(4408, "Connection initialisation timeout") from None
        await self._say({"type": "connection_ack"})
        try:
            async with asyncio.timeout(self._door.seconds_left(actor)):
                while True:
                    await self._heed(actor, await self._message())
        except TimeoutError:
            raise Closing(4401, "The sign-in has ended") from None

    async def _let_in(self) -> Actor:
        while True:
            match message := await self._message():
                case Init():
                    return await self._signed_in(message)
                case Ping() | Pong():
                    await self._heed_ping(message)
                case _:
                    raise Closing(4401, "Unauthorized")

    async def _signed_in(self, init: Init) -> Actor:
        """The token is in the payload, or in the handshake's own Authorization header."""
        given = init.payload
        token, authorization = given.get("token"), given.get("authorization", given.get("Authorization"))
        headers = dict(self._handshake())
        if isinstance(authorization, str):
            headers["authorization"] = authorization
        elif isinstance(token, str):
            headers["authorization"] = f"Bearer {token}"
        try:
            return await self._door.actor(self._scope, headers)
        except VaultError as error:
            if error.code is Code.UNAUTHENTICATED:
                raise Closing(4401, error.message) from None
            raise Closing(1013, error.message) from None

    def _handshake(self) -> dict[str, str]:
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self._scope["headers"]}

    async def _heed(self, actor: Actor, message: messages.Message) -> None:
        match message:
            case Init():
                raise Closing(4429, "Too many initialisation requests")
            case Subscribe(id=name) if name in self._running:
                raise Closing(4409, f"Subscriber for {name} already exists")
            case Subscribe(id=name) if len(self._running) >= OPERATIONS_MAX:
                full = VaultError(Code.LIMITED, f"One socket runs at most {OPERATIONS_MAX} operations at a time.")
                await self._say({"type": "error", "id": name, "payload": failure(full)["errors"]})
            case Subscribe(id=name):
                self._running[name] = self._operations.create_task(self._perform(actor, message))
            case Complete(id=name):
                if task := self._running.pop(name, None):
                    task.cancel()
            case Ping() | Pong():
                await self._heed_ping(message)

    async def _heed_ping(self, message: Ping | Pong) -> None:
        if isinstance(message, Ping):
            pong: Json = {"type": "pong"}
            await self._say(pong | ({"payload": message.payload} if message.payload else {}))

    async def _perform(self, actor: Actor, message: Subscribe) -> None:
        """Each answer is sent before the next is made, so that a slow reader slows its own source only."""
        ending: Json = {"type": "complete"}
        try:
            operation = await self._door.operation(message.ask, actor)
            await self._still(actor)
            answers = self._door.engine.stream(operation, self._door.context(actor))
            with self._traced(operation):
                async with aclosing(answers):
                    async for answer in answers:
                        if answer.refused:
                            ending = {"type": "error", "payload": answer.body["errors"]}
                            break
                        await self._say({"type": "next", "id": message.id, "payload": answer.body})
        except Refused as refused:
            ending = {"type": "error", "payload": refusal(refused)["errors"]}
        except VaultError as error:
            ending = {"type": "error", "payload": failure(error)["errors"]}
        except (Closing, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001  # the door's edge: logged there, shown by its request id only
            ending = {"type": "error", "payload": broken(actor.origin.request_id, error)["errors"]}
        if self._running.get(message.id) is asyncio.current_task():
            del self._running[message.id]  # before the last word, for the client may use the id again after it
            await self._say(ending | {"id": message.id})

    def _traced(self, operation: Operation) -> AbstractContextManager[object]:
        """A query or a mutation is a request; a subscription would be one for hours."""
        if operation.kind is OperationType.SUBSCRIPTION:
            return nullcontext()
        return self._door.vault.tracer.request("websocket operation", "")

    async def _still(self, actor: Actor) -> None:
        try:
            await self._door.require_still(actor)
        except VaultError as error:
            if error.code is Code.UNAUTHENTICATED:
                raise Closing(4401, error.message) from None
            raise

    async def _message(self) -> messages.Message:
        event = await self._receive()
        if event["type"] == "websocket.disconnect":
            raise Closing(None)
        return messages.read(event.get("text"))

    async def _say(self, message: Json) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS_MAX):
                await self._send({"type": "websocket.send", "text": orjson.dumps(message).decode()})
        except TimeoutError:
            raise Closing(1013, "Too slow: connect again") from None
        except OSError:
            raise Closing(None) from None
