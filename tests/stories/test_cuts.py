"""tus-js-client and tuspy bring whole files through wires cut at random and a server killed in the middle."""

import asyncio
import json
import random
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from contents import Source, random_file
from dev_stack import DevStack
from doors import Tus, metadata, until
from tusclient.client import TusClient
from tusclient.uploader import Uploader
from vault_use import children, digest_of, link
from wires import Wire

from vaultstream import ids

HERE = Path(__file__).parent
SIZE_BYTES = 9_000_001
CHUNK_BYTES = 1_000_000
CREATION_BYTES = 20_000  # more than it takes to begin an upload
UP_BYTES, DOWN_BYTES = (10_000, 900_000), (1, 900)

Client = Callable[[Wire, str, Source], Coroutine[Any, Any, str]]


class Rerouted(Uploader):
    """tuspy, which stays on the way it was told instead of going to where the vault says an upload is."""

    def create_url(self) -> str:
        made = urlsplit(super().create_url())
        return made._replace(netloc=urlsplit(self.client.url).netloc).geturl()


async def by_tuspy(wire: Wire, token: str, source: Source) -> str:
    """Upload with tuspy; gives the upload's path."""

    def bring() -> str:
        client = TusClient(f"{wire.url}/uploads", headers={"Authorization": f"Bearer {token}"})
        with source.path.open("rb") as stream:
            uploader = Rerouted(
                client=client,
                file_stream=stream,
                metadata={"filename": source.name},
                chunk_size=CHUNK_BYTES,
                retries=400,
                retry_delay=0.1,
                upload_checksum=False,
            )
            uploader.upload()
        return urlsplit(uploader.url).path

    return await asyncio.to_thread(bring)


async def by_tus_js(wire: Wire, token: str, source: Source) -> str:
    """Upload with tus-js-client in a process of its own; gives the upload's path."""
    told = {"wire": wire.url, "token": token, "path": str(source.path), "name": source.name}
    told |= {"modules": str(HERE.parents[1]), "chunkSize": CHUNK_BYTES}
    process = await asyncio.create_subprocess_exec(
        "node", str(HERE / "through_a_wire.mjs"), json.dumps(told), stdout=asyncio.subprocess.PIPE
    )
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    result = json.loads(printed)
    assert "error" not in result, result
    return urlsplit(result["url"]).path


@pytest.fixture
def sources(tmp_path: Path) -> list[Source]:
    return [random_file(tmp_path / f"{number} {secrets.token_hex(4)}.bin", SIZE_BYTES) for number in range(2)]


async def has_arrived(alice, client, source: Source) -> None:
    """The file is there once, is judged, and comes back to the byte."""

    async def is_clean() -> bool:
        return (await children(alice, root))[source.name]["scan"]["status"] == "CLEAN"

    root = await alice.root()
    await until(is_clean, 90)
    item = (await children(alice, root))[source.name]
    assert (item["sizeBytes"], item["currentVersion"]["number"]) == (source.size_bytes, 1)
    assert await digest_of(client, await link(alice, item["id"])) == (source.size_bytes, source.sha256)


@asynccontextmanager
async def cut_at_random(stack: DevStack, cuts: int) -> AsyncIterator[Wire]:
    """A wire that is cut so often, each time at another byte of what goes up or of what comes down."""

    async def keep_cutting() -> None:
        await until(lambda: _truth(wire.passed["up"] > CREATION_BYTES), 60)  # tuspy begins once and never again
        for number in range(cuts):
            if random.random() < 0.6:
                wire.cut_after(up=random.randint(*UP_BYTES))
            else:
                wire.cut_after(down=random.randint(*DOWN_BYTES))
            await until(lambda number=number: _truth(wire.cuts > number), 60)
        wire.cut_every()

    async with Wire("127.0.0.1", stack.port) as wire:
        cutter = asyncio.create_task(keep_cutting())
        try:
            yield wire
        finally:
            cutter.cancel()
            await asyncio.gather(cutter, return_exceptions=True)


async def _truth(value: bool) -> bool:
    return value


async def test_a_client_in_python_finishes_over_a_wire_that_is_cut(stack, client, alice, sources) -> None:
    await _finishes_over_cuts(by_tuspy, stack, client, alice, sources[0])


async def test_a_client_in_a_browsers_language_finishes_over_a_wire_that_is_cut(stack, client, alice, sources) -> None:
    await _finishes_over_cuts(by_tus_js, stack, client, alice, sources[0])


async def _finishes_over_cuts(bring: Client, stack: DevStack, client, alice, source: Source) -> None:
    async with cut_at_random(stack, cuts=12) as wire:
        async with asyncio.timeout(120):
            path = await bring(wire, alice.token, source)
        assert wire.cuts >= 6
    answer = await Tus(client, alice.token).head(path)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (200, f"{SIZE_BYTES}")
    await has_arrived(alice, client, source)


async def test_both_clients_finish_though_the_server_is_killed_in_mid_upload(stack, client, alice, sources) -> None:
    async with Wire("127.0.0.1", stack.port) as js, Wire("127.0.0.1", stack.port) as py:
        js.bytes_per_second = py.bytes_per_second = 3_000_000
        begun = [by_tus_js(js, alice.token, sources[0]), by_tuspy(py, alice.token, sources[1])]
        async with asyncio.timeout(180):
            uploads = [asyncio.create_task(upload) for upload in begun]
            await until(lambda: _truth(_has_sent(js, 0.2) and _has_sent(py, 0.2)), 60)
            await _killed_in_mid_upload(stack, uploads)
            await until(lambda: _truth(_has_sent(js, 0.7) or _has_sent(py, 0.7)), 60)
            await _killed_in_mid_upload(stack, uploads)
            await asyncio.gather(*uploads)
    for source in sources:
        await has_arrived(alice, client, source)


async def _killed_in_mid_upload(stack: DevStack, uploads: list[asyncio.Task[str]]) -> None:
    assert not any(upload.done() for upload in uploads)
    await asyncio.to_thread(stack.kill_and_wait, "api")


def _has_sent(wire: Wire, share: float) -> bool:
    return wire.passed["up"] > share * SIZE_BYTES


async def test_a_wrong_offset_is_409_and_tells_the_right_one(client, alice) -> None:
    tus = Tus(client, alice.token)
    made = await tus.create(3000, b"x" * 1000, **metadata(filename=f"offsets {secrets.token_hex(4)}"))
    url = made.headers["Location"]
    for wrong in (0, 999, 1001, 3000, 10**17):
        answer = await tus.patch(url, wrong, b"y" * 10)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, "1000")
        assert answer.json()["code"] == "OFFSET_MISMATCH"
    assert (await tus.head(url)).headers["Upload-Offset"] == "1000"
    assert (await tus.patch(url, 1000, b"y" * 10)).headers["Upload-Offset"] == "1010"


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
@pytest.mark.parametrize("name", [f"upload_{ids.ulid(0, bytes(10))}", "upload_", "x", "%00", "file_" + "0" * 26])
async def test_an_unknown_upload_is_404(client, alice, method: str, name: str) -> None:
    sent = {"Upload_Offset": "0", "Content_Type": "application/offset+octet-stream"}
    answer = await Tus(client, alice.token).send(method, f"/uploads/{name}", b"", **sent)
    assert answer.status_code == 404
