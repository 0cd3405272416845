"""The content door gives a signed URL's plaintext by RFC 9110, and never more than is true."""

import hashlib
import os
from datetime import timedelta
from urllib.parse import quote

import httpx
import pytest
import pyvips
from doors import Kept, Tus, judged, keep, told

from vaultstream.actions import download
from vaultstream.events import Event, EventName
from vaultstream.http.preconditions import http_date
from vaultstream.versions import ScanStatus
from vaultstream.workers import thumbnail

DATA = bytes(range(256)) * 1024 + b"the end"  # four whole frames and a bit
SIZE = len(DATA)


@pytest.fixture(scope="module")
async def kept(vault, alice: Tus) -> Kept:
    return await keep(vault, alice, "Größe 100%.png", DATA, "image/png")


async def test_the_whole_comes_with_all_that_keeps_it_safe(client, kept: Kept):
    answer = await client.get(await kept.url())
    version = (await kept.stored()).version
    assert (answer.status_code, answer.content == DATA) == (200, True)
    expected = {
        "Content-Length": str(SIZE),
        "Content-Type": "image/png",
        "Content-Disposition": "attachment; filename=\"Gro_e 100_.png\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20100%25.png",
        "Accept-Ranges": "bytes",
        "ETag": f'"{version.id}"',
        "Last-Modified": http_date(version.created_at),
        "Cache-Control": "private, max-age=0, must-revalidate, no-transform",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
    }
    assert {name: answer.headers.get(name) for name in expected} == expected
    assert "Content-Range" not in answer.headers
    assert "Set-Cookie" not in answer.headers


async def test_a_head_has_the_headers_of_its_get_and_no_body(client, kept: Kept):
    url = await kept.url()
    get, head = await client.get(url), await client.head(url)
    volatile = {"date", "x-request-id"}
    assert (head.status_code, head.content) == (200, b"")
    assert {k: v for k, v in head.headers.items() if k not in volatile} == {
        k: v for k, v in get.headers.items() if k not in volatile
    }
    ranged = await client.head(url, headers={"Range": "bytes=0-0"})
    assert (ranged.status_code, ranged.headers["Content-Length"]) == (200, str(SIZE))


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=65535-65536", 65535, 65537),  # over the edge of a frame
        ("bytes=65536-131071", 65536, 131072),  # a frame exactly
        ("bytes=-7", SIZE - 7, SIZE),
        (f"bytes=262143-{10**30}", 262143, SIZE),
        ("bytes=5-", 5, SIZE),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
        (f"bytes={SIZE}-,1-2", 1, 3),
    ],
)
async def test_a_range_gets_exactly_its_bytes(client, kept: Kept, header, start, stop):
    answer = await client.get(await kept.url(), headers={"Range": header})
    assert (answer.status_code, answer.content == DATA[start:stop]) == (206, True)
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert answer.headers["Content-Length"] == str(stop - start)


@pytest.mark.parametrize("header", ["lines=1-2", "bytes=2-1", "bytes=x", "bytes=0-1,3-4", "bytes"])
async def test_a_range_that_means_nothing_gets_all(client, kept: Kept, header):
    answer = await client.get(await kept.url(), headers={"Range": header})
    assert (answer.status_code, answer.content == DATA) == (200, True)


@pytest.mark.parametrize("header", [f"bytes={SIZE}-", "bytes=-0", f"bytes={SIZE}-{SIZE + 1},99999999999-"])
async def test_a_range_past_the_end_gets_the_size(client, kept: Kept, header):
    answer = await client.get(await kept.url(), headers={"Range": header})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{SIZE}")
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_conditions_are_obeyed_and_what_does_not_leave_is_not_recorded(client, kept: Kept, vault):
    url = await kept.url()
    version = (await kept.stored()).version
    etag, date = f'"{version.id}"', http_date(version.created_at)
    earlier = http_date(version.created_at - timedelta(days=1))
    before = len(await told(vault, kept.file_id, EventName.DOWNLOAD_BEGUN))
    for headers, status in [
        ({"If-None-Match": etag}, 304),
        ({"If-None-Match": f'W/{etag}, "x"', "Range": "bytes=0-0"}, 304),
        ({"If-Modified-Since": date}, 304),
        ({"If-Match": '"x"'}, 412),
        ({"If-Match": f"W/{etag}"}, 412),
        ({"If-Unmodified-Since": earlier}, 412),
        ({"If-Match": '"x"', "If-None-Match": etag}, 412),
    ]:
        answer = await client.get(url, headers=headers)
        assert (answer.status_code, answer.headers["ETag"]) == (status, etag), headers
        assert (answer.content == b"") is (status == 304)
    assert len(await told(vault, kept.file_id, EventName.DOWNLOAD_BEGUN)) == before
    for headers, status in [
        ({"If-None-Match": '"x"'}, 200),
        ({"If-Match": etag}, 200),
        ({"If-Modified-Since": earlier}, 200),
        ({"If-Range": etag, "Range": "bytes=0-9"}, 206),
        ({"If-Range": date, "Range": "bytes=0-9"}, 206),
        ({"If-Range": '"x"', "Range": "bytes=0-9"}, 200),
        ({"If-Range": f"W/{etag}", "Range": "bytes=0-9"}, 200),
        ({"If-Range": earlier, "Range": "bytes=0-9"}, 200),
        ({"If-Range": '"x"', "Range": f"bytes={SIZE}-"}, 200),
    ]:
        answer = await client.get(url, headers=headers)
        assert (answer.status_code, answer.content == DATA[: 10 if status == 206 else SIZE]) == (status, True), headers


async def test_an_empty_file_is_an_empty_answer(client, vault, alice: Tus):
    empty = await keep(vault, alice, "empty.txt", b"", "text/plain")
    url = await empty.url()
    answer = await client.get(url)
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0")
    assert (await client.get(url, headers={"Range": "bytes=-5"})).status_code == 200
    assert (await client.get(url, headers={"Range": "bytes=0-"})).status_code == 416


@pytest.mark.parametrize(
    ("kind", "inline", "sent", "shown"),
    [
        ("text/html", True, "application/octet-stream", "attachment"),
        ("image/svg+xml", True, "application/octet-stream", "attachment"),
        ("application/pdf", True, "application/pdf", "attachment"),
        ("image/png", True, "image/png", "inline"),
        ("image/png", False, "image/png", "attachment"),
        ("text/plain", True, "text/plain; charset=utf-8", "inline"),
    ],
)
async def test_only_what_runs_nothing_is_shown_in_place(client, vault, alice: Tus, kind, inline, sent, shown):
    page = await keep(vault, alice, f"{quote(kind, safe='')}-{inline}", b"<script>", kind)
    answer = await client.get(await page.url(inline=inline))
    assert answer.headers["Content-Type"] == sent
    assert answer.headers["Content-Disposition"].partition(";")[0] == shown
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


async def taken(client: httpx.AsyncClient, url: str, into: bytearray) -> None:
    """Read a body as it comes, so that what came before a break is there."""
    async with client.stream("GET", url) as answer:
        assert (answer.status_code, answer.headers["Content-Length"]) == (200, "400000")
        async for piece in answer.aiter_raw():
            into += piece


async def test_a_damaged_first_frame_has_an_answer_and_a_later_one_breaks_the_connection(client, vault, alice: Tus):
    data = os.urandom(400_000)
    damaged = await keep(vault, alice, "damaged.bin", data)
    url, stored = await damaged.url(), await damaged.stored()
    sealed = bytearray(await vault.blobs.whole(stored.body.object_key))
    sealed[3 * 65568 + 100] ^= 1
    await vault.blobs.put(stored.body.object_key, bytes(sealed))
    got = bytearray()
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        await taken(client, url, got)
    assert len(got) <= 3 * 65536
    assert data.startswith(got)
    before = await client.get(url, headers={"Range": "bytes=0-196607"})
    assert hashlib.sha256(before.content).digest() == hashlib.sha256(data[:196608]).digest()
    within = await client.get(url, headers={"Range": "bytes=196608-196609"})
    assert (within.status_code, within.json()["code"]) == (500, "UNREADABLE")
    await vault.blobs.delete(stored.body.object_key)
    assert (await client.get(url)).json()["code"] == "UNREADABLE"


async def test_a_thumbnail_has_an_address_of_its_own(client, vault, alice: Tus):
    image = pyvips.Image.black(300, 200, bands=3).write_to_buffer(".png")
    kept = await keep(vault, alice, "picture.png", image, "image/png")
    event = Event(vault.unique(), EventName.VERSION_SCANNED, vault.now(), "worker:scan", "test", kept.file_id, 1)
    await thumbnail.handle(vault, event)
    version = (await kept.stored()).version
    url = download.thumbnail_url(vault, kept.actor, version, 1)
    assert url is not None
    answer = await client.get(url)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/webp")
    assert answer.content[8:12] == b"WEBP"
    whole = await client.get(await kept.url())
    assert answer.headers["ETag"] != whole.headers["ETag"]
    edge = url[url.index("/thumbnail/") : url.index("?")]
    assert (await client.get(url.replace(edge, ""))).status_code == 403
    beside = vault.signer.sign(
        f"{url[: url.index('/thumbnail/')]}/thumbnail/7?for={kept.owner_id}", vault.now() + timedelta(minutes=1)
    )
    assert (await client.get(beside)).status_code == 404
    await judged(vault, kept.file_id, ScanStatus.PENDING)
    assert (await client.get(url)).status_code == 409
