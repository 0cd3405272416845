"""HTTP/1.1 as uvicorn speaks it, with a bound on how large a request's head may grow and how long it may take.

uvicorn gathers request line and headers without any limit, before anybody is asked who they are: 100 MB of them cost
its process more than 2 GB. Here a head of up to 64 kB always passes, and one that is still unfinished at more than
that is refused with 431; one that does not come to its end in time with 408 (RFC 6585 section 5, RFC 9110 15.5.9).
"""

import asyncio
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from vaultstream.http.answers import problem_of

HEAD_BYTES_MAX = 64 * 1024
HEAD_SECONDS_MAX = 20.0


class BoundedHead(HttpToolsProtocol):
    """One connection."""

    _in_head = True
    _head_bytes = 0  # of the head that is not whole yet
    _is_begun = False
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, unless it is still a head and more than one may be."""
        self._head_bytes = self._head_bytes + len(data) if self._in_head else 0
        super().data_received(data)
        if self._is_begun and self._patience is None:  # most heads are whole at once: for them no clock is set
            self._wait()
        if self._in_head and self._head_bytes > HEAD_BYTES_MAX:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too long: send fewer.")

    def on_message_begin(self) -> None:
        """A head begins: also the next one on a connection that is kept."""
        super().on_message_begin()
        self._is_begun = True

    def on_headers_complete(self) -> None:
        """Pass it on."""
        self._end_head()
        super().on_headers_complete()

    def _end_head(self) -> None:
        """The head is whole; a body takes the time that its door gives it."""
        self._in_head, self._is_begun, self._head_bytes = False, False, 0
        self._stop_waiting()

    def on_message_complete(self) -> None:
        """What follows is the next head."""
        self._in_head = True
        super().on_message_complete()

    def _wait(self) -> None:
        self._patience = self.loop.call_later(
            HEAD_SECONDS_MAX, self._refuse, HTTPStatus.REQUEST_TIMEOUT, "The headers did not come in time."
        )

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Say why, unless an earlier request is still being answered on this connection, and close it."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            answer = problem_of(status, detail, headers={"Connection": "close"})
            lines = [name + b": " + value for name, value in answer.raw_headers]
            first = f"HTTP/1.1 {status.value} {status.phrase}".encode()
            self.transport.write(b"\r\n".join([first, *lines, b"", bytes(answer.body)]))
        self.transport.close()
