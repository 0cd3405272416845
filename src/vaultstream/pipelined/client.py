"""The client: a line that is opened when first used, and anew after it broke."""

from collections.abc import Callable, Sequence
from hashlib import sha1
from typing import Any

from redis.exceptions import ConnectionError as LineError
from redis.exceptions import ResponseError

from vaultstream.pipelined.line import Line, Reply, Tell, Watch, packed
from vaultstream.pipelined.server import Server, Word


class Script:
    """A Lua script, by its hash once Redis knows it."""

    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = sha1(text.encode()).hexdigest()  # noqa: S324  # Redis's own name for a script

    def packed(self, keys: Sequence[Word], arguments: Sequence[Word] = ()) -> bytes:
        """Its call by its hash, as it goes over the wire."""
        return packed(("EVALSHA", self.digest, len(keys), *keys, *arguments))


def _unwatched(_system: str, _name: str) -> Callable[[str], None]:
    return _nothing


def _nothing(_outcome: str) -> None:
    return


class Pipelined:
    """Commands of any number of tasks over one RESP3 connection; texts come back as bytes.

        redis = Pipelined.from_url(url, timeout_seconds=1)
        value = await redis.call("GET", key)

    What is called in one turn of the event loop goes out in one write. No call lasts longer than `timeout_seconds`
    and a quarter of it: a server that lets one wait so long has lost the connection, with all that wait on it.
    Failures are redis-py's: ResponseError, ConnectionError, TimeoutError, each a RedisError. Nothing is tried again:
    the caller knows whether that is safe. What blocks (BLPOP, SUBSCRIBE) has no place on a shared connection.
    `watch` is told of each command when it is called, and how it ended.
    """

    def __init__(self, server: Server, *, timeout_seconds: float, watch: Watch = _unwatched) -> None:
        self._server = server
        self._timeout = timeout_seconds
        self._watch = watch
        self._line: Line | None = None
        self._is_closed = False
        self.opened = 0  # how many connections there were: a new one may lead to another server

    @property
    def is_open(self) -> bool:
        """Whether what is called now goes out on the connection that was opened last."""
        return self._line is not None and not self._line.is_dead

    @classmethod
    def from_url(cls, url: str, *, timeout_seconds: float, watch: Watch = _unwatched) -> "Pipelined":
        """As `Server.from_url`; nothing is opened yet."""
        return cls(Server.from_url(url), timeout_seconds=timeout_seconds, watch=watch)

    def call(self, *command: Word) -> Reply:
        """The reply to one command, to be awaited; whoever stops waiting is not told."""
        return self._open().send(str(command[0]), packed(command))

    def ask(self, name: str, words: bytes, tell: Tell) -> None:
        """A command that was packed before, without a future: `tell` is called with the reply, or with the error that
        came in its stead. `name` is what the watch is told of it.
        """
        self._open().ask(name, words, tell)

    def _open(self) -> Line:
        line = self._line
        if line is None or line.is_dead:
            if self._is_closed:
                raise LineError("this client is closed")
            line = self._line = Line(self._server, self._timeout, self._watch)
            self.opened += 1
        return line

    async def run(self, script: Script, keys: Sequence[Word], arguments: Sequence[Word] = ()) -> Any:  # Any: its answer
        """What the script answers; its text is sent only where Redis does not know it yet."""
        rest = (len(keys), *keys, *arguments)
        try:
            return await self.call("EVALSHA", script.digest, *rest)
        except ResponseError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
        return await self.call("EVAL", script.text, *rest)

    async def aclose(self) -> None:
        """Close the connection; whoever waits fails."""
        self._is_closed = True
        if self._line is not None:
            self._line.die(LineError("this client is closed"))
            await self._line.closed()
