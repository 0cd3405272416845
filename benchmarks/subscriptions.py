"""2,000 open subscriptions in one API process: is anything lost, what does a socket cost, how late is a change?"""

import asyncio
import resource
import statistics
import sys
import tempfile
import time
from array import array
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import uvloop

from benchmarks import report
from benchmarks.listeners import Listener, opened
from benchmarks.vault import DevVault, dev_vault, door, own_world
from vaultstream.actions import account, organize, share
from vaultstream.actor import Actor, Origin
from vaultstream.adapters import vault as adapters
from vaultstream.adapters.vault import Vault
from vaultstream.ids import FolderId
from vaultstream.settings import Settings
from vaultstream.shares import Role

SOCKETS = 2_000
CHANGES = 100
FOLDERS = 20  # over which the second round is spread
CHILDREN = 5  # of the one folder that all watch in the first
WATCH = "subscription ($id: ID!) { folderChanged(folderId: $id) { kind at item { __typename id name revision } } }"
_SETTLED_SECONDS = 90
PEOPLE = ("alice@example.com", "bob@example.com")


@dataclass(slots=True)
class Round:
    """What one round of changes came to."""

    expected: dict[str, dict[str, int]] = field(default_factory=dict)  # the final revision of each child, by folder
    begun_at: dict[tuple[str, int], float] = field(default_factory=dict)
    late_seconds: "array[float]" = field(default_factory=lambda: array("d"))
    went_back: int = 0
    present: int = 0


@dataclass(slots=True)
class Hall:
    """All listeners and what they hear."""

    round: Round = field(default_factory=Round)
    failures: list[Any] = field(default_factory=list)  # Any: JSON values

    def heard(self, listener: Listener, message: Any) -> None:  # Any: JSON values
        """Note one message."""
        kind = message["type"]
        if kind == "connection_ack":
            listener.ready.set_result(None)
        elif kind == "next" and "errors" not in message["payload"]:
            self._noted(listener, message["payload"]["data"]["folderChanged"])
        else:
            self.failures.append(message)

    def _noted(self, listener: Listener, change: Any) -> None:  # Any: JSON values
        if change["kind"] == "PRESENT":
            self.round.present += 1
            return
        item, now = change["item"], time.perf_counter()
        revision = item["revision"]
        if revision <= listener.seen.get(item["id"], 0):
            self.round.went_back += 1
        listener.seen[item["id"]] = revision
        self.round.late_seconds.append(now - self.round.begun_at[item["id"], revision])


@dataclass(frozen=True, slots=True)
class Stage:
    """The vault as its writer has it, and the folders with the children that are to change."""

    vault: Vault
    owner: Actor
    folders: dict[FolderId, list[FolderId]]


async def set_stage(vault: Vault, count: int, children: int) -> Stage:
    """Folders of alice's, shared with bob, each with some children."""
    origin, ends = Origin("benchmark"), vault.now() + timedelta(hours=1)
    owner, _ = [Actor(await account.sign_in(vault, email, email, origin), origin, ends) for email in PEOPLE]
    top = (await account.viewer(vault, owner.user_id)).root_folder_id
    folders = {}
    for number in range(count):
        folder = await organize.create_folder(vault, owner, top, f"{count} folders, {number}")
        await share.grant(vault, owner, share.Wanted(folder.id, PEOPLE[1], Role.VIEWER))
        made = [await organize.create_folder(vault, owner, folder.id, f"{child}") for child in range(children)]
        folders[folder.id] = [child.id for child in made]
    return Stage(vault, owner, folders)


async def changed(stage: Stage, hall: Hall, every_seconds: float) -> float:
    """Rename children in turn at a steady pace; the seconds that the whole round took, until all was delivered."""
    children = [(folder, child) for folder, made in stage.folders.items() for child in made]
    begun = time.perf_counter()
    for number in range(CHANGES):
        folder, child = children[number % len(children)]
        await asyncio.sleep(max(0.0, begun + number * every_seconds - time.perf_counter()))
        revisions = hall.round.expected.setdefault(folder, {})
        revisions[child] = revisions.get(child, 1) + 1
        hall.round.begun_at[child, revisions[child]] = time.perf_counter()
        await organize.rename_folder(stage.vault, stage.owner, child, f"{child[-6:]} {number}")
    return begun


async def watched(stage: Stage, hall: Hall, listeners: Sequence[Listener], name: str) -> list[FolderId]:
    """Let each listener watch a folder; which one each watches, once all have its present state."""
    hall.round = Round()
    ids = list(stage.folders)
    watching = [ids[number % len(ids)] for number in range(len(listeners))]
    for listener, folder_id in zip(listeners, watching, strict=True):
        listener.seen.clear()
        payload = {"query": WATCH, "variables": {"id": folder_id}}
        listener.say({"id": name, "type": "subscribe", "payload": payload})
    await _until(lambda: hall.round.present == len(listeners) or bool(hall.failures))
    return watching


async def measured(stage: Stage, hall: Hall, listeners: Sequence[Listener], name: str, pace: float) -> list[str]:
    """One round as a row of the table; raises where a subscriber lacks a final state, or was shown an older one."""
    watching = await watched(stage, hall, listeners, name)
    begun = await changed(stage, hall, pace)
    round_ = hall.round

    def all_is_there() -> bool:
        pairs = zip(listeners, watching, strict=True)
        return all(listener.seen == round_.expected.get(folder, {}) for listener, folder in pairs)

    try:
        await _until(all_is_there)
    finally:
        lost = [listener.lost for listener in listeners if listener.lost]
        if lost or hall.failures or round_.went_back:
            sys.exit(f"lost: {lost[:3]}, failed: {hall.failures[:3]}, went back: {round_.went_back}")
    seconds = time.perf_counter() - begun
    for listener in listeners:
        listener.say({"id": name, "type": "complete"})
    per_change = len(listeners) // len(stage.folders)
    left_out = CHANGES * per_change - len(round_.late_seconds)
    late = sorted(round_.late_seconds)
    return [
        f"{len(listeners):,} on {len(stage.folders)} folder{'s' if len(stage.folders) > 1 else ''}",
        f"{1 / pace:.1f}/s",
        f"{len(late):,}",
        f"{left_out:,}",
        "0",
        f"{statistics.median(late) * 1000:.0f}",
        f"{late[int(len(late) * 0.99)] * 1000:.0f}",
        f"{late[-1] * 1000:.0f}",
        f"{len(late) / seconds:,.0f}",
    ]


async def _until(is_so: Any) -> None:  # Any: a function without arguments
    async with asyncio.timeout(_SETTLED_SECONDS):
        while not is_so():  # noqa: ASYNC110  # what is waited for comes from two thousand sockets
            await asyncio.sleep(0.05)


async def main(dev: DevVault, own: Settings, api: psutil.Process) -> tuple[list[list[str]], list[str]]:
    """The rows of both tables."""
    hall = Hall()
    tokens = [dev.token(email) for email in PEOPLE]
    async with adapters.opened(own) as vault:
        one, many = await set_stage(vault, 1, CHILDREN), await set_stage(vault, FOLDERS, 1)
        warm = await opened(own.public_url, tokens, hall.heard)
        await watched(one, hall, warm, "warm")
        for listener in warm:
            listener.close()
        empty = api.memory_info().rss
        began = time.perf_counter()
        listeners = await opened(own.public_url, tokens * (SOCKETS // len(tokens)), hall.heard)
        sockets = api.memory_info().rss
        await watched(one, hall, listeners, "first")
        opening = time.perf_counter() - began
        subscribed = api.memory_info().rss
        for listener in listeners:
            listener.say({"id": "first", "type": "complete"})
        memory = [
            f"{empty / 2**20:.0f} MiB",
            f"{(sockets - empty) / SOCKETS / 1024:.1f} KiB",
            f"{(subscribed - sockets) / SOCKETS / 1024:.1f} KiB",
            f"{(subscribed - empty) / SOCKETS / 1024:.1f} KiB",
            f"{opening:.1f} s",
        ]
        rows = [
            await measured(one, hall, listeners, "one", 1 / 4),
            await measured(many, hall, listeners, "many", 1 / 10),
        ]
        for listener in listeners:
            listener.close()
    return rows, memory


def run() -> None:
    """Measure, print and keep."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with dev_vault() as dev, tempfile.TemporaryDirectory(prefix="vaultstream-benchmark-") as logs:
        own = asyncio.run(own_world(dev.settings(), "subscriptions"))
        with door(own, "vaultstream.commands.serve", Path(logs)) as api:
            work: Awaitable[tuple[list[list[str]], list[str]]] = main(dev, own, api)
            rows, memory = uvloop.run(work)
    report.write("subscriptions", _text(rows, memory))


def _text(rows: list[list[str]], memory: list[str]) -> str:
    head = ["subscribers", "changes", "delivered", "left out", "lost", "p50 ms", "p99 ms", "max ms", "values/s"]
    memory_head = ["API before", "an open socket", "its subscription", "together", f"opening {SOCKETS:,}"]
    return f"""# Subscriptions

{SOCKETS:,} `graphql-transport-ws` sockets of two people (an owner and a guest) in one API process, each with one
`folderChanged`; {CHANGES} renames by another process, at a steady pace. Every subscriber had the final state of
every child in its folder, and none saw a child go back (the run fails otherwise). Lateness is from the moment a
rename is begun, its transaction and the way through Redis included, to the last byte at the client. `left out` are
states in between that a newer one had replaced before the subscriber's turn came. Clients, writer and the embedded
AWS, Redis and PostgreSQL share the machine's cores with the API.

{report.table(head, rows)}

Memory is the API's resident set, warmed by two sockets:

{report.table(memory_head, [memory])}

Measured on {report.machine()}. Repeat: `python -m benchmarks.subscriptions`.
"""


if __name__ == "__main__":
    run()
