"""A request's body onto the shelf: streamed, decoded, hashed and held to every digest its sender promised."""

import base64
import binascii
import hashlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from vaultstream.local.s3 import checksums
from vaultstream.local.s3.call import Call
from vaultstream.local.s3.chunked import ChunkedBody, ChunkSeal
from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.shelf import Draft

MAX_BODY_BYTES = 5 * 1024 * 1024 * 1024
_BATCH_BYTES = 512 * 1024  # what one trip to a disk thread writes and hashes


@dataclass(frozen=True, slots=True)
class Received:
    """A body that is durable on the shelf; `blob` is empty for an empty body. `etag` is the MD5 in hexadecimal."""

    blob: str
    size_bytes: int
    etag: str
    checksums: dict[str, str]


async def receive(call: Call, also: Iterable[str] = ()) -> Received:
    """Stores the body, with the checksums the client sent and those of `also`; leaves no file when it fails."""
    body = _Body(call, also)
    try:
        async for pieces in _batches(call, body):
            await call.store.on_disk(body.write, pieces)
        body.check()
        if body.draft:
            await call.store.on_disk(body.draft.seal)
    except BaseException:
        if body.draft:
            body.draft.discard()
        raise
    return Received(body.draft.blob if body.draft else "", body.size_bytes, body.md5.hexdigest(), body.results())


def named_checksums(call: Call) -> dict[str, str]:
    """The checksum values in the request's headers, by algorithm."""
    values = {name: call.header(f"x-amz-checksum-{name.lower()}") for name in checksums.ALGORITHMS}
    return {name: value for name, value in values.items() if value}


async def _batches(call: Call, body: "_Body") -> AsyncIterator[list[bytes]]:
    pieces: list[bytes] = []
    waiting_bytes = 0
    async for arrived in call.request.stream():
        for piece in body.chunked.feed(arrived) if body.chunked else (arrived,):
            pieces.append(piece)
            waiting_bytes += len(piece)
        if body.size_bytes + waiting_bytes > MAX_BODY_BYTES:
            raise S3Fault("EntityTooLarge")
        if waiting_bytes >= _BATCH_BYTES:
            yield pieces
            pieces, waiting_bytes = [], 0
    if waiting_bytes:
        yield pieces


class _Body:
    """The running digests of one body and the file it goes to."""

    def __init__(self, call: Call, also: Iterable[str]) -> None:
        self._call = call
        self._promised = named_checksums(call)
        self._content = call.grant.content_sha256
        is_chunked = self._content.startswith("STREAMING-")
        seal = ChunkSeal(call.grant) if self._content.startswith("STREAMING-AWS4-HMAC-SHA256-PAYLOAD") else None
        self.chunked = ChunkedBody(seal) if is_chunked else None
        self._length = _declared_length(call, is_chunked=is_chunked)
        self._trailer = call.header("x-amz-trailer").lower()
        if self._trailer:
            also = (*also, checksums.named(self._trailer.removeprefix("x-amz-checksum-")))
        self._digests = {name: checksums.start(name) for name in {*self._promised, *also}}
        self._sha256 = hashlib.sha256() if len(self._content) == 64 else None
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.size_bytes = 0
        self.draft: Draft | None = None

    def write(self, pieces: list[bytes]) -> None:
        """Appends to the file and to every digest; runs on a disk thread."""
        data = b"".join(pieces)
        if self.draft is None:
            self.draft = Draft(self._call.store.shelf)
        self.draft.write(data)
        self.size_bytes += len(data)
        self.md5.update(data)
        if self._sha256:
            self._sha256.update(data)
        for digest in self._digests.values():
            digest.update(data)

    def results(self) -> dict[str, str]:
        """The checksums by algorithm, in base64."""
        return {name: base64.b64encode(digest.digest()).decode() for name, digest in self._digests.items()}

    def check(self) -> None:
        """Compares size and digests with what was promised, trailers included."""
        trailers = self.chunked.finish() if self.chunked else {}
        if self.size_bytes != self._length:
            raise S3Fault("IncompleteBody")
        if self._sha256 and self._sha256.hexdigest() != self._content:
            raise S3Fault("XAmzContentSHA256Mismatch")
        if (wanted := self._call.header("content-md5")) and _decoded(wanted, 16) != self.md5.digest():
            raise S3Fault("BadDigest")
        if self._trailer and self._trailer not in trailers:
            raise S3Fault("MalformedTrailerError")
        results = self.results()
        promised = {**self._promised, **_trailing(trailers)}
        for name, value in promised.items():
            if name not in results:
                raise S3Fault("MalformedTrailerError", "A trailing checksum was not announced in x-amz-trailer.")
            if _decoded(value, len(base64.b64decode(results[name]))) != base64.b64decode(results[name]):
                raise S3Fault("BadDigest", f"The {name} you specified did not match the calculated checksum.")


def _trailing(trailers: dict[str, str]) -> dict[str, str]:
    prefix = "x-amz-checksum-"
    return {name[len(prefix) :].upper(): value for name, value in trailers.items() if name.startswith(prefix)}


def _decoded(value: str, size_bytes: int) -> bytes:
    try:
        decoded = base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise S3Fault("InvalidDigest") from error
    if len(decoded) != size_bytes:
        raise S3Fault("InvalidDigest")
    return decoded


def _declared_length(call: Call, *, is_chunked: bool) -> int:
    declared = call.header("x-amz-decoded-content-length" if is_chunked else "content-length")
    if not (declared.isascii() and declared.isdigit()):
        raise S3Fault("MissingContentLength")
    if int(declared) > MAX_BODY_BYTES:
        raise S3Fault("EntityTooLarge")
    return int(declared)
