"""The upload door under requests that no client would send: refused in words, and nothing begun, kept or lost."""

import base64
import secrets

import httpx
import pytest
from dev_stack import DevStack
from doors import Tus, checksum, metadata
from hostility import Answered, assert_clear, assert_discreet, request, told
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vaultstream import ids

TUS = ("Tus-Resumable", "1.0.0")
LENGTH, NAME = ("Upload-Length", "3"), ("Upload-Metadata", "filename YQ==")
STREAM = ("Content-Type", "application/offset+octet-stream")
UNKNOWN = f"upload_{ids.ulid(7, bytes(10))}"
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def named(value: str | bytes) -> tuple[str, bytes]:
    """Metadata whose filename is this, whatever it is."""
    data = value.encode() if isinstance(value, str) else value
    return ("Upload-Metadata", b"filename " + base64.b64encode(data))


@pytest.fixture(scope="module")
async def half(quiet: DevStack) -> str:
    """The path of an upload of 2,000 bytes that has 1,000."""
    async with httpx.AsyncClient(base_url=quiet.url, timeout=30) as client:
        tus = Tus(client, quiet.token("alice@example.com"))
        answer = await tus.create(2000, b"x" * 1000, **metadata(filename=f"half {secrets.token_hex(4)}"))
        assert answer.headers["Upload-Offset"] == "1000"
    return quiet.path_of(answer.headers["Location"])


def sent(stack: DevStack, method: str, target: str, *headers: tuple[str, str | bytes], body: bytes = b"") -> Answered:
    """As Alice, who is let in: what is refused is refused for what it is."""
    alice = ("Authorization", f"Bearer {stack.token('alice@example.com')}")
    return told(stack.port, request(method, target, [alice, *headers], body), method)


LENGTHS = {
    **dict.fromkeys(
        ["-1", "NaN", "1e3", "1.5", "0x10", " ", "+5", "\uff11\uff12", "3 3", "3,3", "Infinity", "1_0"], 400
    ),
    **dict.fromkeys(["9" * 19, "9" * 90_00, "-" + "9" * 30], 400),
    **dict.fromkeys(["9" * 18, str(50 * 2**30 + 1)], 413),
}


@pytest.mark.parametrize(("length", "status"), LENGTHS.items())
def test_a_length_that_is_none_begins_nothing(untouched: DevStack, length: str, status: int) -> None:
    assert_clear(sent(untouched, "POST", "/uploads", TUS, NAME, ("Upload-Length", length)), status)


CREATIONS = {
    "no version": ([LENGTH, NAME], 412),
    "an old version": ([LENGTH, NAME, ("Tus-Resumable", "0.2.2")], 412),
    "a new version": ([LENGTH, NAME, ("Tus-Resumable", "1.0.0, 2.0.0")], 412),
    "neither length nor none": ([TUS, NAME], 400),
    "both": ([TUS, NAME, LENGTH, ("Upload-Defer-Length", "1")], 400),
    "deferred by two": ([TUS, NAME, ("Upload-Defer-Length", "2")], 400),
    "deferred by nothing": ([TUS, NAME, ("Upload-Defer-Length", "")], 400),
    "no metadata": ([TUS, LENGTH], 400),
    "metadata of commas": ([TUS, LENGTH, ("Upload-Metadata", ",,,,")], 400),
    "metadata that is not base64": ([TUS, LENGTH, ("Upload-Metadata", "filename ???")], 400),
    "metadata without padding": ([TUS, LENGTH, ("Upload-Metadata", "filename YQ")], 400),
    "metadata twice the same": ([TUS, LENGTH, ("Upload-Metadata", "filename YQ==,filename Yg==")], 400),
    "metadata of 5,000 letters": ([TUS, LENGTH, ("Upload-Metadata", "x " + "YWFh" * 1250)], 400),
    "metadata in Latin": ([TUS, LENGTH, ("Upload-Metadata", b"filename YQ==,\xe4\xf6 YQ==")], 400),
    "a name in no encoding": ([TUS, LENGTH, named(b"\xff\xfe\xfd")], 400),
    "an empty name": ([TUS, LENGTH, named("")], 400),
    "a name of spaces": ([TUS, LENGTH, named("   ")], 400),
    "a path": ([TUS, LENGTH, named("../../etc/passwd")], 400),
    "the folder above": ([TUS, LENGTH, named("..")], 400),
    "a NUL": ([TUS, LENGTH, named("a\0b")], 400),
    "a line break": ([TUS, LENGTH, named("a\r\nX: y")], 400),
    "a name that reads backwards": ([TUS, LENGTH, named("photo\u202egpj.exe")], 400),
    "a name of 256 letters": ([TUS, LENGTH, named("a" * 256)], 400),
    "a name of 3,000 letters": ([TUS, LENGTH, named("a" * 3000)], 400),
    "a name of a thousand bytes": ([TUS, LENGTH, named("\U0001f600" * 255)], 400),
    "a folder that is none": ([TUS, LENGTH, ("Upload-Metadata", "filename YQ==,folderId Li4v")], 404),
    "a file that is none": ([TUS, LENGTH, ("Upload-Metadata", "fileId AAAA")], 404),
    "a digest that is none": ([TUS, LENGTH, ("Upload-Metadata", "filename YQ==,sha256 YWJj")], 400),
    "a checksum by nobody": ([TUS, LENGTH, NAME, STREAM, ("Upload-Checksum", "crc99 AAAA")], 400),
    "a checksum too short": ([TUS, LENGTH, NAME, STREAM, ("Upload-Checksum", "sha256 AAAA")], 400),
    "a checksum of nothing": ([TUS, LENGTH, NAME, STREAM, ("Upload-Checksum", "")], 400),
    "overridden to GET": ([TUS, LENGTH, NAME, ("X-HTTP-Method-Override", "GET")], 405),
    "overridden to nonsense": ([TUS, LENGTH, NAME, ("X-HTTP-Method-Override", "☠\u0130")], 405),
    "an endless idempotency key": ([TUS, LENGTH, NAME, ("Idempotency-Key", "k" * 5000)], 400),
    "an empty idempotency key": ([TUS, LENGTH, NAME, ("Idempotency-Key", '""')], 400),
}


@pytest.mark.parametrize("creation", CREATIONS)
def test_a_creation_that_is_wrong_begins_nothing(untouched: DevStack, creation: str) -> None:
    headers, status = CREATIONS[creation]
    assert_clear(sent(untouched, "POST", "/uploads", *headers), status)


@pytest.mark.parametrize("kind", ["text/plain", "", "application/offset+octet-streams", "multipart/form-data"])
def test_bytes_of_another_kind_begin_nothing(untouched: DevStack, kind: str) -> None:
    assert_clear(sent(untouched, "POST", "/uploads", TUS, LENGTH, NAME, ("Content-Type", kind), body=b"abc"), 415)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "TRACE", "BREW", "get", "PROPFIND"])
@pytest.mark.parametrize("target", ["/uploads", "/uploads?upload=1"])
def test_other_methods_on_all_uploads_are_405(untouched: DevStack, method: str, target: str) -> None:
    answered = sent(untouched, method, target, TUS, LENGTH, NAME)
    assert answered.status in {400, 405}
    assert_discreet(answered)
    if answered.status == 405:
        assert "POST" in answered.headers["allow"]


PATCHES = {
    "no offset": ([TUS, STREAM], b"", 400),
    "a negative offset": ([TUS, STREAM, ("Upload-Offset", "-1")], b"y", 400),
    "no number": ([TUS, STREAM, ("Upload-Offset", "NaN")], b"y", 400),
    "an endless number": ([TUS, STREAM, ("Upload-Offset", "1" * 9000)], b"y", 400),
    "another kind of bytes": ([TUS, ("Upload-Offset", "1000")], b"y", 415),
    "a wrong offset": ([TUS, STREAM, ("Upload-Offset", "999")], b"y", 409),
    "another version": ([("Tus-Resumable", "9"), STREAM, ("Upload-Offset", "1000")], b"y", 412),
    "another length": ([TUS, STREAM, ("Upload-Offset", "1000"), ("Upload-Length", "1001")], b"y", 400),
    "a length that is none": ([TUS, STREAM, ("Upload-Offset", "1000"), ("Upload-Length", "x")], b"y", 400),
    "a checksum by nobody": ([TUS, STREAM, ("Upload-Offset", "1000"), ("Upload-Checksum", "md9 AA==")], b"y", 400),
    "a wrong override": ([TUS, STREAM, ("Upload-Offset", "1000"), ("X-HTTP-Method-Override", "PUT")], b"y", 405),
}


@pytest.mark.parametrize("patch", PATCHES)
def test_bytes_that_are_wrong_are_not_taken(untouched: DevStack, half: str, patch: str) -> None:
    headers, body, status = PATCHES[patch]
    assert_clear(sent(untouched, "PATCH", half, *headers, body=body), status)


TAKEN_UP = {
    "too many bytes": ([TUS, STREAM, ("Upload-Offset", "1000")], b"y" * 1001, 413),
    "far too many bytes": ([TUS, STREAM, ("Upload-Offset", "1000")], b"y" * 3_000_000, 413),
    "bytes of another digest": (
        [TUS, STREAM, ("Upload-Offset", "1000"), *checksum(b"other").items()],
        b"y" * 10,
        460,
    ),
}


@pytest.mark.parametrize("patch", TAKEN_UP)
async def test_bytes_that_turn_out_wrong_leave_the_upload_where_it_was(quiet, half: str, alice, patch: str) -> None:
    headers, body, status = TAKEN_UP[patch]
    assert_clear(sent(quiet, "PATCH", half, *headers, body=body), status)
    answer = await Tus(alice.client, alice.token).head(half)
    assert (answer.headers["Upload-Offset"], answer.headers["Upload-Length"]) == ("1000", "2000")


@pytest.mark.parametrize(
    "name",
    [UNKNOWN, "upload_", UNKNOWN.lower(), UNKNOWN + "/", "..%2f..", "%00", "%ff", "a" * 5000, "upload_%F0%9F%92%A9"],
)
@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
def test_an_upload_that_is_none_is_not_found(untouched: DevStack, method: str, name: str) -> None:
    answered = sent(untouched, method, f"/uploads/{name}", TUS, STREAM, ("Upload-Offset", "0"))
    assert answered.status in {404, 307}  # a path with a slash at its end is sent to the one without
    assert_discreet(answered)


@FEW
@given(
    length=st.text(
        st.characters(exclude_characters="0123456789\r\n\0", max_codepoint=0xFFFF, exclude_categories=["Cs"])
    ),
    pairs=st.text(max_size=200).map(lambda text: text.replace("\r", "").replace("\n", "").replace("\0", "")),
    offset=st.binary(max_size=30).map(lambda data: data.translate(None, b"\r\n\0")),
)
def test_no_headers_at_all_make_the_door_fail(quiet: DevStack, length: str, pairs: str, offset: bytes) -> None:
    headers = [
        TUS,
        ("Upload-Length", length),
        ("Upload-Metadata", pairs.encode("utf-8", "replace")),
        ("Upload-Offset", offset),
    ]
    answered = sent(quiet, "POST", "/uploads", *headers)
    assert answered.status == 400
    assert_discreet(answered)
