"""Other people's tus clients bring whole files through wires that are cut again and again."""

import asyncio
import io
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from doors import content_at, serving, until, upload_at
from tusclient.client import TusClient
from wires import Wire

from vaultstream.adapters.vault import Vault
from vaultstream.http.app import create_app
from vaultstream.uploads import UploadStatus

ROOT = Path(__file__).parents[3]
DATA = os.urandom(3_000_000)


@pytest.fixture(scope="module")
async def wire(settings) -> AsyncIterator[Wire]:
    """A wire to a vault that knows no other address than the wire's end."""
    async with (
        Wire("127.0.0.1", settings.port) as wire,
        serving(create_app(replace(settings, public_url=wire.url)), settings.port),
    ):
        yield wire


@pytest.fixture
async def cutting(wire: Wire) -> AsyncIterator[Wire]:
    """The wire, whole again after the test."""
    wire.cuts = 0
    yield wire
    wire.cut_every()
    wire.bytes_per_second = None


@pytest.fixture(scope="module")
def token(signed_in) -> str:
    return signed_in("alice@example.com")


def by_tuspy(wire: Wire, token: str, name: str, **options: object) -> str:
    """Upload DATA with tuspy; gives the upload's URL."""
    client = TusClient(f"{wire.url}/uploads", headers={"Authorization": f"Bearer {token}"})
    uploader = client.uploader(
        file_stream=io.BytesIO(DATA), metadata={"filename": name}, retries=60, retry_delay=0.05, **options
    )
    uploader.upload()
    return uploader.url


@pytest.mark.parametrize("options", [{}, {"chunk_size": 400_000}, {"chunk_size": 400_000, "upload_checksum": True}])
async def test_tuspy_uploads(vault, wire, token, options):
    url = await asyncio.to_thread(by_tuspy, wire, token, f"tuspy-{len(options)}", **options)
    assert await content_at(vault, url) == DATA


@pytest.mark.parametrize("checked", [False, True])
async def test_tuspy_gets_through_a_wire_that_is_cut(vault, cutting: Wire, token, checked):
    cutting.cut_every(up=510_000)
    url = await asyncio.to_thread(
        by_tuspy, cutting, token, f"tuspy-cut-{checked}", chunk_size=300_000, upload_checksum=checked
    )
    assert await content_at(vault, url) == DATA
    assert cutting.cuts >= 5


async def by_tus_js(wire: Wire, token: str, folder: Path, **options: object) -> dict[str, object]:
    """Upload DATA with tus-js-client in a process of its own; gives what it printed."""
    path = folder / "data"
    path.write_bytes(DATA)
    told = {"endpoint": f"{wire.url}/uploads", "token": token, "path": str(path), "modules": str(ROOT), **options}
    process = await asyncio.create_subprocess_exec(
        "node", str(Path(__file__).with_name("tus_client.mjs")), json.dumps(told), stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        printed, _ = await process.communicate()
    result: dict[str, object] = json.loads(printed)
    assert "error" not in result, result
    return result


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunkSize": 400_000},
        {"uploadDataDuringCreation": True},
        {"uploadLengthDeferred": True, "chunkSize": 700_000},
        {"overridePatchMethod": True},
    ],
    ids=lambda options: "-".join(options) or "plain",
)
async def test_tus_js_uploads(vault, wire, token, tmp_path, options):
    name = "js-" + "-".join(options)
    result = await by_tus_js(wire, token, tmp_path, metadata={"filename": name, "filetype": "image/png"}, **options)
    assert await content_at(vault, result["url"]) == DATA
    upload = await upload_at(vault, result["url"])
    assert (upload.target.name, upload.target.content_type) == (name, "image/png")


@pytest.mark.parametrize("options", [{}, {"chunkSize": 900_000}], ids=lambda options: "-".join(options) or "plain")
async def test_tus_js_gets_through_a_wire_that_is_cut(vault, cutting: Wire, token, tmp_path, options):
    cutting.cut_every(up=510_000)
    name = "cut-js-" + "-".join(options)
    result = await by_tus_js(cutting, token, tmp_path, metadata={"filename": name}, **options)
    assert await content_at(vault, result["url"]) == DATA
    assert cutting.cuts >= 5


async def test_a_creation_whose_answer_was_lost_is_found_again(vault, cutting: Wire, token, tmp_path):
    cutting.bytes_per_second = 300_000  # it is still on its way when the vault has begun it

    async def cut_once_begun() -> None:
        await until(lambda: is_begun(vault, "once"))
        cutting.cut()
        cutting.bytes_per_second = None

    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "one-creation"}
    options = {"metadata": {"filename": "once"}, "headers": headers, "uploadDataDuringCreation": True}
    result, _ = await asyncio.gather(by_tus_js(cutting, token, tmp_path, **options), cut_once_begun())
    assert cutting.cuts == 1
    assert await content_at(vault, result["url"]) == DATA
    upload = await upload_at(vault, result["url"])
    assert upload.epoch > 0  # the first creation's bytes came under epoch 0, and were gone on with


async def is_begun(vault: Vault, name: str) -> bool:
    pages = [page async for page in vault.records.scanned(["#UPLOAD"])]
    return any(item["name"] == name for page in pages for item in page)


async def test_tus_js_goes_on_in_another_process(vault, wire, token, tmp_path):
    first = await by_tus_js(
        wire, token, tmp_path, metadata={"filename": "resumed"}, chunkSize=500_000, stopAt=1_000_000
    )
    upload = await upload_at(vault, first["url"])
    assert (upload.status, upload.progress.offset_bytes) == (UploadStatus.RECEIVING, 1_000_000)
    second = await by_tus_js(wire, token, tmp_path, uploadUrl=first["url"])
    assert second["url"] == first["url"]
    assert second["statuses"][0] == "HEAD 200"
    assert await content_at(vault, first["url"]) == DATA


async def told(answer: bool) -> bool:
    return answer


async def test_an_upload_survives_that_nobody_answers_for_a_while(vault, cutting: Wire, token, tmp_path):
    cutting.cut_after(up=1_000_000)

    async def back_soon() -> None:
        await until(lambda: told(cutting.cuts > 0))
        cutting.refuse()
        await until(lambda: told(cutting.refused >= 3))
        cutting.restore()

    result, _ = await asyncio.gather(
        by_tus_js(cutting, token, tmp_path, metadata={"filename": "away"}, chunkSize=400_000), back_soon()
    )
    assert await content_at(vault, result["url"]) == DATA
