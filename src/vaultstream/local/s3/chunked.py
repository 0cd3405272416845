"""The aws-chunked body, decoded as it arrives: sizes, chunk signatures and trailing checksums.

The grammar is AWS's "Signature calculations: transferring payload in multiple chunks" and its trailing form.
"""

import hashlib
import hmac
from enum import Enum, auto

from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.signature import Grant, sign

_MAX_LINE_BYTES = 1024
_MAX_TRAILERS = 16
_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


class ChunkSeal:
    """Verifies the chain of chunk signatures, which starts at the request's own signature."""

    def __init__(self, grant: Grant) -> None:
        self._grant = grant
        self._previous = grant.signature
        self._digest = hashlib.sha256()

    def update(self, data: bytes) -> None:
        """Takes payload of the open chunk."""
        self._digest.update(data)

    def close(self, signature: str) -> None:
        """Ends the open chunk, which must carry `signature`."""
        digests = (_EMPTY_SHA256, self._digest.hexdigest())
        self._expect("AWS4-HMAC-SHA256-PAYLOAD", digests, signature)
        self._digest = hashlib.sha256()

    def close_trailers(self, trailers: dict[str, str], signature: str) -> None:
        """Ends the body: the trailing headers must carry `signature`."""
        text = "".join(f"{name}:{value}\n" for name, value in trailers.items())
        self._expect("AWS4-HMAC-SHA256-TRAILER", (hashlib.sha256(text.encode()).hexdigest(),), signature)

    def _expect(self, kind: str, digests: tuple[str, ...], signature: str) -> None:
        lines = (kind, self._grant.signed_at, self._grant.scope, self._previous, *digests)
        wanted = sign(self._grant.signing_key, "\n".join(lines))
        if not hmac.compare_digest(wanted.encode(), signature.encode()):
            raise S3Fault("SignatureDoesNotMatch", "The signature of a chunk does not match.")
        self._previous = wanted


class _State(Enum):
    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILER = auto()
    DONE = auto()


class ChunkedBody:
    """A decoder without I/O: feed it what arrives, take the payload, then `finish` for the trailers."""

    def __init__(self, seal: ChunkSeal | None = None) -> None:
        self._seal = seal
        self._state = _State.SIZE
        self._buffer = bytearray()
        self._left = 0
        self._signature = ""
        self._trailers: dict[str, str] = {}

    def feed(self, data: bytes) -> list[bytes]:
        """The payload that `data` completes; raises `S3Fault` for a bad frame or signature."""
        self._buffer += data
        payload: list[bytes] = []
        while self._state is not _State.DONE:
            if self._state is _State.DATA:
                if not self._buffer:
                    break
                payload.append(self._take_data())
                continue
            line = self._take_line()
            if line is None:
                break
            self._on_line(line)
        return payload

    def finish(self) -> dict[str, str]:
        """The trailing headers; raises `IncompleteBody` when the last chunk has not come."""
        if self._state is not _State.DONE:
            raise S3Fault("IncompleteBody", "The chunked body ended before its last chunk.")
        return self._trailers

    def _take_data(self) -> bytes:
        piece = bytes(self._buffer[: self._left])
        del self._buffer[: len(piece)]
        self._left -= len(piece)
        if self._seal:
            self._seal.update(piece)
        if not self._left:
            self._state = _State.DATA_END
        return piece

    def _take_line(self) -> str | None:
        end = self._buffer.find(b"\r\n")
        if end > _MAX_LINE_BYTES or (end < 0 and len(self._buffer) > _MAX_LINE_BYTES):
            raise S3Fault("InvalidRequest", "A line of the chunked body is too long.")
        if end < 0:
            return None
        line = self._buffer[:end].decode("latin-1")
        del self._buffer[: end + 2]
        return line

    def _on_line(self, line: str) -> None:
        if self._state is _State.SIZE:
            self._open_chunk(line)
        elif self._state is _State.DATA_END:
            if line:
                raise S3Fault("IncompleteBody", "A chunk is longer than it says.")
            self._close_chunk()
            self._state = _State.SIZE
        elif line:
            self._on_trailer(line)
        else:
            self._state = _State.DONE

    def _open_chunk(self, line: str) -> None:
        size, _, extension = line.partition(";")
        try:
            self._left = int(size, 16)
        except ValueError as error:
            raise S3Fault("InvalidRequest", "A chunk must start with its size in hexadecimal.") from error
        if self._left < 0:
            raise S3Fault("InvalidRequest", "A chunk must start with its size in hexadecimal.")
        self._signature = extension.removeprefix("chunk-signature=")
        if self._left:
            self._state = _State.DATA
        else:
            self._close_chunk()
            self._state = _State.TRAILER

    def _close_chunk(self) -> None:
        if self._seal:
            self._seal.close(self._signature)

    def _on_trailer(self, line: str) -> None:
        name, separator, value = line.strip().partition(":")
        if not separator or len(self._trailers) >= _MAX_TRAILERS:
            raise S3Fault("MalformedTrailerError")
        if name.lower() == "x-amz-trailer-signature":
            if self._seal:
                self._seal.close_trailers(self._trailers, value.strip())
            return
        self._trailers[name.lower()] = value.strip()
