"""A signed URL opens one content, for its person, while they still may have it; and each time it is recorded."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest
from doors import Kept, Tus, judged, keep, told

from vaultstream import table
from vaultstream.adapters.records import changes, items
from vaultstream.errors import Code, VaultError
from vaultstream.events import EventName
from vaultstream.files import File
from vaultstream.versions import ScanStatus


@pytest.fixture(scope="module")
async def kept(vault, alice: Tus) -> Kept:
    return await keep(vault, alice, "Größe 100%.png", b"some of Alice's data", "image/png")


async def test_each_download_is_recorded_with_its_bytes_and_its_person(client, kept: Kept, vault):
    url = await kept.url()
    before = await told(vault, kept.file_id, *EventName)
    await client.get(url, headers={"Range": "bytes=10-19", "User-Agent": "a test"})
    await client.head(url)
    new = (await told(vault, kept.file_id, *EventName))[len(before) :]
    assert [(event.name, event.subject, event.version_number) for event in new] == [
        (EventName.DOWNLOAD_BEGUN, kept.owner_id, 1)
    ]
    assert (new[0].details["start"], new[0].details["stop"]) == (10, 20)
    assert (new[0].ip, new[0].agent) == ("127.0.0.1", "a test")


async def test_an_altered_url_opens_nothing(client, vault, kept: Kept, alice: Tus):
    other = await keep(vault, alice, "another.txt", b"another")
    url = await kept.url()
    for altered in (
        url.replace(kept.file_id, other.file_id),
        url.replace("/1?", "/2?"),
        url.replace("/1?", "/1/thumbnail/256?"),
        url.replace("/1?", "/01?"),
        url.replace("/content/", "/content//"),
        url.replace(kept.owner_id, kept.owner_id[:-1] + ("0" if kept.owner_id[-1] != "0" else "1")),
        url.replace("for=", "inline=1&for="),
        url + "&inline=1",
        url.replace("Expires=1", "Expires=2"),
        url[: url.index("&Signature")],
        url[: url.index("?")],
        url.replace("for=", "f%6fr="),
    ):
        answer = await client.get(altered)
        assert answer.status_code in {403, 404}, altered
        assert b"another" not in answer.content
        assert len(answer.content) < 1000


async def test_a_url_signed_for_another_address_opens_nothing(client, vault, kept: Kept):
    place = f"/content/{kept.file_id}/1?for={kept.owner_id}"
    theirs = vault.signer.sign(f"https://elsewhere.example{place}", vault.now() + timedelta(minutes=1))
    answer = await client.get(theirs.removeprefix("https://elsewhere.example"), headers={"Host": "elsewhere.example"})
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


async def test_a_url_ends_with_its_time(client, vault, settings, kept: Kept):
    place = f"{settings.public_url}/content/{kept.file_id}/1?for={kept.owner_id}"
    answer = await client.get(vault.signer.sign(place, vault.now() - timedelta(seconds=1)))
    assert (answer.status_code, answer.json()["code"]) == (410, "EXPIRED")


async def test_whoever_has_lost_the_file_has_lost_the_url(client, vault, alice: Tus, kept: Kept):
    lost = await keep(vault, alice, "lost.txt", b"no longer yours")
    url = await lost.url()
    assert (await client.get(url)).content == b"no longer yours"
    stranger = url.replace(lost.owner_id, "user_01HZZZZZZZZZZZZZZZZZZZZZZZ")
    place = stranger[: stranger.index("&Expires")]
    signed = vault.signer.sign(place, vault.now() + timedelta(minutes=1))
    assert (await client.get(signed)).status_code == 404
    file: File = items.file_from(await vault.records.item(table.file(lost.file_id)))
    await vault.commit([changes.replace(replace(file, trashed_at=vault.now(), stamp=file.stamp + 1))])
    answer = await client.get(url)
    # Its owner is told that it is in the trash.
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize(
    ("scan", "status", "code"),
    [
        ((ScanStatus.SCANNING,), 409, "NOT_SCANNED"),
        ((ScanStatus.SCANNING, ScanStatus.UNSCANNABLE), 409, "NOT_SCANNED"),
        ((ScanStatus.SCANNING, ScanStatus.INFECTED), 403, "INFECTED"),
    ],
)
async def test_what_is_not_clean_does_not_leave_even_by_an_old_url(client, vault, alice: Tus, scan, status, code):
    file = await keep(vault, alice, f"{scan[-1]}.bin", b"who knows")
    url = await file.url()
    await judged(vault, file.file_id, ScanStatus.PENDING, *scan)
    for method in ("GET", "HEAD"):
        answer = await client.request(method, url)
        assert answer.status_code == status
    assert (await client.get(url)).json()["code"] == code
    assert len(await told(vault, file.file_id, EventName.DOWNLOAD_REFUSED)) == 3
    assert not await told(vault, file.file_id, EventName.DOWNLOAD_BEGUN)
    with pytest.raises(VaultError) as caught:
        await file.url()
    assert caught.value.code is Code(code)


@pytest.mark.parametrize(
    "path",
    [
        "/content/x/y",
        "/content/file_01HZZZZZZZZZZZZZZZZZZZZZZZ/0",
        "/content/a/1/thumbnail/-1",
        "/content/%00/1",
        "/content/é/1",
    ],
)
async def test_even_a_signed_url_may_name_nothing(client, vault, settings, path):
    url = vault.signer.sign(settings.public_url + quote(path, safe="/%"), vault.now() + timedelta(minutes=1))
    assert (await client.get(url)).status_code == 404


async def test_only_get_and_head_are_there(client, kept: Kept):
    url = await kept.url()
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert (await client.request(method, url)).status_code == 405
