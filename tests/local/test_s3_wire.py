"""Our S3 alone, on the wire: chunked bodies, trailing checksums, signatures, refusals that leave nothing behind."""

import base64
import hashlib
import hmac
import zlib
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import aiohttp
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.local.s3 import checksums
from vaultstream.local.s3.app import create_app
from vaultstream.local.s3.chunked import ChunkedBody
from vaultstream.local.s3.documents import parse, render
from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.signature import Credentials, Refused, Signable, verify

from .conftest import OWN_KEY, boto, serving

BODY = bytes(range(256)) * 1000
KEYS = BotoCredentials(OWN_KEY.access_key_id, OWN_KEY.secret_access_key)


def chunked(pieces, trailer=b""):
    """An unsigned aws-chunked body."""
    framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece)
    return framed + b"0\r\n" + trailer + b"\r\n"


def crc32(body):
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


class Signer(S3SigV4Auth):
    """Signs a request whose body is described by `content`, whatever it is."""

    def __init__(self, content):
        super().__init__(KEYS, "s3", "eu-west-1")
        self.content = content

    def payload(self, request):  # noqa: ARG002  # botocore passes it by position
        return self.content


def signed(url, content, headers):
    """The headers of a PUT."""
    request = AWSRequest("PUT", url, headers=headers)
    Signer(content).add_auth(request)
    return dict(request.headers)


async def put(url, body, headers):
    async with aiohttp.ClientSession() as http, http.put(url, data=body, headers=headers) as answer:
        return answer.status, await answer.text()


async def stored(peer, bucket, key):
    got = await peer.client.get_object(Bucket=bucket, Key=key)
    return await got["Body"].read()


async def test_a_chunked_body_with_a_trailing_checksum_is_stored_as_it_was(own_s3, own_bucket):
    url = f"{own_s3.url}/{own_bucket}/trailing"
    headers = signed(
        url,
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        {
            "content-encoding": "aws-chunked",
            "x-amz-decoded-content-length": f"{len(BODY)}",
            "x-amz-trailer": "x-amz-checksum-crc32",
        },
    )
    trailer = f"x-amz-checksum-crc32:{crc32(BODY)}\r\n".encode()
    assert (await put(url, chunked([BODY[:70_000], BODY[70_000:]], trailer), headers))[0] == 200
    head = await own_s3.client.head_object(Bucket=own_bucket, Key="trailing", ChecksumMode="ENABLED")
    assert head["ChecksumCRC32"] == crc32(BODY)
    assert "ContentEncoding" not in head
    assert await stored(own_s3, own_bucket, "trailing") == BODY


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (chunked([BODY], f"x-amz-checksum-crc32:{crc32(b'else')}\r\n".encode()), "BadDigest"),
        (chunked([BODY], b"x-amz-checksum-crc32:????\r\n"), "InvalidDigest"),
        (chunked([BODY]), "MalformedTrailerError"),
        (chunked([BODY[:-1]], f"x-amz-checksum-crc32:{crc32(BODY)}\r\n".encode()), "IncompleteBody"),
        (b"%x\r\n%s" % (len(BODY), BODY), "IncompleteBody"),
        (b"zz\r\n", "InvalidRequest"),
        (b"5\r\nabcdefgh\r\n0\r\n\r\n", "IncompleteBody"),
    ],
)
async def test_a_chunked_body_that_lies_is_not_stored(own_s3, own_bucket, body, code, expect):
    url = f"{own_s3.url}/{own_bucket}/liar"
    headers = {
        "x-amz-decoded-content-length": f"{len(BODY)}",
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    status, text = await put(url, body, signed(url, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", headers))
    assert (status, f"<Code>{code}</Code>" in text) == (400, True)
    async with expect("NoSuchKey"):
        await own_s3.client.get_object(Bucket=own_bucket, Key="liar")


class ChunkSigner:
    """A client's side of signed chunks, after AWS's description of them."""

    def __init__(self, headers):
        fields = dict(part.strip().partition("=")[::2] for part in headers["Authorization"].split(" ", 1)[1].split(","))
        self.date, self.previous = headers["X-Amz-Date"], fields["Signature"]
        self.scope = fields["Credential"].partition("/")[2]
        key = b"AWS4" + OWN_KEY.secret_access_key.encode()
        for step in self.scope.split("/"):
            key = hmac.digest(key, step.encode(), "sha256")
        self.key = key

    def chunk(self, data):
        empty = hashlib.sha256(b"").hexdigest()
        lines = ["AWS4-HMAC-SHA256-PAYLOAD", self.date, self.scope, self.previous, empty]
        text = "\n".join([*lines, hashlib.sha256(data).hexdigest()])
        self.previous = hmac.digest(self.key, text.encode(), "sha256").hex()
        return b"%x;chunk-signature=%s\r\n%s\r\n" % (len(data), self.previous.encode(), data)


@pytest.mark.parametrize(("tampered", "status"), [(False, 200), (True, 403)])
async def test_signed_chunks_are_held_to_their_signatures(own_s3, own_bucket, tampered, status):
    url = f"{own_s3.url}/{own_bucket}/chunks-{tampered}"
    payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    headers = signed(url, payload, {"x-amz-decoded-content-length": f"{len(BODY)}"})
    signer = ChunkSigner(headers)
    body = signer.chunk(BODY[:65_536]) + signer.chunk(BODY[65_536:]) + signer.chunk(b"")
    if tampered:
        body = body.replace(BODY[:8], b"tampered", 1)
    assert (await put(url, body, headers))[0] == status
    if not tampered:
        assert await stored(own_s3, own_bucket, f"chunks-{tampered}") == BODY


async def test_a_body_that_is_not_what_was_signed_is_refused(own_s3, own_bucket):
    url = f"{own_s3.url}/{own_bucket}/other"
    headers = signed(url, hashlib.sha256(b"said").hexdigest(), {})
    status, text = await put(url, b"sent", headers)
    assert (status, "XAmzContentSHA256Mismatch" in text) == (400, True)


async def test_a_link_ends_when_it_says(tmp_path, clock):
    """The client signs by the real clock; the server's runs ahead of it."""
    with serving(create_app(tmp_path, OWN_KEY, clock=clock)) as url:
        async with boto("s3", url, OWN_KEY) as s3:
            await s3.create_bucket(Bucket="links")
            await s3.put_object(Bucket="links", Key="k", Body=b"x")
            link = await s3.generate_presigned_url("get_object", {"Bucket": "links", "Key": "k"}, ExpiresIn=3600)
        statuses = []
        async with aiohttp.ClientSession() as http:
            for seconds in (3500, 200, -7200):
                clock.advance(seconds=seconds)
                async with http.get(link) as answer:
                    statuses.append(answer.status)
    assert statuses == [200, 403, 403]


async def test_only_the_holder_of_the_key_is_served(own_s3, own_bucket, expect):
    for stranger, code in (
        (Credentials(OWN_KEY.access_key_id, "not the secret"), "SignatureDoesNotMatch"),
        (Credentials("NOBODY", OWN_KEY.secret_access_key), "InvalidAccessKeyId"),
    ):
        async with boto("s3", own_s3.url, stranger) as s3, expect(code, 403):
            await s3.get_object(Bucket=own_bucket, Key="k")
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{own_s3.url}/{own_bucket}/k") as answer:
            assert answer.status == 403
        async with http.get(f"{own_s3.url}/", headers={"Host": "evil.example"}) as answer:
            assert answer.status == 421
        async with http.get(f"{own_s3.url}/_health") as answer:
            assert answer.status == 200


def test_a_header_that_was_added_on_the_way_is_refused():
    request = AWSRequest("GET", "http://127.0.0.1/b/k", headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    S3SigV4Auth(KEYS, "s3", "eu-west-1").add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()} | {"host": "127.0.0.1"}
    now = datetime.now(UTC)
    verify(Signable("GET", "/b/k", "", headers), OWN_KEY, now)
    for changed in ({**headers, "x-amz-storage-class": "GLACIER"}, {**headers, "host": "other"}):
        with pytest.raises(Refused):
            verify(Signable("GET", "/b/k", "", changed), OWN_KEY, now)
    with pytest.raises(Refused) as late:
        verify(Signable("GET", "/b/k", "", headers), OWN_KEY, now + timedelta(minutes=16))
    assert late.value.code == "RequestTimeTooSkewed"


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30),
    st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), st.text(max_size=8), max_size=3),
)
def test_every_path_and_query_that_botocore_signs_is_verified(path, query):
    pairs = "&".join(f"{quoted(name)}={quoted(value)}" for name, value in query.items())
    raw_path = f"/bucket/{quoted(path, '/~')}"
    request = AWSRequest("GET", f"http://127.0.0.1{raw_path}?{pairs}")
    request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
    S3SigV4Auth(KEYS, "s3", "eu-west-1").add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()} | {"host": "127.0.0.1"}
    verify(Signable("GET", raw_path, pairs, headers), OWN_KEY, datetime.now(UTC))


def quoted(text, safe="-_.~"):
    return quote(text, safe=safe)


def test_a_json_service_is_verified_by_the_same_steps():
    request = AWSRequest("POST", "http://127.0.0.1/", data=b"{}", headers={"X-Amz-Target": "TrentService.ListKeys"})
    SigV4Auth(KEYS, "kms", "eu-west-1").add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()} | {"host": "127.0.0.1"}
    headers["x-amz-content-sha256"] = hashlib.sha256(b"{}").hexdigest()
    verify(Signable("POST", "/", "", headers), OWN_KEY, datetime.now(UTC))


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=5), st.data())
def test_a_chunked_body_decodes_alike_however_it_arrives(pieces, data):
    wire = chunked(pieces, b"x-amz-checksum-crc32:AAAAAA==\r\n")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    decoder, found = ChunkedBody(), b""
    for start, stop in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        found += b"".join(decoder.feed(wire[start:stop]))
    assert found == b"".join(pieces)
    assert decoder.finish() == {"x-amz-checksum-crc32": "AAAAAA=="}


@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=3), st.integers(0, 500))
def test_a_chunked_body_that_is_cut_short_is_incomplete(pieces, at):
    wire = chunked(pieces)[:-1]
    decoder = ChunkedBody()
    decoder.feed(wire[: at % len(wire)])
    with pytest.raises(S3Fault) as short:
        decoder.finish()
    assert short.value.code == "IncompleteBody"


ENTITY = '<!DOCTYPE Delete [<!ENTITY a "b">]><Delete>&a;</Delete>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<Delete>",
        b"<Other/>",
        b"\xff<Delete/>",
        ENTITY.encode(),
        f'<?xml version="1.0" encoding="utf-16"?>{ENTITY}'.encode("utf-16"),
        b'<?xml version="1.0" encoding="cp500"?>' + ENTITY.encode("cp500"),
    ],
)
def test_a_document_that_is_broken_or_declares_anything_is_refused(body):
    with pytest.raises(S3Fault) as malformed:
        parse(body, "Delete")
    assert malformed.value.code == "MalformedXML"


def test_a_document_is_read_whatever_its_namespace_and_comments():
    body = render("Delete", [("Object", [("Key", "a<b>&c")]), ("Quiet", True)])
    root = parse(body.replace(b"<Quiet>", b"<!-- by hand --><Quiet>"), "Delete")
    assert (root.findtext("Object/Key"), root.findtext("Quiet")) == ("a<b>&c", "true")


@pytest.mark.parametrize(
    ("algorithm", "check"),
    [
        ("CRC32", "cbf43926"),
        ("CRC32C", "e3069283"),
        ("CRC64NVME", "ae8b14860a799888"),
        ("SHA1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        ("SHA256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
    ],
)
def test_checksums_of_the_catalogues_check_string(algorithm, check):
    digest = checksums.start(algorithm)
    digest.update(b"123456")
    digest.update(b"789")
    assert digest.digest().hex() == check


@given(st.sampled_from(["CRC32", "CRC32C", "CRC64NVME"]), st.lists(st.binary(max_size=200), min_size=1, max_size=4))
def test_the_checksum_of_the_whole_follows_from_those_of_its_parts(algorithm, parts):
    def of(body):
        digest = checksums.start(algorithm)
        digest.update(body)
        return base64.b64encode(digest.digest()).decode()

    assert checksums.full_object(algorithm, [(of(part), len(part)) for part in parts]) == of(b"".join(parts))
