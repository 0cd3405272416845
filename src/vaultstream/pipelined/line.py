"""One connection and what is under way on it: replies come in the order of the commands, so a queue matches them."""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import hiredis
from redis.exceptions import ConnectionError as LineError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as SilentError

from vaultstream.pipelined.server import Command, Server

Reply = asyncio.Future[Any]  # Any: a command's own kind of answer
Tell = Callable[[Any], None]  # Any: as above, or the error that came in its stead
End = Callable[[str], None]
Watch = Callable[[str, str], End]  # told "redis" and a command's name; what it gives is told: ok, refused or failed
_TICKS_MAX = 4  # a command's time in ticks, for those of a loop that was held up do not come all at once
_IDLE_SECONDS = 30  # a connection that died unnoticed is found so: three probes, ten seconds apart
_KEEP_ALIVE = {
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1,
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE): _IDLE_SECONDS,
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL): 10,
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT): 3,
}
_NOTHING_YET = object()


class Line(asyncio.Protocol):
    """Opens by itself; what is called meanwhile is sent once Redis has greeted. Dead once, it stays so.

    No command is sent twice: one whose answer is lost may have been carried out.
    """

    def __init__(self, server: Server, timeout_seconds: float, watch: Watch) -> None:
        self._server = server
        self._watch = watch
        self._timeout = timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._tick = 0
        self._reader = hiredis.Reader(replyError=ResponseError, notEnoughData=_NOTHING_YET)
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []
        self._pending: deque[tuple[Tell, int, End]] = deque()
        self._is_open = False
        self._will_send = False
        self.is_dead = False
        self._opening = self._loop.create_task(self._open())
        self._ticking = self._loop.call_later(timeout_seconds / _TICKS_MAX, self._count)

    def send(self, name: str, words: bytes) -> Reply:
        """The reply to come to a packed command; it fails with ResponseError as Redis says, or as the line does."""
        reply = self._loop.create_future()
        self.ask(name, words, partial(_settle, reply))
        return reply

    def ask(self, name: str, words: bytes, tell: Tell) -> None:
        """As `send` for who need not wait: told the reply, or the error, before the next reply is looked at."""
        self._unsent.append(words)
        self._pending.append((tell, self._tick, self._watch("redis", name)))
        if self._is_open and not self._will_send:
            self._will_send = True
            self._loop.call_soon(self._send)

    def die(self, error: RedisError) -> None:
        """Whoever waits is told why, each by an error of their own; nothing more will come."""
        if self.is_dead:
            return
        self.is_dead = True
        self._is_open = False
        self._opening.cancel()
        self._ticking.cancel()
        if self._transport is not None:
            self._transport.abort()
        self._unsent.clear()
        while self._pending:
            tell, _, end = self._pending.popleft()
            end("failed")
            self._tell(tell, type(error)(*error.args))

    async def closed(self) -> None:
        """Wait until a line that is dead has ended its opening as well."""
        await asyncio.wait([self._opening])

    async def _open(self) -> None:
        try:
            await self._loop.create_connection(lambda: self, self._server.host, self._server.port, ssl=self._server.tls)
            for command in self._server.greeting():
                await self._greet(command)
        except RedisError as error:
            self.die(error)
        except OSError as error:  # a certificate that nobody trusts is one too
            self.die(LineError(f"Redis cannot be reached: {type(error).__name__}"))
        else:
            self._is_open = True
            self._send()

    def _greet(self, command: Command) -> Reply:
        """Ahead of what waits already, which is sent only once this is answered."""
        if self._transport is None:
            raise LineError("Redis closed the connection")
        reply = self._loop.create_future()
        self._pending.appendleft((partial(_settle, reply), 0, self._watch("redis", str(command[0]))))
        self._transport.write(packed(command))
        return reply

    def _send(self) -> None:
        self._will_send = False
        if self._unsent and self._transport is not None and not self.is_dead:
            self._transport.write(b"".join(self._unsent))
            self._unsent.clear()

    def _count(self) -> None:
        """All wait in one queue, so nobody waits longer than the first."""
        self._tick += 1
        self._ticking = self._loop.call_later(self._timeout / _TICKS_MAX, self._count)
        if self._pending and self._tick - self._pending[0][1] > _TICKS_MAX:
            self.die(SilentError("Redis did not answer in time"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Watched by its keep-alive too, not by commands alone."""
        self._transport = cast("asyncio.Transport", transport)  # TCP and TLS both give one
        for option, value in _KEEP_ALIVE.items():
            transport.get_extra_info("socket").setsockopt(*option, value)

    def data_received(self, data: bytes) -> None:
        """Match replies with commands; what is no reply ends the line, for no later one could be trusted."""
        self._reader.feed(data)
        try:
            while (answer := self._reader.gets()) is not _NOTHING_YET:
                if not isinstance(answer, hiredis.PushNotification):
                    self._take(answer)
        except (hiredis.ProtocolError, IndexError):
            self.die(LineError("Redis sent what is no reply"))

    def _take(self, answer: Any) -> None:  # Any: a command's own kind of answer
        tell, _, end = self._pending.popleft()
        end("refused" if isinstance(answer, ResponseError) else "ok")
        self._tell(tell, answer)
        if isinstance(answer, ResponseError) and str(answer).startswith("READONLY"):
            # No primary any more: its name may point elsewhere by now.
            self.die(LineError("Redis has another primary now"))

    def _tell(self, tell: Tell, answer: Any) -> None:  # Any: as above
        """Whoever fails at it harms nobody else whose reply is on its way."""
        try:
            tell(answer)
        except Exception as error:  # noqa: BLE001  # as the loop does with what it calls
            self._loop.call_exception_handler({"message": "a reply of Redis was not taken", "exception": error})

    def connection_lost(self, _: Exception | None) -> None:
        """The other side is gone."""
        self.die(LineError("Redis closed the connection"))


def packed(command: Command) -> bytes:
    """A command as it goes over the wire."""
    words: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # its stub says a pair's type, not a tuple's
    return words


def _settle(reply: Reply, answer: Any) -> None:  # Any: as above
    """An error that nobody waits for any more is nobody's."""
    if reply.done():
        return
    if isinstance(answer, RedisError):
        reply.set_exception(answer)
        reply.exception()
    else:
        reply.set_result(answer)
