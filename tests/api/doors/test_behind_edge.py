"""Behind CloudFront: it checks a URL and takes its signature off; the vault believes the URL's own proof alone."""

from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest
from doors import Kept, Tus, keep, serving, told

from vaultstream.events import EventName
from vaultstream.http.app import create_app
from vaultstream.local.probes import free_port

VIEWER, CLOUDFRONT = "203.0.113.7", "130.176.1.1"
PASSED_ON = {"X-Forwarded-For": f"198.51.100.1, {VIEWER}, {CLOUDFRONT}"}  # the first is what the viewer claims


@pytest.fixture(scope="module")
async def kept(vault, alice: Tus) -> Kept:
    return await keep(vault, alice, "paper.txt", b"some of Alice's data")


@pytest.fixture(scope="module")
async def inside(settings) -> AsyncIterator[httpx.AsyncClient]:
    """Where CloudFront's requests arrive: the same vault, told what stands in front of it."""
    app = create_app(replace(settings, edge_checks_signatures=True, proxies=2))
    async with serving(app, free_port()) as url, httpx.AsyncClient(base_url=url, headers=PASSED_ON) as client:
        yield client


def passed_on(url: str) -> str:
    """What CloudFront asks its origin for."""
    assert "&Expires=" in url
    return urlsplit(url[: url.index("&Expires=")])._replace(scheme="", netloc="").geturl()


async def test_what_cloudfront_passes_on_is_answered_and_recorded_with_the_viewers_address(inside, vault, kept: Kept):
    answer = await inside.get(passed_on(await kept.url()))
    assert (answer.status_code, answer.content) == (200, b"some of Alice's data")
    (event,) = await told(vault, kept.file_id, EventName.DOWNLOAD_BEGUN)
    assert event.ip == VIEWER


async def test_a_signature_that_is_left_on_does_no_harm(inside, kept: Kept):
    url = await kept.url()
    answer = await inside.get(url[url.index("/content") :])
    assert answer.content == b"some of Alice's data"


async def test_without_its_proof_or_with_something_changed_nothing_is_given(inside, kept: Kept):
    place = passed_on(await kept.url())
    for altered in (
        place.partition("&proof=")[0],
        place.replace("for=user_", "for=user_X"),
        place.replace("/1?", "/2?"),
        f"{place}&inline=1",
        f"{place[:-1]}{'A' if place[-1] != 'A' else 'B'}",
        place.replace("until=", "until=1"),
    ):
        answer = await inside.get(altered)
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN"), altered


async def test_a_proof_alone_opens_nothing_where_no_cloudfront_stands_in_front(client, kept: Kept):
    answer = await client.get(passed_on(await kept.url()))
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


async def test_a_request_that_came_past_fewer_proxies_has_no_address(inside, vault, alice: Tus):
    kept = await keep(vault, alice, "direct.txt", b"data")
    await inside.get(passed_on(await kept.url()), headers={"X-Forwarded-For": "198.51.100.1"})
    (event,) = await told(vault, kept.file_id, EventName.DOWNLOAD_BEGUN)
    assert event.ip == ""


async def test_where_no_proxy_is_told_of_nobody_chooses_an_address(client, vault, alice: Tus):
    kept = await keep(vault, alice, "spoofed.txt", b"data")
    await client.get(await kept.url(), headers={"X-Forwarded-For": VIEWER})
    (event,) = await told(vault, kept.file_id, EventName.DOWNLOAD_BEGUN)
    assert event.ip == "127.0.0.1"
