"""What executing a query costs, by a plan and by graphql-core: `python -m benchmarks.executor [--rounds 15] [--write]`.

In one process, on the vault's own schema, with loaders that answer from memory: what is left is execution alone. The
contestants take turns in every round; the figure is CPU time of the process per execution, and the ratio is taken
round by round.
"""

import argparse
import asyncio
import gc
import os
import platform
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from graphql import DocumentNode, ExecutionResult, GraphQLSchema, execute, is_object_type, parse, validate

from vaultstream import versions
from vaultstream.access import Deed
from vaultstream.actions import browse
from vaultstream.actions.browse import FolderPage
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.vault import Vault
from vaultstream.breadth import compile_plan
from vaultstream.breadth.declarations import EXTENSION
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.gql import schema
from vaultstream.gql.batches import declare_batches
from vaultstream.gql.context import Context
from vaultstream.gql.loader import Loader
from vaultstream.ids import FileId, FolderId, UserId, VersionId
from vaultstream.users import Acquaintance

ITEMS = 25
PEOPLE = 5
RESULT = Path(__file__).parent / "results" / "executor.md"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
FOLDER = FolderId(f"folder_{'0' * 25}1")
PAGE = """
query Page($id: ID!) { folder(id: $id) { id name children(first: 25) {
  edges { cursor node { __typename id name revision createdAt updatedAt owner { id displayName }
    capabilities { canRead canDownload canComment canEdit canShare canDelete }
    ... on File { sizeBytes contentType tags scan { status } thumbnail { status width height }
      currentVersion { id number sizeBytes contentType sha256 createdAt } } } }
  pageInfo { hasNextPage endCursor } } } }
"""
SMALL = "query Small($id: ID!) { folder(id: $id) { id name revision updatedAt owner { displayName } } }"
Way = Callable[[Context], Awaitable[ExecutionResult]]


@dataclass(frozen=True, slots=True)
class Measured:
    """One query: microseconds of CPU per execution, round by round, by way."""

    query: str
    micros: dict[str, list[float]]

    def rows(self) -> list[str]:
        """Lines of the table; the first way is what the others are compared with."""
        first = next(iter(self.micros.values()))
        return [
            f"| {self.query} | {way} | {statistics.median(took):.0f} | {min(took):.0f} to {max(took):.0f} "
            f"| {statistics.median(one / other for one, other in zip(first, took, strict=True)):.1f} |"
            for way, took in self.micros.items()
        ]


def people() -> dict[UserId, Acquaintance]:
    """Owners of the items."""
    ids = [UserId(f"user_{number:026}") for number in range(PEOPLE)]
    return {user_id: Acquaintance(user_id, f"Person {user_id[-1]}", NOW) for user_id in ids}


def page(owners: Sequence[UserId]) -> FolderPage:
    """A folder of 25 files."""
    folder = Folder(FOLDER, owners[0], None, "Pictures", NOW, NOW)
    files = tuple(_file(number, owners[number % len(owners)]) for number in range(ITEMS))
    return FolderPage(folder, files, tuple(f"cursor{number}" for number in range(ITEMS)), has_next=True)


def _file(number: int, owner: UserId) -> File:
    file_id = FileId(f"file_{number:026}")
    sizes = (versions.ThumbnailSize(512, 512, 384),)
    current = versions.Version(
        VersionId(f"{file_id}.1"), file_id, 1, 2_000_000 + number, "image/jpeg", owner, NOW, sha256="0" * 64,
        scan=versions.Scan(versions.ScanStatus.CLEAN),
        thumbnail=versions.Thumbnail(versions.ThumbnailStatus.READY, sizes=sizes),
    )  # fmt: skip
    return File(file_id, owner, FOLDER, f"picture {number}.jpg", NOW, NOW, current, tags=("holiday",))


class Memory:
    """What the loaders load from."""

    def __init__(self) -> None:
        self.people = people()
        self.page = page(list(self.people))
        self.can = dict.fromkeys(Deed, True)

    def context(self) -> Context:
        """A new operation's surroundings: nothing loaded yet."""
        nobody = Actor(next(iter(self.people)), Origin("benchmark"), NOW)
        context = Context(cast("Vault", None), nobody)  # no resolver of these queries goes past the loaders
        context.loaders.folder_pages = Loader(self._pages)
        context.loaders.folders = Loader(self._folders)
        context.loaders.contacts = Loader(self._contacts)
        context.loaders.capabilities = Loader(self._capabilities, name=browse.alike(nobody))
        return context

    async def _pages(self, keys: Sequence[object]) -> list[FolderPage | None]:
        return [self.page for _ in keys]

    async def _folders(self, keys: Sequence[object]) -> list[Folder | None]:
        return [self.page.folder for _ in keys]

    async def _contacts(self, keys: Sequence[UserId]) -> list[Any]:
        return [self.people[key] for key in keys]

    async def _capabilities(self, keys: Sequence[object]) -> list[Any]:
        return [self.can for _ in keys]


def ways(made: GraphQLSchema, document: DocumentNode) -> dict[str, Way]:
    """The contestants, each with the same document and variables."""
    variables = {"id": FOLDER}

    async def standard(context: Context) -> ExecutionResult:
        result = execute(made, document, context_value=context, variable_values=variables)
        return result if isinstance(result, ExecutionResult) else await result

    def planned() -> Way:
        plan = compile_plan(made, document)
        if plan is None:
            raise RuntimeError("no plan for a query of this benchmark")
        return lambda context: plan.execute(None, context, variables)

    return {"graphql-core": standard, "a plan, Strawberry's resolvers": planned(), "a plan, declared fields": planned()}


def undeclare(made: GraphQLSchema) -> None:
    """Leave every field to its resolver."""
    for kind in made.type_map.values():
        for field in kind.fields.values() if is_object_type(kind) else ():
            field.extensions.pop(EXTENSION, None)


async def prepared(made: GraphQLSchema, text: str, memory: Memory) -> dict[str, Way]:
    """The contestants after their first execution, their answers compared."""
    document = parse(text)
    if errors := validate(made, document):
        raise RuntimeError(errors[0].message)
    found = ways(made, document)
    undeclare(made)
    expected, plain = [await way(memory.context()) for way in list(found.values())[:2]]
    declare_batches(made, lasting=schema.LASTING)
    declared = await found["a plan, declared fields"](memory.context())
    if expected.errors or not expected == plain == declared:
        raise RuntimeError("the answers differ")
    return found


async def took(way: Way, memory: Memory, count: int) -> float:
    """Microseconds of CPU per execution."""
    contexts = [memory.context() for _ in range(count)]
    gc.collect()
    start = time.process_time()
    for context in contexts:
        await way(context)
    return (time.process_time() - start) / count * 1e6


async def measured(rounds: int, count: int) -> list[Measured]:
    """All queries, the ways in turn."""
    made, memory, results = schema.executable(), Memory(), []
    for name, text in (("page of 25 files", PAGE), ("one folder", SMALL)):
        found = await prepared(made, text, memory)
        micros: dict[str, list[float]] = {way: [] for way in found}
        for number in range(rounds):
            print(f"{name}: round {number + 1} of {rounds}", file=sys.stderr)
            for way, run in found.items():
                micros[way].append(await took(run, memory, count))
        results.append(Measured(name, micros))
    return results


def report(results: Sequence[Measured], rounds: int, count: int) -> str:
    """The result in Markdown."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("graphql-core", "strawberry-graphql", "aiodataloader"))
    head = [
        "| query | executed by | µs CPU, median | from, to | times less than graphql-core |",
        "|---|---|--:|--:|--:|",
    ]
    rows = [row for result in results for row in result.rows()]
    told = (
        f"{rounds} rounds of {count} executions in turn, one process; Python {platform.python_version()}, {packages}, "
    )
    return "\n".join(["# Execution alone", "", *head, *rows, "", told + f"{os.cpu_count()} shared cores.", ""])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.executor", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="how often each way has its turn")
    parser.add_argument("--count", type=int, default=100, help="executions in a turn")
    parser.add_argument("--write", action="store_true", help=f"keep the table in {RESULT.name}")
    given = parser.parse_args()
    text = report(asyncio.run(measured(given.rounds, given.count)), given.rounds, given.count)
    print(text)
    if given.write:
        RESULT.write_text(text)


if __name__ == "__main__":
    main()
