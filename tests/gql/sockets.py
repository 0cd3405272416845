"""A client of `graphql-transport-ws` that says exactly what a test tells it to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PROTOCOL = "graphql-transport-ws"


@dataclass(frozen=True, slots=True)
class Talk:
    """One open socket."""

    socket: ClientConnection

    async def say(self, message: Any) -> None:
        """Send a mapping as JSON, or text and bytes as they are."""
        await self.socket.send(orjson.dumps(message).decode() if isinstance(message, dict) else message)

    async def hear(self) -> Any:
        """The next message."""
        return orjson.loads(await self.socket.recv())

    async def init(self, token: str) -> None:
        """Be let in."""
        await self.say({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
        assert await self.hear() == {"type": "connection_ack"}

    async def subscribe(self, name: str, query: str, **variables: Any) -> None:
        """Begin an operation."""
        await self.say({"id": name, "type": "subscribe", "payload": {"query": query, "variables": variables}})

    async def closing(self) -> tuple[int, str]:
        """Wait until the server closes; its code and reason."""
        try:
            while True:
                await self.socket.recv()
        except ConnectionClosed as closed:
            assert closed.rcvd is not None, "the socket broke without a close frame"
            return closed.rcvd.code, closed.rcvd.reason


@asynccontextmanager
async def talking(url: str, *protocols: str, **headers: str) -> AsyncIterator[Talk]:
    """A socket to the vault's GraphQL door."""
    address = url.replace("http", "ws", 1) + "/graphql"
    async with connect(address, subprotocols=list(protocols or (PROTOCOL,)), additional_headers=headers) as socket:
        yield Talk(socket)
