"""What reads of the table cost: `python -m benchmarks.reads [--children 100000] [--rounds 60]`.

A page of 100 in a small folder and in a large one: DynamoDB requests and time. Then the read capacity of item
collections, beside the same items asked for one by one.
"""

import argparse
import asyncio
import gc
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import uvloop

from benchmarks import report
from benchmarks.seeding import COMMENTS, HEADER_BYTES, SHARES, VERSIONS, filled, name_of, rich
from benchmarks.vault import dev_vault, own_world
from vaultstream import cursors, names, table
from vaultstream.actions import account, organize
from vaultstream.actor import Actor, Origin
from vaultstream.adapters import clients
from vaultstream.adapters import vault as adapters
from vaultstream.adapters.records import Records
from vaultstream.adapters.vault import Vault
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.gql import schema
from vaultstream.gql.context import Context
from vaultstream.gql.execution import Ask, Engine
from vaultstream.settings import Settings

SMALL = 200
PAGE = 100
_FILE = (
    "id name sizeBytes updatedAt owner { displayName } currentVersion { number } thumbnail { status } scan { status }"
)
_CAN = "capabilities { canRead canDownload canEdit canDelete canShare }"
FOLDER_PAGE = f"""query($id: ID!, $first: Int!, $after: String) {{ folder(id: $id) {{ id
    children(first: $first, after: $after) {{
    edges {{ cursor node {{ __typename ... on File {{ {_FILE} {_CAN} }} }} }} pageInfo {{ hasNextPage endCursor }} }}
}} }}"""
FILE_PAGE = f"""query($id: ID!) {{ file(id: $id) {{ {_FILE} {_CAN}
    versions(first: {VERSIONS}) {{ edges {{ node {{ id number sizeBytes }} }} }}
    comments(first: {COMMENTS}) {{ edges {{ node {{ id body }} }} }}
    shares(first: {SHARES}) {{ edges {{ node {{ id role }} }} }} }} }}"""
ONE_FILE = f"query($id: ID!) {{ file(id: $id) {{ {_FILE} }} }}"


@dataclass(slots=True)
class Reads:
    """What DynamoDB was asked and what it counted, since the last `clear`."""

    requests: int = 0
    units: float = 0.0
    keys: list[table.Key] = field(default_factory=list)

    def clear(self) -> None:
        """Begin anew."""
        self.requests, self.units, self.keys = 0, 0.0, []


@contextmanager
def counted(client: Any) -> Iterator[Reads]:
    """Every read by this client on its way: botocore's own events, so the product's code is as it is."""
    reads = Reads()
    events = client.meta.events

    def asks(params: dict[str, Any], **_: Any) -> None:  # Any: botocore's own shapes, here and below
        reads.requests += 1
        params["ReturnConsumedCapacity"] = "TOTAL"

    def answers(parsed: dict[str, Any], **_: Any) -> None:
        used = parsed.get("ConsumedCapacity", ())
        reads.units += sum(each["CapacityUnits"] for each in ([used] if isinstance(used, dict) else used))
        found = [*parsed.get("Items", ()), *([parsed["Item"]] if "Item" in parsed else ())]
        found += [item for batch in parsed.get("Responses", {}).values() for item in batch]
        reads.keys += [table.Key(item[table.PK]["S"], item[table.SK]["S"]) for item in found]

    for verb in ("Query", "GetItem", "BatchGetItem"):
        events.register(f"before-parameter-build.dynamodb.{verb}", asks)
        events.register(f"after-call.dynamodb.{verb}", answers)
    yield reads


@dataclass(frozen=True, slots=True)
class Stage:
    """An open vault, somebody who reads, and what there is to read."""

    client: Any  # its own DynamoDB client; botocore makes its clients at run time
    vault: Vault
    actor: Actor
    engine: Engine
    small: Folder
    large: Folder
    file: File

    async def ask(self, query: str, **variables: Any) -> Any:  # Any: JSON values
        """The data of one GraphQL answer; ends the run where there are errors."""
        operation = self.engine.operation(Ask(query, variables=variables))
        answer = await self.engine.run(operation, Context(self.vault, self.actor))
        if "errors" in answer.body:
            sys.exit(f"refused: {answer.body['errors']}")
        return answer.body["data"]


@asynccontextmanager
async def staged(settings: Settings, children: int) -> AsyncIterator[Stage]:
    """Two folders of files, straight into the table; a file with all that may be in its collection."""
    unbounded = replace(settings, budget_size=10**9, budget_per_second=10**9)
    async with (
        clients.client(clients.session(settings), settings, "dynamodb") as client,
        adapters.opened(unbounded) as opened,
    ):
        vault = replace(opened, records=Records(client, settings.table))
        origin, ends = Origin("benchmark"), vault.now() + timedelta(hours=2)
        owner = Actor(await account.sign_in(vault, "alice@example.com", "Alice", origin), origin, ends)
        top = (await account.viewer(vault, owner.user_id)).root_folder_id
        small = await organize.create_folder(vault, owner, top, "small")
        large = await organize.create_folder(vault, owner, top, "large")
        await filled(client, vault, small, SMALL)
        await filled(client, vault, large, children)
        file = await rich(client, vault, owner, top)
        yield Stage(client, vault, owner, Engine(schema.executable(), introspection=False), small, large, file)


async def pages(stage: Stage, reads: Reads, rounds: int, children: int) -> list[list[str]]:
    """A page of 100 from the beginning and from the middle of each folder, in turns."""
    places = {
        f"{SMALL:,}, the first page": (stage.small, None),
        f"{children:,}, the first page": (stage.large, None),
        f"{SMALL:,}, from the middle": (stage.small, _middle(SMALL)),
        f"{children:,}, from the middle": (stage.large, _middle(children)),
    }
    took: dict[str, list[float]] = {place: [] for place in places}
    asked: dict[str, set[int]] = {place: set() for place in places}
    for _ in range(rounds):
        for place, (folder, after) in places.items():
            reads.clear()
            begun = time.perf_counter()
            shown = await stage.ask(FOLDER_PAGE, id=folder.id, first=PAGE, after=after)
            took[place].append((time.perf_counter() - begun) * 1000)
            asked[place].add(reads.requests)
            if len(shown["folder"]["children"]["edges"]) != PAGE:
                sys.exit(f"{place}: the page is not whole")
    rows = []
    for place, millis in took.items():
        like = took[place.replace(f"{children:,}", f"{SMALL:,}")]
        ratio = statistics.median(mine / others for mine, others in zip(millis, like, strict=True))
        rows.append([place, " or ".join(map(str, sorted(asked[place]))), report.spread(millis, ".1f"), f"{ratio:.2f}"])
    return rows


def _middle(count: int) -> str:
    """The cursor of a child with enough others behind it."""
    return cursors.encode(table.ENTRY + names.fold(name_of(count // 2 - 1)))


async def capacity(stage: Stage, reads: Reads) -> tuple[list[list[str]], float]:
    """What each read used, beside its items one by one; and the saving of the mix."""
    asked: dict[str, tuple[int, str, dict[str, Any]]] = {  # Any: JSON values
        "a folder page of 25": (50, FOLDER_PAGE, {"id": stage.large.id, "first": 25}),
        "a folder page of 100": (5, FOLDER_PAGE, {"id": stage.large.id, "first": 100}),
        f"a file, {VERSIONS} versions, {COMMENTS} comments, {SHARES} shares": (25, FILE_PAGE, {"id": stage.file.id}),
        "one file": (20, ONE_FILE, {"id": stage.file.id}),
    }
    rows, all_ours, all_single = [], 0.0, 0.0
    for name, (weight, query, variables) in asked.items():
        reads.clear()
        await stage.ask(query, **variables)
        ours, requests, keys = reads.units, reads.requests, list(reads.keys)
        reads.clear()
        for key in keys:
            await stage.vault.records.item(key)
        all_ours, all_single = all_ours + weight * ours, all_single + weight * reads.units
        saving = f"{1 - ours / reads.units:.0%}"
        rows.append([name, f"{weight}%", f"{requests}", f"{ours:g}", f"{len(keys)}", f"{reads.units:g}", saving])
    return rows, 1 - all_ours / all_single


async def main(settings: Settings, children: int, rounds: int) -> str:
    """The whole report."""
    async with staged(settings, children) as stage:
        with counted(stage.client) as reads:
            await pages(stage, reads, 5, children)  # warm: caches of plans, connections
            gc.collect()
            gc.freeze()  # as the app does: what filled the folders is no part of a page
            paged = await pages(stage, reads, rounds, children)
            used, saving = await capacity(stage, reads)
    page_head = [f"page of {PAGE} in a folder of", "DynamoDB requests", "ms (lowest to highest)", "ratio"]
    used_head = ["read", "share of the mix", "requests", "units", "items", "units one by one", "saving"]
    return f"""# Reads

The vault's own GraphQL engine and adapters in one process, with the embedded DynamoDB and Redis beside it on the same
cores; the rows take turns. `ratio` is to the small folder's page of the same kind, round by round, then the median of
{rounds} rounds.

{report.table(page_head, paged)}

Read capacity units (strongly consistent) as the table's server counts them by AWS's rule: for each request, 4 KB
units, rounded up. `one by one` asks for the very same items with one GetItem each; a design that keeps items apart
would also have to learn which, so it is let off lightly. Names, states and people are of ordinary length; a sealed
version's header has {HEADER_BYTES} bytes.

{report.table(used_head, used)}

Over the mix, item collections need **{saving:.0%} less** read capacity. What is read by itself costs the same
either way, and the smaller the items, the more a collection saves.

Measured on {report.machine()}. Repeat: `python -m benchmarks.reads`.
"""


def run() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--children", type=int, default=100_000, help="files in the large folder (default 100000)")
    parser.add_argument("--rounds", type=int, default=60, help="rounds of pages (default 60)")
    given = parser.parse_args()
    with dev_vault() as dev:
        own = asyncio.run(own_world(dev.settings(), "reads"))
        report.write("reads", uvloop.run(main(own, given.children, given.rounds)))


if __name__ == "__main__":
    run()
