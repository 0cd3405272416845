"""One person's files through the real processes: sealed, judged, shown, given back, and kept through crashes."""

import asyncio
import hashlib
import random
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import corpus
import httpx
import pytest
from asking import Person
from contents import Source, document, found_in, kept, photo, random_file
from dev_stack import PARTS, DevStack, wait_until
from doors import until
from vault_use import (
    BECOMING_CLEAN,
    BECOMING_INFECTED,
    BECOMING_READY,
    Look,
    bring,
    children,
    digest_of,
    is_in_order,
    link,
    watching,
)

BIG_BYTES = 200_000_000
RANGES = 1_000
RANGES_AT_A_TIME = 8
PATHS = {
    "paper.pdf": BECOMING_READY,
    "photo.jpg": BECOMING_READY,
    "big.bin": BECOMING_CLEAN,
    "eicar.com": BECOMING_INFECTED,
}


@dataclass(slots=True)
class Story:
    """What Alice brought, and what those who watched were told meanwhile."""

    sources: dict[str, Source]
    uploads: dict[str, str]
    root: str
    told: dict[str, list[Look]]
    told_late: dict[str, list[Look]]
    first_told_late: dict[str, Look]
    items: dict[str, Any]

    def id(self, name: str) -> str:
        found: str = self.items[name]["id"]
        return found


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> dict[str, Source]:
    folder = tmp_path_factory.mktemp("sources")
    made = [
        document(folder / "paper.pdf"),
        photo(folder / "photo.jpg"),
        random_file(folder / "big.bin", BIG_BYTES),
        kept(folder / "eicar.com", "application/octet-stream", corpus.EICAR),
    ]
    return {source.name: source for source in made}


@pytest.fixture(scope="module")
async def story(_stack: DevStack, sources: dict[str, Source]) -> Story:
    """Alice brings her files while the workers stand still, so that a second watcher surely sees where each begins."""
    _stack.wait_ready()
    url, token = _stack.url, _stack.token("alice@example.com")
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        alice = Person(client, token)
        root = await alice.root()
        uploads = {}
        async with watching(url, token, root) as early:
            with _stack.frozen("workers"):
                for name, source in sources.items():
                    uploads[name] = await asyncio.to_thread(bring, url, token, source, root)
                async with watching(url, token, root) as late:
                    await late.until(lambda told: told.keys() >= sources.keys())
                    first = {name: looks[0] for name, looks in late.told.items()}
                    _stack.part("workers").resume()
                    for watch in (early, late):
                        await watch.until(lambda told: all(_is_ended(told, name) for name in sources))
        items = await children(alice, root)
    return Story(sources, uploads, root, early.told, late.told, first, items)


def _is_ended(told: dict[str, list[Look]], name: str) -> bool:
    return name in told and told[name][-1] == PATHS[name][-1]


@pytest.mark.parametrize("name", PATHS)
async def test_who_watches_sees_each_file_from_pending_to_its_end_in_order(story: Story, name: str) -> None:
    assert story.first_told_late[name] == ("PENDING", "PENDING")
    assert is_in_order(story.told_late[name], PATHS[name]), story.told_late
    assert is_in_order(story.told[name], PATHS[name]), story.told
    assert story.told[name][-1] == PATHS[name][-1]


async def test_nothing_that_the_vault_keeps_anywhere_holds_plaintext(stack: DevStack, story: Story) -> None:
    windows = [window for source in story.sources.values() if source.size_bytes > 100 for window in source.windows(300)]
    assert len(windows) > 850
    folder = story.sources["photo.jpg"].path.parent
    assert {path.name for path in found_in(folder, windows)} == {
        "paper.pdf",
        "photo.jpg",
        "big.bin",
    }  # it does find them
    stored = [path for path in (stack.folder / "s3").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in stored) > BIG_BYTES
    assert found_in(stack.folder, windows) == []


@pytest.mark.parametrize("name", ["paper.pdf", "photo.jpg", "big.bin"])
async def test_a_file_comes_back_whole_and_its_digest_is_told(client, alice, story: Story, name: str) -> None:
    source, item = story.sources[name], story.items[name]
    assert (item["sizeBytes"], item["contentType"]) == (source.size_bytes, source.kind)
    assert item["currentVersion"]["sha256"] == source.sha256
    assert await digest_of(client, await link(alice, item["id"])) == (source.size_bytes, source.sha256)


async def test_all_of_it_comes_in_one_zip_but_what_is_infected(client, alice, story: Story, tmp_path: Path) -> None:
    made = await alice.done("zipCreate", "ZipCreateInput", "url", itemIds=[story.id(name) for name in story.sources])
    with (tmp_path / "all.zip").open("wb") as file:
        async with client.stream("GET", made["url"]) as answer:
            async for piece in answer.aiter_raw():
                file.write(piece)
    with zipfile.ZipFile(tmp_path / "all.zip") as found:
        assert sorted(found.namelist()) == ["SKIPPED.txt", "big.bin", "paper.pdf", "photo.jpg"]
        assert b"eicar.com: The scan found this file infected" in found.read("SKIPPED.txt")
        for name in ("big.bin", "paper.pdf", "photo.jpg"):
            with found.open(name) as entry:
                assert hashlib.file_digest(entry, "sha256").hexdigest() == story.sources[name].sha256


async def test_a_file_is_found_by_a_part_of_its_name_soon_after_it_came(alice, story: Story) -> None:
    async def is_found() -> bool:
        answer = await alice.data('{ search(text: "HOTO.J", first: 9) { edges { node { id } } } }')
        return [edge["node"]["id"] for edge in answer["search"]["edges"]] == [story.id("photo.jpg")]

    await until(is_found)


async def test_what_is_infected_is_named_and_never_leaves(alice, story: Story) -> None:
    item = story.items["eicar.com"]
    assert item["scan"] == {"status": "INFECTED", "signature": "EICAR.TestFile"}
    made = await alice.done("downloadCreate", "DownloadCreateInput", "url", fileId=item["id"])
    assert made["url"] is None
    assert [(error["__typename"], error["code"]) for error in made["errors"]] == [("ContentError", "INFECTED")]


async def _keeps(client: httpx.AsyncClient, alice: Person, story: Story) -> None:
    """All that was acknowledged is as it was: the listing to the letter, the contents to the byte."""
    now = await children(alice, story.root)
    assert {name: now.get(name) for name in story.items} == story.items
    for name in ("paper.pdf", "photo.jpg"):
        source = story.sources[name]
        assert await digest_of(client, await link(alice, story.id(name))) == (source.size_bytes, source.sha256)
    await _ranges(client, await link(alice, story.id("big.bin")), story.sources["big.bin"], 5)


async def _ranges(client: httpx.AsyncClient, url: str, source: Source, count: int) -> None:
    """Random ranges of a file over kept connections, some at a time; each has to be the source's own bytes."""
    turns = asyncio.Semaphore(RANGES_AT_A_TIME)

    async def one() -> None:
        start = random.randrange(source.size_bytes)
        stop = min(source.size_bytes, start + int(2 ** random.uniform(0, 19)))
        async with turns:
            answer = await client.get(url, headers={"Range": f"bytes={start}-{stop - 1}"})
        assert answer.status_code == 206
        assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{source.size_bytes}"
        assert answer.content == source.read(start, stop), (start, stop)

    await asyncio.gather(*(one() for _ in range(count)))


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What Alice was told is stored, the moment before something died."""

    item_id: str
    source: Source


@pytest.fixture(scope="module")
def acknowledged() -> list[Acknowledged]:
    return []


async def _bring_a_note(stack: DevStack, alice: Person, story: Story, folder: Path, name: str) -> Acknowledged:
    data = f"what was there before {name} died, {random.random()}".encode()
    source = kept(folder / f"{name}.txt", "text/plain", data)
    await asyncio.to_thread(bring, stack.url, alice.token, source, story.root)
    return Acknowledged((await children(alice, story.root))[source.name]["id"], source)


async def _keeps_for_new_connections(stack: DevStack, alice: Person, story: Story) -> None:
    """As a client that begins anew, with a token from before."""
    async with httpx.AsyncClient(base_url=stack.url, timeout=60) as anew:
        await _keeps(anew, Person(anew, alice.token), story)


def test_the_workers_tell_their_log_whether_office_documents_are_drawn(stack: DevStack) -> None:
    log = stack.folder / "logs" / "workers.log"
    wait_until(lambda: "Office documents" in log.read_text(), "nothing of Office documents in the workers' log")


async def test_after_an_orderly_stop_and_a_new_start_everything_is_there(stack, alice, story: Story) -> None:
    await asyncio.to_thread(stack.stop)
    await asyncio.to_thread(stack.start)
    await _keeps_for_new_connections(stack, alice, story)


@pytest.mark.parametrize("part", PARTS)
async def test_a_killed_part_takes_nothing_with_it(stack, alice, story, acknowledged, tmp_path, part) -> None:
    noted = await _bring_a_note(stack, alice, story, tmp_path, part)
    await asyncio.to_thread(stack.kill_and_wait, part)
    acknowledged.append(noted)
    await _keeps_for_new_connections(stack, alice, story)


async def test_a_killed_supervisor_takes_all_parts_along_and_nothing_else(
    stack, alice, story, acknowledged, tmp_path
) -> None:
    acknowledged.append(await _bring_a_note(stack, alice, story, tmp_path, "supervisor"))
    await asyncio.to_thread(stack.crash)
    await asyncio.to_thread(stack.start)
    await _keeps_for_new_connections(stack, alice, story)


async def test_a_thousand_random_ranges_come_back_equal(client, alice, story: Story) -> None:
    await _ranges(client, await link(alice, story.id("big.bin")), story.sources["big.bin"], RANGES)


async def test_whatever_was_acknowledged_before_a_death_is_judged_in_the_end_and_comes_back(
    stack, client, alice, story, acknowledged
) -> None:
    async def all_clean() -> bool:
        now = {item["id"]: item for item in (await children(alice, story.root)).values()}
        return all(now[noted.item_id]["scan"]["status"] == "CLEAN" for noted in acknowledged)

    await until(all_clean, 120)
    for noted in acknowledged:
        expected = (noted.source.size_bytes, noted.source.sha256)
        assert await digest_of(client, await link(alice, noted.item_id)) == expected
