"""The forms of S3's answers: empty, an XML document, an error, or an object's bytes as they are read."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from vaultstream.local.s3.documents import Node, render
from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.objects import Extent
from vaultstream.local.s3.store import Store

_READ_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive bytes of one file."""

    blob: str
    offset: int
    size_bytes: int


def empty(status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer of headers alone."""
    return Response(status_code=status, headers=dict(headers or {}))


def document(name: str, children: Iterable[Node], headers: Mapping[str, str] | None = None) -> Response:
    """An answer whose body is an XML document."""
    return Response(render(name, children), 200, dict(headers or {}), media_type="application/xml")


def error(fault: S3Fault, method: str, resource: str, request_id: str) -> Response:
    """An error answer; HEAD and 304 have no body."""
    if method == "HEAD" or fault.status == 304:
        return Response(status_code=fault.status, headers=fault.headers)
    told = {"Code": fault.code, "Message": fault.message, "Resource": resource, "RequestId": request_id}
    return Response(
        render("Error", [*told.items()], namespace=""), fault.status, fault.headers, media_type="application/xml"
    )


def stretches(extents: Sequence[Extent], start: int, end: int) -> list[Stretch]:
    """The stretches of files that hold bytes `start` to `end` (exclusive) of an object."""
    found, at = [], 0
    for extent in extents:
        first, last = max(start, at), min(end, at + extent.size_bytes)
        if first < last:
            found.append(Stretch(extent.blob, first - at, last - first))
        at += extent.size_bytes
    return found


async def pieces(store: Store, wanted: Iterable[Stretch]) -> AsyncIterator[bytes]:
    """The bytes of `wanted`, half a megabyte at a time."""
    for stretch in wanted:
        end = stretch.offset + stretch.size_bytes
        for offset in range(stretch.offset, end, _READ_BYTES):
            piece = await store.on_disk(store.shelf.read, stretch.blob, offset, min(_READ_BYTES, end - offset))
            if len(piece) != min(_READ_BYTES, end - offset):
                raise OSError(f"the file {stretch.blob} is shorter than the ledger says")
            yield piece


class ObjectAnswer(StreamingResponse):
    """The bytes of an object; `held` keeps its files on disk and is closed however the answer ends."""

    def __init__(
        self, store: Store, status: int, headers: Mapping[str, str], wanted: list[Stretch], held: ExitStack
    ) -> None:
        super().__init__(pieces(store, wanted), status, headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the answer; a client that leaves cancels the reading."""
        with self._held:
            await super().__call__(scope, receive, send)
