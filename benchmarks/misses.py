"""What a page read from DynamoDB costs its client: `python -m benchmarks.misses [--rounds 9] [--write]`.

A collection of 25 items in an emulated table, which is a process of its own: aioboto3's Table, aioboto3's client (which
leaves the values as they came) and the vault's own reads take turns. The figure is this process's CPU time per page.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aioboto3
import uvloop
from boto3.dynamodb.conditions import Key

from vaultstream.adapters import clients
from vaultstream.adapters.records import Records
from vaultstream.adapters.records.attributes import to_attributes
from vaultstream.local import parts
from vaultstream.local.probes import free_port
from vaultstream.local.process import Process
from vaultstream.local.provision import make_table
from vaultstream.settings import Secret, Settings

ITEMS = 25
NAME = "misses"
PK = "FOLDER#folder_00000000000000000000000001"
RESULT = Path(__file__).parent / "results" / "misses.md"
KEY = parts.AccessKey("MISSES", Secret("a-secret-for-a-benchmark"), "eu-west-1")
Page = Callable[[], Awaitable[Any]]


def settings_for(port: int) -> Settings:
    """Settings of which only the table's are used."""
    local, nothing = f"http://127.0.0.1:{port}", Secret("")
    blank = Settings(NAME, "", "", "", "", nothing, nothing, local, "", local, "", nothing)
    return replace(blank, endpoint_dynamodb=local, access_key_id=KEY.id, secret_access_key=KEY.secret)


def entry(number: int) -> dict[str, Any]:
    """An item as large as a folder's entry of a file."""
    texts = {
        name: f"{name} of number {number:04}" for name in ("name", "owner_id", "item_id", "content_type", "sha256")
    }
    version_of = {
        "number": 1,
        "size_bytes": 2_000_000,
        "scan": {"status": "CLEAN", "engine": "yara-x"},
        "label": "first",
    }
    times = {"created_at": "2026-01-31T12:00:00.000000Z", "updated_at": "2026-01-31T12:00:00.000000Z"}
    sizes = {"thumbnail": [{"edge": edge, "width": edge, "height": edge} for edge in (256, 512)], "tags": ["holiday"]}
    return {
        "PK": PK,
        "SK": f"ENTRY#{number:04}",
        "kind": "file",
        "stamp": 7,
        **texts,
        **times,
        **sizes,
        "current": version_of,
    }


async def contestants(stack: AsyncExitStack, settings: Settings) -> dict[str, Page]:
    """The ways to one page, over clients that are open until the stack ends."""
    stock = aioboto3.Session(KEY.id, KEY.secret.reveal(), region_name=KEY.region)
    endpoint = {"endpoint_url": settings.endpoint_dynamodb}
    theirs = await (await stack.enter_async_context(stock.resource("dynamodb", **endpoint))).Table(NAME)
    client = await stack.enter_async_context(stock.client("dynamodb", **endpoint))
    own = await stack.enter_async_context(clients.client(clients.session(settings), settings, "dynamodb"))
    await make_table(own, NAME)
    for number in range(ITEMS):
        await own.put_item(TableName=NAME, Item=to_attributes(entry(number)))
    records, asked = Records(own, NAME), {"KeyConditionExpression": "PK = :pk", "ConsistentRead": True}
    return {
        "aioboto3, Table": lambda: theirs.query(KeyConditionExpression=Key("PK").eq(PK), ConsistentRead=True),
        "aioboto3, client": lambda: client.query(TableName=NAME, ExpressionAttributeValues={":pk": {"S": PK}}, **asked),
        "the vault's reads": lambda: records.collection(PK, limit=ITEMS),
    }


async def took(page: Page, count: int) -> float:
    """Microseconds of CPU per page."""
    start = time.process_time()
    for _ in range(count):
        await page()
    return (time.process_time() - start) / count * 1e6


async def measured(port: int, rounds: int, count: int) -> str:
    """The table, in Markdown."""
    async with AsyncExitStack() as stack:
        found = await contestants(stack, settings_for(port))
        micros: dict[str, list[float]] = {way: [] for way in found}
        for number in range(rounds + 1):
            print(f"round {number} of {rounds}", file=sys.stderr)
            for way, page in found.items():
                micros[way].append(await took(page, count))
    first = next(iter(micros.values()))[1:]  # the first round warms up
    lines = ["# A page from DynamoDB", "", "| client | µs CPU, median | times less than aioboto3 |", "|---|--:|--:|"]
    for way, all_rounds in micros.items():
        ratio = statistics.median(one / other for one, other in zip(first, all_rounds[1:], strict=True))
        lines.append(f"| {way} | {statistics.median(all_rounds[1:]):.0f} | {ratio:.1f} |")
    told = f"{rounds} rounds of {count} pages of {ITEMS} items in turn, aioboto3 {version('aioboto3')}, uvloop."
    return "\n".join([*lines, "", told, ""])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.misses", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="how often each client has its turn")
    parser.add_argument("--count", type=int, default=100, help="pages in a turn")
    parser.add_argument("--write", action="store_true", help=f"keep the table in {RESULT.name}")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        part = parts.dynamodb(None, free_port())
        process = Process(part, Path(folder))
        try:
            process.wait_ready()
            text = uvloop.run(measured(part.port, given.rounds, given.count))
        finally:
            process.stop()
    print(text)
    if given.write:
        RESULT.write_text(text)


if __name__ == "__main__":
    main()
