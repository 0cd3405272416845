"""A plain blocking client of the vault: GraphQL, tus uploads and downloads, each on one connection."""

import hashlib
import json
import time
from base64 import b64encode
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse
from io import BytesIO
from typing import Any, BinaryIO, Self, cast
from urllib.parse import urlsplit

BLOCK_BYTES = 256 * 1024

_UPLOAD = "query($id: ID!) { node(id: $id) { ... on Upload { status file { id } } } }"
_LINK = "mutation($id: ID!) { downloadCreate(input: {fileId: $id}) { url errors { message } } }"


class Client:
    """One connection to the API at `url`; for people, with their bearer token.

    `sent_at` is the time at which the last byte of the latest request was handed to the kernel.
    """

    def __init__(self, url: str, token: str = "") -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=600, blocksize=BLOCK_BYTES)
        self.sent_at = 0.0
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def graphql(self, query: str, **variables: object) -> dict[str, Any]:  # Any: JSON
        """The `data` of the answer; an answer with errors is a bug here."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        answer = self._ask("POST", "/graphql", BytesIO(body), {"Content-Type": "application/json"}, len(body))
        told = json.loads(answer.read())
        assert "errors" not in told, told["errors"]
        return cast("dict[str, Any]", told["data"])

    def begin(self, name: str, size_bytes: int, content_type: str, folder_id: str = "") -> str:
        """The path of a new upload, into a folder or alice's top folder."""
        metadata = f"filename {_base64(name)},filetype {_base64(content_type)}"
        metadata += f",folderId {_base64(folder_id)}" if folder_id else ""
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": f"{size_bytes}", "Upload-Metadata": metadata}
        answer = self._ask("POST", "/uploads", BytesIO(), headers, 0)
        answer.read()
        return urlsplit(answer.headers["Location"]).path

    def send(self, path: str, source: BinaryIO, offset: int, size_bytes: int) -> None:
        """One PATCH with `size_bytes` of `source`, which stands at `offset`."""
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": f"{offset}",
            "Content-Type": "application/offset+octet-stream",
        }
        self._ask("PATCH", path, source, headers, size_bytes).read()

    def file_of(self, upload_path: str) -> str:
        """The file that an upload became."""
        upload = self.graphql(_UPLOAD, id=upload_path.rpartition("/")[2])["node"]
        assert upload["status"] == "DONE", upload
        return str(upload["file"]["id"])

    def link(self, file_id: str) -> str:
        """Path and query of a signed URL."""
        made = self.graphql(_LINK, id=file_id)["downloadCreate"]
        assert not made["errors"], made["errors"]
        return str(made["url"]).removeprefix(f"http://{self._connection.host}:{self._connection.port}")

    def put(self, path: str, source: BinaryIO, size_bytes: int) -> None:
        """One PUT with all of `source`."""
        self._ask("PUT", path, source, {}, size_bytes).read()

    def read(self, path: str, digest: "hashlib._Hash", start: int = 0, stop: int | None = None) -> int:
        """Reads the content, or [start, stop) of it, into `digest`; returns how many bytes it was."""
        asked = {} if stop is None else {"Range": f"bytes={start}-{stop - 1}"}
        answer = self._ask("GET", path, BytesIO(), asked, 0)
        block = memoryview(bytearray(BLOCK_BYTES))
        total = 0
        while count := answer.readinto(block):
            digest.update(block[:count])
            total += count
        return total

    def _ask(self, method: str, path: str, source: BinaryIO, headers: dict[str, str], size_bytes: int) -> HTTPResponse:
        self._connection.putrequest(method, path)
        for name, value in {**self._headers, **headers, "Content-Length": f"{size_bytes}"}.items():
            self._connection.putheader(name, value)
        self._connection.endheaders()
        with suppress(ConnectionError):  # who refuses early says why in the answer
            self._send_body(source, size_bytes)
        self.sent_at = time.time()
        answer = self._connection.getresponse()
        assert answer.status < 300, (answer.status, answer.read()[:500])
        return answer

    def _send_body(self, source: BinaryIO, size_bytes: int) -> None:
        left = size_bytes
        while left:
            block = source.read(min(BLOCK_BYTES, left))
            self._connection.send(block)
            left -= len(block)


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
