"""S3: sealed objects, streamed both ways; parts and ranges, never a whole file in memory."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError

from vaultstream.errors import Code, VaultError
from vaultstream.tiers import StorageTier
from vaultstream.uploads import Part
from vaultstream.versions import Kept

READ_BYTES = 256 * 1024
_GONE = {"NoSuchKey", "NoSuchUpload", "404", "NotFound", "InvalidRange"}
_ONGOING = re.compile(r'ongoing-request="(true|false)"(?:, *expiry-date="([^"]+)")?')
_BUSY = {"InternalError", "RequestTimeout", "SlowDown"}  # whatever the status: a completion fails late with a 200


class BlobGone(Exception):
    """The object, its bytes from that place on, or the multipart upload, is not there."""


class BlobArchived(Exception):
    """The object is there, and must be restored before its bytes can be read."""


class Blobs:
    """One bucket through one open S3 client; its default encryption (SSE-KMS with a Bucket Key) applies.

    Bodies go as files in memory: botocore would make one of bytes anyway, and aiohttp would copy them once more.
    """

    def __init__(self, client: Any, bucket: str) -> None:  # Any: botocore makes its clients at run time
        self._client = client
        self._bucket = bucket

    async def put(self, key: str, body: bytes | bytearray | memoryview) -> None:
        """Store a small object whole."""
        await self._call("put_object", Key=key, Body=BytesIO(body))

    async def keep(self, key: str, body: bytes, until: datetime) -> None:
        """Store a small object that nobody can remove or replace before its time, in a bucket that locks objects.

        S3 takes a lock only with a checksum.
        """
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
        await self._call("put_object", Key=key, Body=BytesIO(body), ChecksumSHA256=digest, **lock)

    async def size(self, key: str) -> int | None:
        """The object's size in bytes; None where there is none."""
        try:
            answer = await self._call("head_object", Key=key)
        except BlobGone:
            return None
        return int(answer["ContentLength"])

    async def kept(self, key: str) -> Kept | None:
        """How the object is kept now; None where there is none."""
        try:
            answer = await self._call("head_object", Key=key)
        except BlobGone:
            return None
        ongoing = _ONGOING.match(answer.get("Restore", ""))
        until = ongoing[2] if ongoing else None
        return Kept(
            StorageTier(answer.get("StorageClass", StorageTier.STANDARD)),
            is_restoring=ongoing is not None and ongoing[1] == "true",
            restored_until=parsedate_to_datetime(until) if until else None,
        )

    async def restore(self, key: str, days: int) -> None:
        """Ask for a copy of an archived object that can be read for some days; one that is on its way stays as it is.

        Raises BlobGone; BlobArchived where the object is not archived at all.
        """
        wanted = {"Days": days, "GlacierJobParameters": {"Tier": "Standard"}}
        try:
            await self._call("restore_object", Key=key, RestoreRequest=wanted)
        except ClientError as error:
            if error.response["Error"]["Code"] != "RestoreAlreadyInProgress":
                raise

    async def whole(self, key: str) -> bytes:
        """A small object's bytes; raises BlobGone."""
        answer = await self._call("get_object", Key=key)
        async with answer["Body"] as stream:
            with _unbroken():
                return bytes(await stream.read())

    @asynccontextmanager
    async def reading(self, key: str, start: int, stop: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """The object's bytes of [start, stop) in chunks of at most `READ_BYTES`; raises BlobGone, BlobArchived."""
        answer = await self._call("get_object", Key=key, Range=f"bytes={start}-{stop - 1}")
        async with answer["Body"] as stream:
            yield _chunks(stream)

    async def begin_parts(self, key: str) -> str:
        """Begin an object made of parts; its multipart id."""
        answer = await self._call("create_multipart_upload", Key=key)
        return str(answer["UploadId"])

    async def put_part(self, key: str, multipart_id: str, number: int, body: bytes | bytearray) -> Part:
        """Store one part (1 to 10,000); the same bytes again are harmless. Raises BlobGone."""
        answer = await self._call("upload_part", Key=key, UploadId=multipart_id, PartNumber=number, Body=BytesIO(body))
        return Part(number, answer["ETag"])

    async def finish_parts(self, key: str, multipart_id: str, parts: Sequence[Part]) -> None:
        """Make the object of exactly these parts, by their ETags. Raises BlobGone where it was made or dropped."""
        named = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        await self._call("complete_multipart_upload", Key=key, UploadId=multipart_id, MultipartUpload={"Parts": named})

    async def drop_parts(self, key: str, multipart_id: str) -> None:
        """Drop an object that was never finished; nothing happens where it is gone."""
        try:
            await self._call("abort_multipart_upload", Key=key, UploadId=multipart_id)
        except BlobGone:
            return

    async def delete(self, key: str) -> None:
        """Remove an object; nothing happens where it is gone."""
        await self._call("delete_object", Key=key)

    async def ping(self) -> None:
        """One cheap call; raises UNAVAILABLE where the bucket does not answer."""
        try:
            await self._call("head_bucket")
        except BlobGone:
            raise _unavailable() from None

    async def _call(self, verb: str, **request: Any) -> Any:  # Any: S3's own shapes, both ways
        try:
            return await getattr(self._client, verb)(Bucket=self._bucket, **request)
        except BotoCoreError:
            raise _unavailable() from None
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _GONE:
                raise BlobGone(verb) from None
            if code == "InvalidObjectState":
                raise BlobArchived(verb) from None
            if code in _BUSY or error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                raise _unavailable() from None
            raise


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    with _unbroken():
        async for chunk in response.content.iter_chunked(READ_BYTES):
            yield chunk


@contextmanager
def _unbroken() -> Iterator[None]:
    """A body that breaks off: what came of it stands, the rest is asked for anew."""
    try:
        yield
    except (aiohttp.ClientError, TimeoutError):
        raise _unavailable() from None


def _unavailable() -> VaultError:
    return VaultError(Code.UNAVAILABLE, "The vault cannot reach its store: try again in a moment.")
