"""How long a picture waits for CLEAN and READY, as its watcher sees it: `python -m benchmarks.latency [--count 60]`.

A JPEG of 2 MB is uploaded into a folder that a graphql-transport-ws subscriber watches: one after another, and four
at once. Time runs from the last byte handed to the kernel. Where it went comes from the events' own times in the
audit log, and from a queue of the benchmark's own behind the vault's bus.
"""

import argparse
import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any

import pyvips
from websockets.asyncio.client import ClientConnection, connect

from benchmarks import latency_report
from benchmarks.client import Client
from benchmarks.latency_report import Journey
from benchmarks.vault import dev_vault
from vaultstream.adapters import clients
from vaultstream.adapters.vault import opened
from vaultstream.events import SOURCE, Event, EventName
from vaultstream.settings import Settings

PICTURE_BYTES = 2_000_000
AT_ONCE = 4
WARM_UPS = 4
WAIT_SECONDS = 60
_EVENTS_MAX = 20
_FOLDER = "mutation($in: FolderCreateInput!) { folderCreate(input: $in) { folder { id } errors { message } } }"
_STATUS = "subscription($id: ID!) { fileStatus(folderId: $id) { file { id } scan { status } thumbnail { status } } }"


def picture() -> bytes:
    """A JPEG of 4000 x 3000 pixels and about 2 MB: soft noise, as a photograph has."""
    noise = pyvips.Image.gaussnoise(4000, 3000, mean=128, sigma=90)
    soft = noise.gaussblur(1.2).bandjoin([noise.gaussblur(3), noise.gaussblur(5)]).cast("uchar").copy_memory()
    soft = soft.copy(interpretation="srgb")
    made = (bytes(soft.jpegsave_buffer(Q=quality)) for quality in range(30, 98))
    return min(made, key=lambda data: abs(len(data) - PICTURE_BYTES))


@dataclass(slots=True)
class Watcher:
    """One socket on which any number of folders are watched; `seen` has the first time of each state."""

    socket: ClientConnection
    seen: dict[tuple[str, str], float] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def watch(self, folder_id: str) -> None:
        """Follow a folder; the subscription has the folder's id."""
        query = {"query": _STATUS, "variables": {"id": folder_id}}
        await self.socket.send(json.dumps({"id": folder_id, "type": "subscribe", "payload": query}))

    async def leave(self, folder_id: str) -> None:
        """Follow it no more."""
        await self.socket.send(json.dumps({"id": folder_id, "type": "complete"}))

    async def listen(self) -> None:
        """Note what comes, until the socket closes."""
        async for text in self.socket:
            now, message = time.time(), json.loads(text)
            if message["type"] != "next":
                continue
            status = message["payload"]["data"]["fileStatus"]
            self.files[message["id"]] = status["file"]["id"]
            for state in (status["scan"]["status"], status["thumbnail"]["status"]):
                self.seen.setdefault((message["id"], state), now)
            async with self.news:
                self.news.notify_all()

    async def wait(self, folder_id: str, state: str) -> float:
        """When the folder's file was first seen so."""
        async with asyncio.timeout(WAIT_SECONDS), self.news:
            await self.news.wait_for(lambda: (folder_id, state) in self.seen)
        return self.seen[folder_id, state]


@asynccontextmanager
async def watching(url: str, token: str) -> AsyncIterator[Watcher]:
    """A watcher who is signed in."""
    address = url.replace("http", "ws", 1) + "/graphql"
    async with connect(address, subprotocols=["graphql-transport-ws"]) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        watcher = Watcher(socket)
        listening = asyncio.create_task(watcher.listen())
        try:
            yield watcher
        finally:
            listening.cancel()


@dataclass(frozen=True, slots=True)
class Sender:
    """Who uploads: alice, into folders of their own below her top folder."""

    url: str
    token: str
    top_id: str
    watcher: Watcher

    async def journey(self, data: bytes) -> Journey:
        """One upload, watched from its last byte to READY."""
        folder_id = await asyncio.to_thread(self._new_folder)
        await self.watcher.watch(folder_id)
        sent_at, answered_at = await asyncio.to_thread(self._upload, data, folder_id)
        ready_at = await self.watcher.wait(folder_id, "READY")
        clean_at = await self.watcher.wait(folder_id, "CLEAN")
        await self.watcher.leave(folder_id)
        return Journey(self.watcher.files[folder_id], sent_at, answered_at, clean_at, ready_at)

    def _new_folder(self) -> str:
        with Client(self.url, self.token) as client:
            wanted = {"parentId": self.top_id, "name": secrets.token_hex(8)}
            return str(client.graphql(_FOLDER, **{"in": wanted})["folderCreate"]["folder"]["id"])

    def _upload(self, data: bytes, folder_id: str) -> tuple[float, float]:
        """The times of the last byte, and of the answer."""
        with Client(self.url, self.token) as client:
            path = client.begin("picture.jpg", len(data), "image/jpeg", folder_id)
            client.send(path, BytesIO(data), 0, len(data))
            return client.sent_at, time.time()


async def journeys(sender: Sender, data: bytes, count: int, at_once: int) -> list[Journey]:
    """So many uploads, so many of them at any time."""
    turn = asyncio.Semaphore(at_once)

    async def one() -> Journey:
        async with turn:
            return await sender.journey(data)

    return list(await asyncio.gather(*(one() for _ in range(count))))


class BusTap:
    """A queue that gets every event of the bus beside the workers' own: when each came there."""

    def __init__(self, sqs: Any, url: str) -> None:  # Any: botocore makes its clients at run time
        self._sqs = sqs
        self._url = url

    async def arrivals(self) -> dict[str, float]:
        """By event id, when the bus put it into the queue; the queue is empty then."""
        found: dict[str, float] = {}
        while True:
            answer = await self._sqs.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["SentTimestamp"]
            )
            messages = answer.get("Messages", [])
            if not messages:
                return found
            for message in messages:
                found[json.loads(message["Body"])["detail"]["id"]] = int(message["Attributes"]["SentTimestamp"]) / 1000
            handles = [{"Id": f"{n}", "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
            await self._sqs.delete_message_batch(QueueUrl=self._url, Entries=handles)


@asynccontextmanager
async def bus_tap(settings: Settings) -> AsyncIterator[BusTap]:
    """A tap on the bus of this vault."""
    session = clients.session(settings)
    async with clients.client(session, settings, "sqs") as sqs, clients.client(session, settings, "events") as bus:
        url = (await sqs.create_queue(QueueName="benchmark-tap"))["QueueUrl"]
        described = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        pattern = json.dumps({"source": [SOURCE]})
        await bus.put_rule(Name="benchmark-tap", EventBusName=settings.bus, EventPattern=pattern, State="ENABLED")
        target = {"Id": "benchmark-tap", "Arn": described["Attributes"]["QueueArn"]}
        await bus.put_targets(Rule="benchmark-tap", EventBusName=settings.bus, Targets=[target])
        yield BusTap(sqs, url)


async def explained(settings: Settings, tap: BusTap, made: list[Journey]) -> list[Journey]:
    """The journeys with the times of their events, as the audit log and the tap have them."""
    arrivals = await tap.arrivals()
    async with opened(settings) as vault:

        async def one(journey: Journey) -> Journey:
            async with asyncio.timeout(WAIT_SECONDS):
                while True:
                    events = await vault.audit_log.events_of(journey.file_id, _EVENTS_MAX)
                    if any(event.name is EventName.VERSION_THUMBNAIL for event in events):
                        return _with_events(journey, events, arrivals)
                    await asyncio.sleep(0.2)

        return [await one(journey) for journey in made]


def _with_events(journey: Journey, events: list[Event], arrivals: dict[str, float]) -> Journey:
    times = {event.name.value: event.at.timestamp() for event in events}
    queued = {event.name.value: arrivals[event.id] for event in events if event.id in arrivals}
    return replace(journey, events=times, queued=queued)


async def measured(count: int) -> dict[str, list[Journey]]:
    """Journeys by how many were under way at once; some that are not counted come first."""
    data = picture()
    with dev_vault() as dev:
        settings, token = dev.settings(), dev.token()
        with Client(settings.public_url, token) as client:
            top_id = client.graphql("{ viewer { rootFolder { id } } }")["viewer"]["rootFolder"]["id"]
        async with bus_tap(settings) as tap, watching(settings.public_url, token) as watcher:
            sender = Sender(settings.public_url, token, top_id, watcher)
            found = {latency_report.FIRST: await journeys(sender, data, 1, 1)}
            await journeys(sender, data, WARM_UPS, 1)
            for title, at_once in (("one after another", 1), (f"{AT_ONCE} at once", AT_ONCE)):
                made = await journeys(sender, data, count, at_once)
                found[title] = await explained(settings, tap, made)
        return found


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--write", action="store_true", help="keep the report in benchmarks/results")
    options = parser.parse_args()
    latency_report.told(asyncio.run(measured(options.count)), keep=options.write)


if __name__ == "__main__":
    main()
