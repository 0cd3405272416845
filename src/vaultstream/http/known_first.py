"""HTTP/1.1 with a shorter way for what is known: a request is shown to the envelope before the app hears of it.

uvicorn begins a task for each request, and ASGI hands head and body over in messages. An answer that is at hand needs
neither. So what uvicorn is told of such a request waits until it is plain that the app has to answer it, and then goes
the usual way, from its head on.
"""

import asyncio
from typing import cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from vaultstream.http.envelope import Envelope
from vaultstream.http.heads import BoundedHead

_PATH = b"/graphql"
_BODY_BYTES_MAX = 16 * 1024  # nothing longer is known
_REST_SECONDS = 0.05  # in which the body comes after its head, or else is the app's to wait for
_OK = STATUS_LINE[200]


class KnownFirst(BoundedHead):
    """One connection. Of requests that come one upon another only the first can be answered so."""

    _envelope: Envelope | None = None
    _body: bytes | None = None  # of a request that uvicorn was not told of
    _is_whole = False
    _rest: asyncio.TimerHandle | None = None  # how long its rest is waited for
    _is_asked = False  # whether the envelope has it now
    _early = b""  # what came meanwhile
    _is_last = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Only an envelope can be asked."""
        super().connection_made(transport)
        self._envelope = self.app if isinstance(self.app, Envelope) else None

    def data_received(self, data: bytes) -> None:
        """Take what came, once it is this data's turn."""
        if self._is_asked:
            self._early += data
            self.flow.pause_reading()
            return
        super().data_received(data)
        if self._body is None:
            return
        if self._is_whole or len(self._body) > _BODY_BYTES_MAX:
            if not self._is_asked_now(self._body):
                self._pass_on()
        elif self._rest is None:
            self._rest = self.loop.call_later(_REST_SECONDS, self._pass_on)

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
        if self._may_be_known():
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

    def shutdown(self) -> None:
        """What is asked is still answered."""
        if self._is_asked:
            self._is_last = True
            return
        self._pass_on()
        super().shutdown()

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

    def _is_asked_now(self, body: bytes) -> bool:
        if self._is_whole and self._envelope is not None and not self.flow.write_paused:
            self._is_asked = self._envelope.at_once(cast("Scope", self.scope), body, self._answered)
        return self._is_asked

    def _drop(self) -> bytes | None:
        """Hold nothing back any more; what was."""
        body, self._body = self._body, None
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        return body

    def _pass_on(self) -> None:
        """Tell uvicorn what was held back."""
        if (body := self._drop()) is None:
            return
        super().on_headers_complete()
        if body:
            super().on_body(body)
        if self._is_whole:
            super().on_message_complete()

    def _answered(self, answer: bytes | None) -> None:
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

    def _write(self, answer: bytes) -> None:
        """The answer is all that comes after the status line, but for what uvicorn adds to each."""
        more = [b"%b: %b\r\n" % each for each in self.server_state.default_headers]
        if self._is_last:
            more.append(b"connection: close\r\n")
        self.transport.write(b"".join((_OK, *more, answer)))
        self.on_response_complete()
