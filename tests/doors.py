"""The vault's HTTP doors, served for tests on a real port; and what tests put behind them."""

import asyncio
import base64
import contextlib
import hashlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import httpx
import uvicorn
from starlette.types import ASGIApp

from vaultstream import table
from vaultstream.actions import download, process
from vaultstream.actions.opening import whole
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.records import changes, upload_items, version_items
from vaultstream.adapters.vault import Vault
from vaultstream.events import Event, EventName
from vaultstream.http.known_first import KnownFirst
from vaultstream.ids import FileId, UserId
from vaultstream.uploads import Upload, UploadStatus
from vaultstream.versions import ScanStatus, StoredVersion

TUS = {"Tus-Resumable": "1.0.0"}
CLEAN = (ScanStatus.SCANNING, ScanStatus.CLEAN)
OFFSET_STREAM = {"Content-Type": "application/offset+octet-stream"}


class _Announcing(uvicorn.Server):
    """A server that tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, port: int) -> AsyncIterator[str]:
    """An application behind uvicorn in this process, from the moment it answers until all is closed."""
    config = uvicorn.Config(
        app,
        "127.0.0.1",
        port,
        http=KnownFirst,
        log_level="critical",
        timeout_graceful_shutdown=2,
        proxy_headers=False,
    )
    server = _Announcing(config)
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(60):
            await server.listens.wait()
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


async def until(look: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Wait for something that is about to become true."""
    async with asyncio.timeout(seconds):
        while not await look():  # noqa: ASYNC110  # what is waited for happens in another process or in a store
            await asyncio.sleep(0.02)


def metadata(**values: str) -> dict[str, str]:
    """An Upload-Metadata header."""
    pairs = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())
    return {"Upload-Metadata": ",".join(pairs)}


def checksum(data: bytes, algorithm: str = "sha256") -> dict[str, str]:
    """An Upload-Checksum header."""
    digest = base64.b64encode(hashlib.new(algorithm, data).digest()).decode()
    return {"Upload-Checksum": f"{algorithm} {digest}"}


@dataclass(frozen=True, slots=True)
class Tus:
    """One person's raw tus requests: nothing unseen is added but version and token."""

    client: httpx.AsyncClient
    token: str

    async def send(self, method: str, url: str, content: object = b"", **headers: str) -> httpx.Response:
        """Send one request; header names are written with `_`."""
        spelt = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(
            method, url, content=content, headers={**TUS, "Authorization": f"Bearer {self.token}", **spelt}
        )

    async def create(self, length: int | None, content: bytes = b"", **headers: str) -> httpx.Response:
        """POST /uploads."""
        size = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
        kind = OFFSET_STREAM if content else {}
        return await self.send("POST", "/uploads", content, **size, **kind, **headers)

    async def patch(self, url: str, offset: int, content: object = b"", **headers: str) -> httpx.Response:
        """PATCH an upload."""
        return await self.send("PATCH", url, content, **OFFSET_STREAM, Upload_Offset=str(offset), **headers)

    async def head(self, url: str) -> httpx.Response:
        """HEAD an upload."""
        return await self.send("HEAD", url)

    async def put(self, name: str, data: bytes, kind: str = "application/octet-stream") -> str:
        """A whole upload in one request; gives its URL."""
        answer = await self.create(len(data), data, **metadata(filename=name, filetype=kind))
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, str(len(data)))
        return answer.headers["Location"]


async def upload_at(vault: Vault, url: str) -> Upload:
    """The stored state of the upload with this URL."""
    item = await vault.records.item(table.upload(url.rpartition("/")[2]))
    assert item is not None
    return upload_items.upload_from(item)


async def stored_at(vault: Vault, url: str) -> StoredVersion:
    """The version that the upload with this URL became."""
    upload = await upload_at(vault, url)
    assert upload.status is UploadStatus.DONE
    item = await vault.records.item(table.version(upload.target.file_id, upload.version_number or 0))
    assert item is not None
    return version_items.stored_version_from(item)


async def content_at(vault: Vault, url: str) -> bytes:
    """The plaintext that the upload with this URL brought."""
    stored = await stored_at(vault, url)
    return b"".join([piece async for piece in whole(vault, stored.version.id, stored.body)])


async def change_upload(vault: Vault, url: str, **fields: object) -> None:
    """Put an upload into a state that takes time or luck to reach."""
    await vault.commit([changes.replace_upload(replace(await upload_at(vault, url), **fields))])


async def judged(vault: Vault, file_id: FileId, *path: ScanStatus) -> StoredVersion:
    """The file's current version after its scan went these ways."""

    def step(stored: StoredVersion) -> StoredVersion:
        for status in path:
            stored = process.with_scan(vault, stored, status)
        return stored

    told = process.worker_event(vault, "scan", EventName.VERSION_SCANNED, "test")
    stored = await process.advance(vault, file_id, None, step, told)
    assert stored is not None
    return stored


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of Alice's in the vault, and ways to ask for it."""

    vault: Vault
    file_id: FileId
    owner_id: UserId

    @property
    def actor(self) -> Actor:
        return Actor(self.owner_id, Origin("test"), datetime.now(UTC) + timedelta(hours=1))

    async def url(self, *, inline: bool = False) -> str:
        return (await download.link(self.vault, self.actor, self.file_id, inline=inline)).url

    async def stored(self) -> StoredVersion:
        item = await self.vault.records.item(table.version(self.file_id, 1))
        assert item is not None
        return version_items.stored_version_from(item)


async def keep(
    vault: Vault, alice: Tus, name: str, data: bytes, kind: str = "application/octet-stream", scan=CLEAN
) -> Kept:
    upload = await upload_at(vault, await alice.put(name, data, kind))
    if scan:
        await judged(vault, upload.target.file_id, *scan)
    return Kept(vault, upload.target.file_id, upload.user_id)


async def told(vault: Vault, file_id: FileId, *names: EventName) -> list[Event]:
    """What was recorded of this file under these names, oldest first."""
    events = []
    for shard in table.outbox_shards():
        events += await vault.records.undelivered(shard, "9", 1000)
    return sorted((e for e in events if e.item_id == file_id and e.name in names), key=lambda event: event.at)
