"""The real processes, told to a collector: one trace from a request to its last worker, and no secret in any line."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import parts as world
import pytest
from collector import Collector, attributes, collecting, has_failed, roots
from doors import Tus, metadata, until
from prometheus_client.parser import text_string_to_metric_families

from vaultstream.local import parts
from vaultstream.metrics import TRANSFER_BYTES
from vaultstream.settings import Settings

pytestmark = pytest.mark.story
FOLDER, FILE, WORDS, PASSWORD = "Grandmother's will", "testament-of-anna.txt", "to my cat Mimi", "hunter2hunter2"
PLAINTEXT = b"I leave everything to the cat, with the sole exception of the piano."
UPLOAD, DEED, LOOK = "1" * 31 + "a", "1" * 31 + "b", "1" * 31 + "c"


@dataclass(frozen=True, slots=True)
class Watched:
    """A vault of two processes, what it says, and who hears it."""

    client: httpx.AsyncClient
    collector: Collector
    logs: Path

    def said(self) -> str:
        """All that left the processes but by their doors: logs, traces, metrics."""
        lines = "".join(path.read_text() for path in self.logs.iterdir())
        return lines + b"\n".join(self.collector.bodies).decode()

    async def hears(self, trace_id: str, expected: set[str]) -> None:
        """Return once the trace has spans of all these names."""
        missing = expected

        async def is_whole() -> bool:
            nonlocal missing
            missing = expected - {span.name for span in self.collector.trace(trace_id)}
            return not missing

        with suppress(TimeoutError):
            await until(is_whole, 60)
        assert not missing


@pytest.fixture(scope="module")
async def watched(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    logs = tmp_path_factory.mktemp("watched-logs")
    async with collecting() as (collector, endpoint):
        traced = replace(settings, otlp_endpoint=endpoint, trace_percent=100)
        with ExitStack() as running:
            running.enter_context(world.running(parts.api(traced), logs))
            running.enter_context(world.running(parts.workers(tmp_path_factory.mktemp("watched"), traced), logs))
            async with httpx.AsyncClient(base_url=traced.public_url, timeout=30) as client:
                yield Watched(client, collector, logs)


@pytest.fixture(scope="module")
def token(signed_in: Callable[[str], str]) -> str:
    return signed_in("alice@example.com")


def place(trace_id: str) -> str:
    """A sender's own place in a trace."""
    return f"00-{trace_id}-00f067aa0ba902b7-00"


async def asked(watched: Watched, token: str, query: str, trace_id: str = "", **variables: object) -> dict:
    headers = {"Authorization": f"Bearer {token}"} | ({"traceparent": place(trace_id)} if trace_id else {})
    answer = await watched.client.post("/graphql", headers=headers, json={"query": query, "variables": variables})
    found: dict = answer.json()
    return found


async def test_an_upload_is_one_trace_from_its_first_byte_to_its_thumbnail(watched: Watched, token: str):
    tus = Tus(watched.client, token)
    given = {"traceparent": place(UPLOAD)} | metadata(filename=FILE, filetype="text/plain")
    answer = await tus.create(len(PLAINTEXT), PLAINTEXT, **given)
    assert answer.status_code == 201
    expected = {
        "http uploads",
        "kms GenerateDataKey",
        "s3 PutObject",
        "dynamodb TransactWriteItems",
        "worker relay",
        "events PutEvents",
        "worker scan",
        "kms Decrypt",
        "s3 GetObject",
        "worker thumbnail",
        "worker audit",
        "worker search",
        "postgresql statement",
    }

    await watched.hears(UPLOAD, expected)
    spans = watched.collector.trace(UPLOAD)
    (first,) = roots(spans)
    assert (first.name, first.parent_span_id.hex()) == ("http uploads", "00f067aa0ba902b7")
    assert attributes(first)["status"] == 201
    assert not any(has_failed(span) for span in spans)
    scans = {span.span_id for span in spans if span.name == "worker scan"}
    assert {"kms Decrypt", "s3 GetObject"} <= {span.name for span in spans if span.parent_span_id in scans}


async def test_a_deed_by_graphql_is_one_trace_to_the_audit_log(watched: Watched, token: str):
    root = (await asked(watched, token, "{ viewer { rootFolder { id } } }"))["data"]["viewer"]["rootFolder"]["id"]
    made = await asked(
        watched,
        token,
        "mutation ($at: ID!, $name: String!) { folderCreate(input: {parentId: $at, name: $name}) { folder { id } } }",
        DEED,
        at=root,
        name=FOLDER,
    )
    assert made["data"]["folderCreate"]["folder"]["id"].startswith("folder_")
    expected = {
        "http graphql",
        "redis EVALSHA",
        "dynamodb TransactWriteItems",
        "worker relay",
        "worker audit",
    }

    await watched.hears(DEED, expected)
    (first,) = roots(watched.collector.trace(DEED))
    assert (first.name, attributes(first)["operation"]) == ("http graphql", "mutation")


async def test_a_page_is_one_trace_from_its_resolvers_batches_to_what_they_read(watched: Watched, token: str):
    page = "{ viewer { rootFolder { name children(first: 9) { edges { node { name owner { displayName } } } } } } }"
    assert "errors" not in await asked(watched, token, page, LOOK)
    await watched.hears(LOOK, {"http graphql", "graphql", "load folder_pages"})
    spans = watched.collector.trace(LOOK)
    (run,) = [span for span in spans if span.name == "graphql"]
    loads = [span for span in spans if span.name.startswith("load ")]
    assert all(attributes(load)["keys"] >= 1 for load in loads)
    assert {load.parent_span_id for load in loads if load.name == "load folder_pages"} == {run.span_id}
    below = {span.name.partition(" ")[0] for span in spans if span.parent_span_id in {load.span_id for load in loads}}
    assert below & {"redis", "dynamodb"}


async def test_what_came_in_and_went_out_is_counted(watched: Watched, token: str):
    found = await asked(watched, token, "{ viewer { rootFolder { children(first: 9) { edges { node { id } } } } } }")
    edges = found["data"]["viewer"]["rootFolder"]["children"]["edges"]
    (file_id,) = [edge["node"]["id"] for edge in edges if edge["node"]["id"].startswith("file_")]
    link = "mutation ($file: ID!) { downloadCreate(input: {fileId: $file}) { url errors { code } } }"

    async def is_read() -> bool:
        url = (await asked(watched, token, link, file=file_id))["data"]["downloadCreate"]["url"]
        return url is not None and (await watched.client.get(url)).content == PLAINTEXT

    await until(is_read, 60)
    text = (await watched.client.get("/metrics")).text
    (family,) = [each for each in text_string_to_metric_families(text) if each.name in TRANSFER_BYTES.full_name]
    moved = {sample.labels["way"]: sample.value for sample in family.samples}
    assert moved["upload"] == moved["download"] == len(PLAINTEXT)


async def test_nothing_that_is_said_holds_a_name_a_token_or_a_word_of_the_content(watched: Watched, token: str):
    """After all of the above, and after what goes wrong in every way that a stranger can bring about."""
    wrong = f"{token[:-4]}AAAA"
    await asked(watched, wrong, "{ viewer { id } }")
    await asked(watched, token, f'{{ folder(id: "{FOLDER}") {{ name }} search(text: "{WORDS}") {{ nothing }} }}')
    await watched.client.post("/graphql", content=f'{{"query": "{{ {WORDS}'.encode())
    await watched.client.get(f"/s/{PASSWORD}", params={"password": PASSWORD})
    await watched.client.get(f"/content/file_{FILE}/1", params={"Signature": PASSWORD})
    await watched.client.post("/uploads", headers={"Upload-Metadata": WORDS, "Authorization": f"Bearer {wrong}"})
    await watched.client.get("/graphql", headers={"traceparent": WORDS, "X-Request-Id": WORDS})
    heard = watched.collector.asked

    async def is_heard() -> bool:
        return watched.collector.asked > heard + 2

    await until(is_heard, 30)
    said = watched.said()
    assert "http graphql" in said
    secrets = (FOLDER, FILE, WORDS, PASSWORD, PLAINTEXT.decode(), "everything to the cat", "alice@example.com", "Alice")
    for secret in (*secrets, token, token.split(".")[1], wrong):
        assert secret not in said, secret
    assert not re.search("Signature=|eyJ[A-Za-z0-9_-]{20}|postgresql://|redis://", said)
