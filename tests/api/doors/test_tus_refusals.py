"""What the tus door refuses, it refuses with the status that the protocol has for it, and changes nothing."""

import hashlib
from datetime import timedelta

import httpx
import pytest
from doors import OFFSET_STREAM, TUS, Tus, change_upload, checksum, content_at, metadata, upload_at

from vaultstream.uploads import UploadStatus

NOWHERE = "/uploads/upload_01HZZZZZZZZZZZZZZZZZZZZZZZ"


def named(name: str, **others: str) -> dict[str, str]:
    return metadata(filename=name, **others)


def code(answer: httpx.Response) -> tuple[int, str]:
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == answer.status_code
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, problem["code"]


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0", "1.0.0, 2.0.0"])
@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
async def test_another_protocol_version_is_told_ours(client, alice: Tus, method, version):
    headers = {"Authorization": f"Bearer {alice.token}"} | ({} if version is None else {"Tus-Resumable": version})
    answer = await client.request(method, "/uploads" if method == "POST" else NOWHERE, headers=headers)
    assert (answer.status_code, answer.headers["Tus-Version"], answer.headers["Tus-Resumable"]) == (
        412,
        "1.0.0",
        "1.0.0",
    )


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", [NOWHERE, "/uploads/x", "/uploads/upload_", "/uploads/file_01HZZZZZZZZZZZZZZZZZZZZZZZ", "/uploads/%00"]
)
async def test_an_unknown_id_of_any_shape_is_not_found(alice: Tus, method, path):
    answer = await alice.send(method, path, **OFFSET_STREAM, Upload_Offset="0")
    assert (answer.status_code, answer.headers["Tus-Resumable"]) == (404, "1.0.0")


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
async def test_another_persons_upload_is_not_found(alice: Tus, bob: Tus, vault, method):
    url = (await alice.create(5, b"ab", **named(f"hers-{method}"))).headers["Location"]
    answer = await bob.send(method, url, b"cd" if method == "PATCH" else b"", **OFFSET_STREAM, Upload_Offset="2")
    assert answer.status_code == 404
    unheard_of = await bob.send(method, NOWHERE, **OFFSET_STREAM, Upload_Offset="2")
    assert answer.content == unheard_of.content
    upload = await upload_at(vault, url)
    assert (upload.status, upload.progress.offset_bytes) == (UploadStatus.RECEIVING, 2)


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer x", "Basic YTpi", "Bearer a.b.c"])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/uploads"), ("HEAD", NOWHERE), ("PATCH", NOWHERE), ("DELETE", NOWHERE)]
)
async def test_nobody_in_particular_may_do_nothing(client, method, path, authorization):
    headers = TUS | ({} if authorization is None else {"Authorization": authorization})
    answer = await client.request(method, path, headers=headers)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/uploads", "OPTIONS, POST"),
        ("PUT", NOWHERE, "OPTIONS, HEAD, PATCH, DELETE"),
        ("GET", NOWHERE, "OPTIONS, HEAD, PATCH, DELETE"),
        ("POST", NOWHERE, "OPTIONS, HEAD, PATCH, DELETE"),
    ],
)
async def test_a_method_that_tus_has_not_is_told_those_it_has(alice: Tus, method, path, allow):
    answer = await alice.send(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allow)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, (400, "INVALID")),
        ({"Upload-Length": "x"}, (400, "INVALID")),
        ({"Upload-Length": "-1"}, (400, "INVALID")),
        ({"Upload-Length": "1", "Upload-Defer-Length": "1"}, (400, "INVALID")),
        ({"Upload-Defer-Length": "2"}, (400, "INVALID")),
        ({"Upload-Length": str(10**15)}, (413, "TOO_LARGE")),
        ({"Upload-Length": "1", "Upload-Metadata": "filename x"}, (400, "INVALID")),
        ({"Upload-Length": "1", "Upload-Metadata": ""}, (400, "INVALID")),
        ({"Upload-Length": "1", **metadata(filename="a/b")}, (400, "INVALID")),
        ({"Upload-Length": "1", **metadata(filename="a", sha256="12")}, (400, "INVALID")),
        ({"Upload-Length": "1", **metadata(filename="a", folderId="x")}, (404, "NOT_FOUND")),
        (
            {"Upload-Length": "1", **metadata(filename="a", folderId="folder_01HZZZZZZZZZZZZZZZZZZZZZZZ")},
            (404, "NOT_FOUND"),
        ),
        ({"Upload-Length": "1", **metadata(fileId="file_01HZZZZZZZZZZZZZZZZZZZZZZZ")}, (404, "NOT_FOUND")),
        ({"Upload-Length": "1", "Upload-Checksum": "crc32 AA==", **metadata(filename="a")}, (400, "INVALID")),
        ({"Upload-Length": "1", "Idempotency-Key": "", **metadata(filename="a")}, (400, "INVALID")),
    ],
)
async def test_a_creation_near_the_form_creates_nothing(alice: Tus, headers, expected):
    answer = await alice.send("POST", "/uploads", **headers)
    assert code(answer) == expected
    assert "Location" not in answer.headers


async def test_a_name_is_claimed_while_its_bytes_come(alice: Tus):
    assert (await alice.create(1, **named("Claimed.txt"))).status_code == 201
    assert code(await alice.create(1, **named("claimed.TXT"))) == (409, "NAME_TAKEN")


async def test_more_than_the_quota_holds_is_not_begun(alice: Tus, settings):
    assert settings.default_quota_bytes > settings.upload_bytes_max
    lengths = [settings.upload_bytes_max] * (settings.default_quota_bytes // settings.upload_bytes_max)
    answers = [await alice.create(length, **named(f"big-{at}")) for at, length in enumerate(lengths)]
    refused = [answer for answer in answers if answer.status_code != 201]
    assert [code(answer) for answer in refused] == [(413, "QUOTA_EXCEEDED")]
    for answer in answers:
        if answer.status_code == 201:
            assert (await alice.send("DELETE", answer.headers["Location"])).status_code == 204


@pytest.mark.parametrize("kind", [None, "application/octet-stream", "text/plain"])
async def test_bytes_of_another_type_are_not_taken(alice: Tus, kind):
    headers = {} if kind is None else {"Content-Type": kind}
    url = (await alice.create(3, **named(f"typed {kind}".replace("/", "-")))).headers["Location"]
    answer = await alice.send("PATCH", url, b"abc", Upload_Offset="0", **headers)
    assert answer.status_code == 415
    assert (await alice.head(url)).headers["Upload-Offset"] == "0"
    with_creation = await alice.send("POST", "/uploads", b"abc", Upload_Length="3", **named("typed too"), **headers)
    assert with_creation.status_code == 415


@pytest.mark.parametrize("offset", [None, "", "-1", "x", "1.5"])
async def test_an_offset_is_a_number(alice: Tus, offset):
    url = (await alice.create(3, **named(f"offset-{offset}"))).headers["Location"]
    headers = {} if offset is None else {"Upload-Offset": offset}
    assert code(await alice.send("PATCH", url, b"abc", **OFFSET_STREAM, **headers)) == (400, "INVALID")


async def test_who_is_wrong_about_the_offset_is_told_it(alice: Tus, vault):
    url = (await alice.create(5, b"ab", **named("misplaced"))).headers["Location"]
    for wrong in (0, 1, 3, 5):
        answer = await alice.patch(url, wrong, b"x")
        assert code(answer) == (409, "OFFSET_MISMATCH")
        assert answer.headers["Upload-Offset"] == "2"
    await alice.patch(url, 2, b"cde")
    assert code(await alice.patch(url, 2, b"cde")) == (409, "OFFSET_MISMATCH")
    assert await content_at(vault, url) == b"abcde"


async def test_bytes_past_the_length_are_too_many(alice: Tus):
    url = (await alice.create(5, b"ab", **named("too-long"))).headers["Location"]
    assert code(await alice.patch(url, 2, b"cdef")) == (413, "TOO_LARGE")
    assert (await alice.patch(url, 2, b"cde")).headers["Upload-Offset"] == "5"
    assert code(await alice.patch(url, 5, b"f")) == (413, "TOO_LARGE")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
async def test_a_piece_counts_only_with_its_checksum(alice: Tus, vault, algorithm):
    url = (await alice.create(6, **named(f"checked-{algorithm}"))).headers["Location"]
    wrong = await alice.patch(url, 0, b"abd", **checksum(b"abc", algorithm))
    assert code(wrong) == (460, "CHECKSUM_MISMATCH")
    assert (await alice.head(url)).headers["Upload-Offset"] == "0"
    right = await alice.patch(url, 0, b"abc", **checksum(b"abc", algorithm))
    assert (right.status_code, right.headers["Upload-Offset"]) == (204, "3")
    await alice.patch(url, 3, b"def", **checksum(b"def", algorithm))
    assert await content_at(vault, url) == b"abcdef"


@pytest.mark.parametrize("text", ["crc32 AAAA", "sha1", "sha1 AA==", "sha256 !!", ""])
async def test_a_checksum_near_the_form_is_invalid(alice: Tus, text):
    url = (await alice.create(1, **named(hashlib.sha256(text.encode()).hexdigest()))).headers["Location"]
    assert code(await alice.patch(url, 0, b"a", Upload_Checksum=text)) == (400, "INVALID")


async def test_a_digest_of_the_whole_file_is_held_against_it(alice: Tus):
    digest = hashlib.sha256(b"as declared").hexdigest()
    wrong = await alice.create(11, b"as declaimd", **named("declared", sha256=digest))
    assert code(wrong) == (460, "CHECKSUM_MISMATCH")
    right = await alice.patch(wrong.headers["Location"], 0, b"as declared")
    assert (right.status_code, right.headers["Upload-Offset"]) == (204, "11")


async def test_two_cannot_send_at_once(alice: Tus, vault):
    url = (await alice.create(5, **named("busy"))).headers["Location"]
    await change_upload(vault, url, lease_until=vault.now() + timedelta(seconds=60))
    answer = await alice.patch(url, 0, b"abc")
    assert code(answer) == (423, "UPLOAD_BUSY")
    assert int(answer.headers["Retry-After"]) > 0
    await change_upload(vault, url, lease_until=vault.now() - timedelta(seconds=1))
    assert (await alice.patch(url, 0, b"abc")).status_code == 204


async def test_what_has_run_out_is_gone(alice: Tus, vault):
    url = (await alice.create(5, b"ab", **named("late"))).headers["Location"]
    await change_upload(vault, url, expires_at=vault.now() - timedelta(seconds=1))
    assert (await alice.head(url)).status_code == 410
    assert code(await alice.patch(url, 2, b"cde")) == (410, "UPLOAD_GONE")
