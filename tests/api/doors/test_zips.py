"""The door for zips: one signed address, one stream, and no way to take a broken one for whole."""

import io
import os
import zipfile
from datetime import timedelta

import httpx
import pytest
from doors import Kept, Tus, keep, told

from vaultstream.actions import zips
from vaultstream.adapters.blobs import READ_BYTES
from vaultstream.events import EventName
from vaultstream.versions import ScanStatus

DATA = os.urandom(3 * READ_BYTES)


@pytest.fixture(scope="module")
async def kept(vault, alice: Tus) -> Kept:
    return await keep(vault, alice, "Größe 100%.bin", DATA)


async def address(kept: Kept, *more: Kept, name: str | None = None) -> str:
    chosen = [kept.file_id, *(other.file_id for other in more)]
    return (await zips.link(kept.vault, kept.actor, chosen, name)).url


async def test_a_zip_is_a_file_to_save_of_no_length_that_anybody_knows(client, vault, alice: Tus, kept: Kept):
    infected = await keep(vault, alice, "bad.txt", b"bad", scan=(ScanStatus.SCANNING, ScanStatus.INFECTED))
    answer = await client.get(await address(kept, infected, name="Ferien: 2026"))
    assert answer.status_code == 200
    headers = answer.headers
    assert headers["Content-Type"] == "application/zip"
    assert headers["Content-Disposition"] == (
        "attachment; filename=\"Ferien_ 2026.zip\"; filename*=UTF-8''Ferien%3A%202026.zip"
    )
    assert "Content-Length" not in headers
    assert headers["Transfer-Encoding"] == "chunked"
    assert headers["Cache-Control"] == "private, no-store, no-transform"
    assert (headers["Accept-Ranges"], headers["X-Content-Type-Options"]) == ("none", "nosniff")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        assert found.testzip() is None
        assert found.namelist() == ["Größe 100%.bin", "SKIPPED.txt"]
        assert found.read("Größe 100%.bin") == DATA
        assert b"bad.txt: The scan found this file infected" in found.read("SKIPPED.txt")


async def test_asking_for_its_headers_reads_and_records_nothing(client, vault, kept: Kept):
    url = await address(kept)
    before = await told(vault, kept.file_id, EventName.DOWNLOAD_BEGUN)
    answer = await client.head(url)
    assert (answer.status_code, answer.content, "Content-Length" in answer.headers) == (200, b"", False)
    assert answer.headers["Content-Type"] == "application/zip"
    assert await told(vault, kept.file_id, EventName.DOWNLOAD_BEGUN) == before
    await client.get(url, headers={"User-Agent": "a test"})
    (event,) = (await told(vault, kept.file_id, EventName.DOWNLOAD_BEGUN))[len(before) :]
    assert (event.subject, event.ip, event.agent) == (kept.owner_id, "127.0.0.1", "a test")
    assert (event.details["start"], event.details["stop"]) == (0, len(DATA))


async def test_an_altered_or_old_address_opens_nothing(client, vault, alice: Tus, kept: Kept):
    other = await keep(vault, alice, "another.txt", b"another")
    url = await address(kept)
    content = (await client.get(await kept.url())).request.url
    for altered in (
        url.replace(kept.file_id, other.file_id),
        url.replace("items=", f"items={other.file_id},"),
        url.replace("for=", f"items={other.file_id}&for="),
        url.replace(kept.owner_id, kept.owner_id[:-1] + ("0" if kept.owner_id[-1] != "0" else "1")),
        url.replace("/zip?", "//zip?"),
        url.replace("Expires=1", "Expires=2"),
        url[: url.index("&Signature")],
        "/zip",
        f"/zip?{content.query.decode()}",
    ):
        answer = await client.get(altered)
        assert answer.status_code in {403, 404}, altered
        assert len(answer.content) < 1000
    late = vault.signer.sign(url[: url.index("&Expires")], vault.now() - timedelta(seconds=1))
    answer = await client.get(late)
    assert (answer.status_code, answer.json()["code"]) == (410, "EXPIRED")
    assert (await client.post(url)).status_code == 405


async def test_whoever_may_have_none_of_it_is_told_that_there_is_no_such_thing(client, vault, kept: Kept):
    url = (await address(kept)).replace(kept.owner_id, "user_01HZZZZZZZZZZZZZZZZZZZZZZZ")
    signed = vault.signer.sign(url[: url.index("&Expires")], vault.now() + timedelta(minutes=1))
    answer = await client.get(signed)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_damage_that_shows_late_breaks_the_connection(client, vault, alice: Tus):
    broken = await keep(vault, alice, "broken.bin", DATA)
    key = (await broken.stored()).body.object_key
    sealed = bytearray(await vault.blobs.whole(key))
    sealed[-1] ^= 1
    await vault.blobs.put(key, bytes(sealed))
    came = bytearray()

    async def taking() -> None:
        async with client.stream("GET", await address(broken)) as answer:
            assert answer.status_code == 200
            async for piece in answer.aiter_raw():
                came.extend(piece)

    with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
        await taking()
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(came))
