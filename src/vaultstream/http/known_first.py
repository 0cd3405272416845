"""HTTP/1.1 with a shorter way for what is known: a request is shown to the envelope before the app hears of it.

uvicorn begins a task for each request, and ASGI hands head and body over in messages. An answer that is at hand needs
neither. So what uvicorn is told of such a request waits until it is plain that the app has to answer it, and then goes
the usual way, from its head on. Who asks again on the same connection mostly sends the same head to the byte: then it
says what it said before, and is not read.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from vaultstream.http.envelope import Envelope
from vaultstream.http.graphql_answers import Pieces
from vaultstream.http.heads import BoundedHead
from vaultstream.http.recall import Asked, asked_by

_PATH = b"/graphql"
_BODY_BYTES_MAX = 16 * 1024  # nothing longer is known
_REST_SECONDS = 0.05  # in which the body comes after its head, or else is the app's to wait for
_HEADS_MAX = 4  # that a connection remembers
_HEAD_BYTES_MAX = 4 * 1024  # of each
_HEAD_END = b"\r\n\r\n"
_OK = STATUS_LINE[200]


@dataclass(frozen=True, slots=True)
class _Head:
    """One that came before, and what it says of who asks."""

    text: bytes
    asked: Asked


class KnownFirst(BoundedHead):
    """One connection. Of requests that come one upon another only the first can be answered so."""

    _envelope: Envelope | None = None
    _heads: dict[int, _Head]  # by how many bytes they come to with their body
    _unread: tuple[bytes, dict[str, Any]] | None = None  # what begins with one, and is told of it; Any: as ASGI has it
    _told: dict[str, Any] | None = None  # of what is read now after all
    _body: bytes | None = None  # of a request that was read and uvicorn was not told of
    _is_whole = False
    _rest: asyncio.TimerHandle | None = None  # how long its rest is waited for
    _is_asked = False  # whether the envelope has it now
    _early = b""  # what came meanwhile
    _is_last = False
    _answered_at = 0.0
    _defaults: tuple[list[tuple[bytes, bytes]] | None, bytes] = (None, b"")  # uvicorn's headers, and how answers begin

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Only an envelope can be asked."""
        super().connection_made(transport)
        self._envelope = self.app if isinstance(self.app, Envelope) else None
        self._heads = {}

    def data_received(self, data: bytes) -> None:
        """Take what came, once it is this data's turn."""
        if self._is_asked:
            self._early += data
            self.flow.pause_reading()
            return
        head = self._heads.get(len(data))
        if head is None or not data.startswith(head.text) or not self._is_between():
            self._read(data)
            return
        told: dict[str, Any] = {}  # Any: as ASGI has it
        self._unread = data, told
        if not self._is_asked_now(told, head.asked, data[len(head.text) :]):
            self._pass_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits for what was held back."""
        self._drop()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request that comes upon another ends what was held back."""
        self._pass_on()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Hold back what may be known."""
        if self._told is not None:
            self.scope.update(self._told)  # type: ignore[typeddict-item]  # ours are none of uvicorn's
            super().on_headers_complete()
        elif self._may_be_known():
            self._body, self._is_whole = b"", False
            self._end_head()
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hold it back with its head."""
        if self._body is None:
            super().on_body(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        """Whether to ask is decided when all is read that came with it."""
        if self._body is None:
            super().on_message_complete()
        else:
            self._is_whole = True

    def timeout_keep_alive_handler(self) -> None:
        """Nothing came for a while. No known answer sets this clock anew, so the last may be younger than the clock."""
        left = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if self._is_asked or left > 0:
            self._keep_alive(max(left, 0.0) or self.timeout_keep_alive)
        else:
            super().timeout_keep_alive_handler()

    def shutdown(self) -> None:
        """What is asked is still answered."""
        if self._is_asked:
            self._is_last = True
            return
        self._pass_on()
        super().shutdown()

    def _is_between(self) -> bool:
        """Whether what comes now begins a request, and all before it are answered."""
        is_between = self._in_head and not self._is_begun
        return is_between and (self.cycle is None or self.cycle.response_complete)

    def _read(self, data: bytes) -> None:
        begins = self._is_between()
        super().data_received(data)
        if self._body is None:
            return
        if self._is_whole or len(self._body) > _BODY_BYTES_MAX:
            asked = asked_by(dict(reversed(self.headers))) if self._is_whole else None
            if asked is None or not self._is_asked_now(self.scope, asked, self._body):  # type: ignore[arg-type]  # a dict
                self._pass_on()
            elif begins:
                self._remember(_Head(data[: len(data) - len(self._body)], asked), len(data))
        elif self._rest is None:
            self._rest = self.loop.call_later(_REST_SECONDS, self._pass_on)

    def _remember(self, head: _Head, whole: int) -> None:
        """Unless the body came in chunks: what follows the head at once is then not all that there is of it."""
        is_one = head.text.find(_HEAD_END) == len(head.text) - len(_HEAD_END)
        if not is_one or len(head.text) > _HEAD_BYTES_MAX:
            return
        if len(self._heads) == _HEADS_MAX:
            self._heads.clear()
        self._heads[whole] = head

    def _may_be_known(self) -> bool:
        return (
            self.url == _PATH
            and self._envelope is not None
            and (self.cycle is None or self.cycle.response_complete)
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.expect_100_continue
        )

    def _is_asked_now(self, scope: dict[str, Any], asked: Asked, body: bytes) -> bool:  # Any: as ASGI has it
        if self._envelope is not None and not self.flow.write_paused:
            self._is_asked = self._envelope.at_once(scope, asked, body, self._answered)
        return self._is_asked

    def _drop(self) -> bytes | None:
        """Hold nothing back any more; what was."""
        self._unread = None
        body, self._body = self._body, None
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        return body

    def _pass_on(self) -> None:
        """Tell uvicorn what was held back."""
        if self._unread is not None:
            (data, self._told), self._unread = self._unread, None
            super().data_received(data)
            self._told = None
        if (body := self._drop()) is None:
            return
        super().on_headers_complete()
        if body:
            super().on_body(body)
        if self._is_whole:
            super().on_message_complete()

    def _answered(self, answer: Pieces | None) -> None:
        """Send it, or let the app answer; then go on with what came meanwhile."""
        self._is_asked = False
        if self.transport.is_closing():
            return
        if answer is None:
            self._pass_on()
        else:
            self._drop()
            self._in_head = True
            self._write(answer)
        if self._is_last:
            self.shutdown()
        elif self._early:
            early, self._early = self._early, b""
            self.flow.resume_reading()
            self.data_received(early)

    def _write(self, answer: Pieces) -> None:
        """The answer is all that comes after the status line, but for what uvicorn adds to each."""
        defaults, begin = self._defaults
        if defaults is not self.server_state.default_headers:  # made anew each second
            defaults = self.server_state.default_headers
            begin = b"".join((_OK, *(b"%b: %b\r\n" % each for each in defaults)))
            self._defaults = defaults, begin
        self.transport.writelines((begin + b"connection: close\r\n" if self._is_last else begin, *answer))
        self.server_state.total_requests += 1
        self._answered_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._keep_alive(self.timeout_keep_alive)

    def _keep_alive(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)
