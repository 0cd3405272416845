"""The tus door answers as the protocol has it, request by request."""

from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest
from doors import OFFSET_STREAM, Tus, checksum, content_at, metadata, stored_at, upload_at

NOWHERE = "/uploads/upload_01HZZZZZZZZZZZZZZZZZZZZZZZ"


def named(name: str, **others: str) -> dict[str, str]:
    return metadata(filename=name, **others)


def code(answer: httpx.Response) -> tuple[int, str]:
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == answer.status_code
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, problem["code"]


@pytest.mark.parametrize("path", ["/uploads", NOWHERE, "/uploads/x"])
async def test_what_it_can_is_told_to_everyone(client, settings, path):
    answer = await client.options(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert {name: value for name, value in answer.headers.items() if name.startswith("tus-")} == {
        "tus-resumable": "1.0.0",
        "tus-version": "1.0.0",
        "tus-extension": "creation,creation-with-upload,creation-defer-length,termination,checksum,expiration",
        "tus-max-size": str(settings.upload_bytes_max),
        "tus-checksum-algorithm": "sha256,sha1,md5",
    }


async def test_a_file_comes_in_pieces_and_is_stored_with_the_last(alice: Tus, vault, settings):
    created = await alice.create(11, **named("pieces.txt", filetype="text/plain"))
    url = created.headers["Location"]
    assert created.status_code == 201
    assert url.startswith(settings.public_url + "/uploads/upload_")
    assert created.headers["Upload-Offset"] == "0"
    expires = parsedate_to_datetime(created.headers["Upload-Expires"])
    assert abs(expires - vault.now() - timedelta(seconds=settings.upload_ttl_seconds)) < timedelta(minutes=1)

    first = await alice.patch(url, 0, b"hello ")
    assert (first.status_code, first.content, first.headers["Upload-Offset"]) == (204, b"", "6")
    assert first.headers["Upload-Expires"] == created.headers["Upload-Expires"]

    head = await alice.head(url)
    wanted = {"Upload-Offset": "6", "Upload-Length": "11", "Cache-Control": "no-store", "Tus-Resumable": "1.0.0"}
    wanted |= named("pieces.txt", filetype="text/plain")
    assert head.status_code == 200
    assert {name: head.headers[name] for name in wanted} == wanted
    assert "Upload-Expires" in head.headers
    assert "Upload-Defer-Length" not in head.headers

    last = await alice.patch(url, 6, b"world")
    assert (last.status_code, last.headers["Upload-Offset"]) == (204, "11")
    assert "Upload-Expires" not in last.headers
    assert await content_at(vault, url) == b"hello world"
    assert (await stored_at(vault, url)).version.content_type == "text/plain"
    assert (await alice.head(url)).headers["Upload-Offset"] == "11"


async def test_a_file_may_come_with_its_creation(alice: Tus, vault):
    whole_at_once = await alice.create(5, b"12345", **named("at-once"), **checksum(b"12345"))
    assert (whole_at_once.status_code, whole_at_once.headers["Upload-Offset"]) == (201, "5")
    assert await content_at(vault, whole_at_once.headers["Location"]) == b"12345"
    a_part = await alice.create(5, b"12", **named("in-part"))
    assert (a_part.status_code, a_part.headers["Upload-Offset"]) == (201, "2")
    assert "Upload-Expires" in a_part.headers


async def test_a_file_of_no_bytes_is_stored_when_created(alice: Tus, vault):
    created = await alice.create(0, **named("empty"))
    assert (created.status_code, created.headers["Upload-Offset"]) == (201, "0")
    assert await content_at(vault, created.headers["Location"]) == b""


async def test_a_length_may_come_later_and_only_once(alice: Tus, vault):
    url = (await alice.create(None, **named("later"))).headers["Location"]
    assert (await alice.head(url)).headers["Upload-Defer-Length"] == "1"
    assert (await alice.patch(url, 0, b"abc")).headers["Upload-Offset"] == "3"
    assert code(await alice.patch(url, 3, b"", Upload_Length="2")) == (413, "TOO_LARGE")
    assert (await alice.patch(url, 3, b"", Upload_Length="4")).status_code == 204
    head = await alice.head(url)
    assert (head.headers["Upload-Length"], "Upload-Defer-Length" in head.headers) == ("4", False)
    assert code(await alice.patch(url, 3, b"", Upload_Length="5")) == (400, "INVALID")
    assert (await alice.patch(url, 3, b"d")).headers["Upload-Offset"] == "4"
    assert await content_at(vault, url) == b"abcd"


async def test_a_new_version_keeps_the_name_of_its_file(alice: Tus, vault):
    first = await alice.put("kept-name.txt", b"one")
    file_id = (await upload_at(vault, first)).target.file_id
    answer = await alice.create(3, b"two", **named("other-name.txt", fileId=file_id))
    assert answer.status_code == 201
    upload = await upload_at(vault, answer.headers["Location"])
    assert (upload.target.file_id, upload.target.name, upload.version_number) == (file_id, "kept-name.txt", 2)


async def test_the_same_creation_sent_again_finds_the_first(alice: Tus, vault):
    key = {"Idempotency-Key": '"a-key-of-mine"'}
    first = await alice.create(4, b"ab", **named("once"), **key)
    again = await alice.create(4, b"ab", **named("once"), **key)
    assert (again.status_code, again.headers["Location"]) == (201, first.headers["Location"])
    assert again.headers["Upload-Offset"] == "2"
    other = await alice.create(5, **named("another"), **key)
    assert code(other) == (409, "CONFLICT")


@pytest.mark.parametrize("override", [False, True])
async def test_an_upload_can_be_given_up(alice: Tus, override):
    name = f"given-up-{override}"
    url = (await alice.create(10, b"12345", **named(name))).headers["Location"]
    over = {"X-HTTP-Method-Override": "DELETE"} if override else {}
    for _ in range(2):
        answer = await alice.send("POST" if override else "DELETE", url, **over)
        assert (answer.status_code, answer.content) == (204, b"")
    assert (await alice.head(url)).status_code == 410
    assert code(await alice.patch(url, 5, b"67890")) == (410, "UPLOAD_GONE")
    assert (await alice.create(10, **named(name))).status_code == 201  # the name is free again


async def test_what_is_stored_cannot_be_given_up(alice: Tus):
    url = await alice.put("stays", b"data")
    assert code(await alice.send("DELETE", url)) == (409, "CONFLICT")


async def test_a_method_may_be_named_in_a_header(alice: Tus, vault):
    url = (await alice.create(3, **named("overridden"))).headers["Location"]
    answer = await alice.send("POST", url, b"abc", **OFFSET_STREAM, Upload_Offset="0", X_HTTP_Method_Override="PATCH")
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "3")
    head = await alice.send("POST", url, X_HTTP_Method_Override="HEAD")
    assert (head.status_code, head.headers["Upload-Length"]) == (200, "3")
    assert await content_at(vault, url) == b"abc"
