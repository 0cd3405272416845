"""What people do with the vault from outside: bring files with tuspy, take them back, watch what becomes of them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from asking import Person
from contents import Source
from sockets import Talk, talking
from tusclient.client import TusClient

Look = tuple[str, str]  # the states of a scan and of a thumbnail
BECOMING_READY: list[Look] = [
    ("PENDING", "PENDING"),
    ("SCANNING", "PENDING"),
    ("CLEAN", "PENDING"),
    ("CLEAN", "RENDERING"),
    ("CLEAN", "READY"),
]
BECOMING_CLEAN: list[Look] = [*BECOMING_READY[:4], ("CLEAN", "UNSUPPORTED")]
BECOMING_INFECTED: list[Look] = [*BECOMING_READY[:2], ("INFECTED", "PENDING")]
_WATCH = """
subscription ($folder: ID!) {
  fileStatus(folderId: $folder) {
    file { id name } version { number } scan { status } thumbnail { status }
  }
}
"""
_CHILDREN = """
query ($folder: ID!, $after: String) {
  folder(id: $folder) {
    children(first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      edges { node {
        id name revision
        ... on File {
          sizeBytes contentType scan { status signature } thumbnail { status }
          currentVersion { id number sha256 }
        }
      } }
    }
  }
}
"""
_PIECE_BYTES = 1 << 16


def bring(url: str, token: str, source: Source, folder_id: str, **headers: str) -> str:
    """Upload a file with tuspy, as its documentation says; gives the upload's URL."""
    client = TusClient(f"{url}/uploads", headers={"Authorization": f"Bearer {token}", **headers})
    metadata = {"filename": source.name, "filetype": source.kind, "folderId": folder_id}
    with source.path.open("rb") as stream:
        uploader = client.uploader(file_stream=stream, metadata=metadata, chunk_size=32 << 20)
        uploader.upload()
    return str(uploader.url)


async def children(person: Person, folder_id: str) -> dict[str, Any]:
    """All that a folder holds, by name."""
    found, after = {}, None
    while True:
        folder = (await person.data(_CHILDREN, folder=folder_id, after=after))["folder"]
        page = folder["children"]
        found |= {edge["node"]["name"]: edge["node"] for edge in page["edges"]}
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


async def link(person: Person, file_id: str) -> str:
    """A signed address of a file's contents."""
    made = await person.done("downloadCreate", "DownloadCreateInput", "url", fileId=file_id)
    assert made["errors"] == [], made
    url: str = made["url"]
    return url


async def digest_of(client: httpx.AsyncClient, url: str) -> tuple[int, str]:
    """How many bytes come from there, and their SHA-256; never more than a piece of them is held."""
    digest, count = hashlib.sha256(), 0
    async with client.stream("GET", url) as answer:
        assert answer.status_code == 200
        async for piece in answer.aiter_raw(_PIECE_BYTES):
            digest.update(piece)
            count += len(piece)
    return count, digest.hexdigest()


@dataclass(slots=True)
class Watch:
    """What a subscriber was told of each file of a folder, in order."""

    told: dict[str, list[Look]] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self, talk: Talk) -> None:
        """Note what comes, until cancelled."""
        while True:
            message = await talk.hear()
            assert message["type"] == "next", message
            assert "errors" not in message["payload"], message
            status = message["payload"]["data"]["fileStatus"]
            look = (status["scan"]["status"], status["thumbnail"]["status"])
            self.told.setdefault(status["file"]["name"], []).append(look)
            self._news.set()

    async def until(self, holds: Callable[[dict[str, list[Look]]], object], seconds: float = 120) -> None:
        """Return once what was told is enough."""
        try:
            async with asyncio.timeout(seconds):
                while not holds(self.told):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"the subscriber was told only {self.told}") from None


@asynccontextmanager
async def watching(url: str, token: str, folder_id: str) -> AsyncIterator[Watch]:
    """A subscriber on a folder, over `graphql-transport-ws`; it follows from the first look on."""
    watch = Watch()
    async with talking(url) as talk:
        await talk.init(token)
        await talk.subscribe("1", _WATCH, folder=folder_id)
        listener = asyncio.create_task(watch.listen(talk))
        try:
            yield watch
        finally:
            listener.cancel()
            (outcome,) = await asyncio.gather(listener, return_exceptions=True)
    assert isinstance(outcome, asyncio.CancelledError), outcome


def is_in_order(told: list[Look], path: list[Look]) -> bool:
    """Whether these states are some of the path's, each at most once, from its first towards its last."""
    places = [path.index(look) if look in path else -1 for look in told]
    return -1 not in places and places == sorted(set(places))
