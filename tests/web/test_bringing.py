"""Files come in through the page: seen live, refused with a reason, gone on with after a cut and after a reload."""

import asyncio
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import corpus
from asking import Person
from dev_stack import DevStack
from looking import Visitor, looking, sign_in
from playwright.async_api import Browser, Route, WebSocket, expect
from vault_use import children

SLOW = 3 << 20


@contextmanager
def gone(stack: DevStack) -> Iterator[None]:
    """The API is dead, and nobody there to start it again, for a while."""
    supervisor = stack.supervisor
    supervisor.suspend()
    try:
        stack.kill("api")
        yield
    finally:
        supervisor.resume()


def kept(path: Path) -> tuple[Path, bytes]:
    """A file that takes a while on a slow line, and what is in it."""
    data = os.urandom(8 << 20)
    path.write_bytes(data)
    return path, data


def text(name: str, data: bytes, kind: str = "text/plain") -> dict[str, object]:
    return {"name": name, "mimeType": kind, "buffer": data}


async def test_a_file_is_brought_watched_until_it_is_clean_and_taken_back(at_alices: Visitor) -> None:
    alice = at_alices
    await alice.bring(text("letter.txt", b"Dear Bob"))
    row = alice.row("letter.txt")
    await expect(row).to_contain_text("Clean", timeout=30_000)  # without a reload
    await expect(row).to_contain_text("8 bytes")
    async with alice.page.expect_download() as begun:
        await alice.choose("letter.txt", "Download")
    taken = await (await begun.value).path()
    with open(taken, "rb") as file:  # noqa: ASYNC230  # a few bytes, and they are here
        assert file.read() == b"Dear Bob"


async def test_where_no_socket_passes_a_file_is_watched_by_server_sent_events(web_stack, browser: Browser) -> None:
    async def told(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, json=await answer.json() | {"sockets": False})

    async with looking(browser, web_stack.url, "alice") as alice:
        sockets: list[str] = []

        def noted(socket: WebSocket) -> None:
            sockets.append(socket.url)

        alice.page.on("websocket", noted)
        await alice.page.route("**/config.json", told)
        await alice.page.goto(web_stack.url)
        await sign_in(alice)
        await alice.bring(text("postcard.txt", b"Wish you were here"))
        await expect(alice.row("postcard.txt")).to_contain_text("Clean", timeout=30_000)
        assert sockets == []


async def test_what_is_infected_is_named_and_cannot_be_taken(at_alices: Visitor) -> None:
    alice = at_alices
    await alice.bring(text("eicar.com", corpus.EICAR, "application/octet-stream"))
    row = alice.row("eicar.com")
    await expect(row).to_contain_text("Infected", timeout=30_000)
    await expect(row).to_contain_text("EICAR.TestFile")
    await alice.button("What to do with eicar.com")
    await expect(alice.page.get_by_role("menuitem", name="Download")).to_be_disabled()


async def test_a_taken_name_is_a_choice(at_alices: Visitor, alice: Person) -> None:
    page = at_alices.page
    await at_alices.bring(text("plan.txt", b"first"))
    await expect(at_alices.row("plan.txt")).to_be_visible()
    await at_alices.bring(text("plan.txt", b"second"))
    await at_alices.sees("There is already something of this name here.")
    await at_alices.is_accessible("uploads")
    await at_alices.button("Keep both")
    await expect(at_alices.row("plan (2).txt")).to_be_visible()
    await at_alices.bring(text("plan.txt", b"the third"))
    await at_alices.button("Add as a new version")
    await expect(at_alices.row("plan.txt")).to_contain_text("9 bytes", timeout=30_000)
    found = await children(alice, await alice.root())
    assert found["plan.txt"]["currentVersion"]["number"] == 2
    await expect(page.get_by_role("region", name="Uploads")).to_be_hidden(timeout=30_000)


async def test_one_choice_is_for_all_names_that_are_taken_and_a_copy_takes_a_free_one(
    at_alices: Visitor, alice: Person
) -> None:
    page = at_alices.page
    await at_alices.open(f"folder/{await alice.folder('Taken')}")
    await expect(page.get_by_role("heading", name="Taken")).to_be_visible()
    both = [text("north.txt", b"one"), text("south.txt", b"two")]
    await at_alices.bring(*both)
    await expect(at_alices.row("north.txt")).to_be_visible()
    await expect(at_alices.row("south.txt")).to_be_visible()
    await at_alices.bring(*both)
    await at_alices.sees("2 names are taken here.")
    await at_alices.is_accessible("uploads-clashes")
    await at_alices.button("Keep all")
    for name in ("north (2).txt", "south (2).txt"):
        await expect(at_alices.row(name)).to_be_visible()
    await expect(page.get_by_role("region", name="Uploads")).to_be_hidden()
    await expect(at_alices.row("north.txt")).to_contain_text("Clean")
    await at_alices.choose("north.txt", "Make a copy")
    await at_alices.sees("Copied as north (3).txt")
    await expect(at_alices.row("north (3).txt")).to_contain_text("3 bytes")


async def test_an_upload_goes_on_by_itself_after_a_cut(
    at_alices: Visitor, web_stack: DevStack, alice: Person, tmp_path: Path
) -> None:
    source, data = kept(tmp_path / "cut.bin")
    await at_alices.slow(SLOW)
    await at_alices.bring(source)
    await at_alices.sees(" MB of 8.4 MB")
    await asyncio.to_thread(web_stack.kill_and_wait, "api")
    await at_alices.slow(0)
    await expect(at_alices.row("cut.bin")).to_be_visible(timeout=60_000)
    await _is_stored(alice, source.name, data)


async def test_an_upload_goes_on_after_a_reload_once_its_file_is_chosen(
    at_alices: Visitor, alice: Person, tmp_path: Path
) -> None:
    source, data = kept(tmp_path / "reloaded.bin")
    await at_alices.slow(SLOW)
    await at_alices.bring(source)
    await at_alices.sees(" MB of 8.4 MB")
    await at_alices.button("Pause")
    await at_alices.sees("Paused at")
    await at_alices.page.reload()
    await sign_in(at_alices)
    await at_alices.sees("Cut off by a reload", "Uploads need your attention")
    await at_alices.is_accessible("uploads-cut")
    await at_alices.slow(0)
    async with at_alices.page.expect_file_chooser() as chooser:
        await at_alices.button("Choose the file")
    patches = []
    at_alices.page.on(
        "request",
        lambda request: patches.append(request.headers["upload-offset"]) if request.method == "PATCH" else None,
    )
    await (await chooser.value).set_files(source)
    await expect(at_alices.row("reloaded.bin")).to_be_visible(timeout=30_000)
    await _is_stored(alice, source.name, data)
    assert int(patches[0]) > 0  # what was there before the reload is not sent again


async def test_while_the_vault_is_away_the_page_says_so_keeps_what_was_typed_and_goes_on(
    at_alices: Visitor, web_stack: DevStack
) -> None:
    page = at_alices.page
    await at_alices.button("New folder")
    await page.get_by_label("Name of the new folder").fill("Made in the dark")
    with gone(web_stack):
        await at_alices.button("Create")
        await at_alices.sees("The vault does not answer.")
        assert await page.get_by_label("Name of the new folder").input_value() == "Made in the dark"
    await expect(at_alices.row("Made in the dark")).to_be_visible(timeout=60_000)
    await expect(page.get_by_text("The vault does not answer.")).to_be_hidden(timeout=30_000)
    await at_alices.bring(text("afterwards.txt", b"the watch came back too"))
    await expect(at_alices.row("afterwards.txt")).to_contain_text("Clean", timeout=30_000)


async def _is_stored(alice: Person, name: str, data: bytes) -> None:
    item = (await children(alice, await alice.root()))[name]
    assert item["sizeBytes"] == len(data)
    async with asyncio.timeout(60):  # the digest is known once it was scanned
        while item["currentVersion"]["sha256"] is None:
            item = (await children(alice, await alice.root()))[name]
    assert item["currentVersion"]["sha256"] == hashlib.sha256(data).hexdigest()
