"""One request to the store, read once: bucket, key, query, headers, and what its signature proved."""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from starlette.requests import Request

from vaultstream.local.s3.documents import MAX_DOCUMENT_BYTES
from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.signature import UNSIGNED, Grant, Refused, Signable, query_pairs, verify
from vaultstream.local.s3.store import Store

_MAX_KEY_BYTES = 1024
_CONTENT_SHA256 = re.compile(
    "[0-9a-f]{64}|UNSIGNED-PAYLOAD|STREAMING-UNSIGNED-PAYLOAD-TRAILER|STREAMING-AWS4-HMAC-SHA256-PAYLOAD(-TRAILER)?"
)


@dataclass(frozen=True, slots=True)
class Call:
    """A verified request. `query` and `headers` hold one value a name; header names are in lower case."""

    store: Store
    request: Request
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    grant: Grant

    def header(self, name: str) -> str:
        """A header's value, or an empty string."""
        return self.headers.get(name, "")

    async def document(self) -> bytes:
        """The whole body of a control request: at most 8 MiB, checked against its declared SHA-256 or MD5."""
        body = bytearray()
        async for piece in self.request.stream():
            body += piece
            if len(body) > MAX_DOCUMENT_BYTES:
                raise S3Fault("MalformedXML", "The document is too long.")
        promised = self.grant.content_sha256
        if promised != UNSIGNED and hashlib.sha256(body).hexdigest() != promised:
            raise S3Fault("XAmzContentSHA256Mismatch")
        md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        if self.header("content-md5") not in ("", md5):
            raise S3Fault("BadDigest")
        return bytes(body)


def read_call(store: Store, request: Request) -> Call:
    """Parses and authenticates a request; raises `S3Fault`."""
    raw_path = bytes(request.scope["raw_path"]).partition(b"?")[0]
    raw_query = bytes(request.scope["query_string"]).decode("latin-1")
    headers = dict(request.headers)
    signable = Signable(request.method, raw_path.decode("latin-1"), raw_query, headers)
    try:
        grant = verify(signable, store.credentials, store.clock())
    except Refused as refused:
        raise S3Fault(refused.code, refused.message) from refused
    if not _CONTENT_SHA256.fullmatch(grant.content_sha256):
        raise S3Fault("InvalidArgument", "x-amz-content-sha256 is missing or not a value that is supported.")
    bucket, key = split_path(raw_path)
    return Call(store, request, bucket, key, dict(query_pairs(raw_query)), headers, grant)


def split_path(raw_path: bytes) -> tuple[str, str]:
    """Bucket and key of a path-style request; refuses keys that XML or UTF-8 cannot carry."""
    bucket, _, key = raw_path.removeprefix(b"/").partition(b"/")
    return unquote_to_bytes(bucket).decode("latin-1"), clean_key(unquote_to_bytes(key))


def clean_key(encoded: bytes) -> str:
    """A key as text; raises `KeyTooLongError` above 1,024 bytes and `InvalidURI` for control characters."""
    if len(encoded) > _MAX_KEY_BYTES:
        raise S3Fault("KeyTooLongError")
    try:
        key = encoded.decode()
    except UnicodeDecodeError as error:
        raise S3Fault("InvalidURI") from error
    if any(ord(character) < 0x20 or character in "\x7f\ufffe\uffff" for character in key):
        raise S3Fault("InvalidURI", "Keys with control characters are not supported.")
    return key
