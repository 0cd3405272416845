"""tus headers are read as the protocol has them, and nothing near it."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.checksums import Algorithm, Checksum
from vaultstream.errors import Code, VaultError
from vaultstream.http import tus

FOLDER, FILE = "folder_01HZZZZZZZZZZZZZZZZZZZZZZZ", "file_01HZZZZZZZZZZZZZZZZZZZZZZZ"
MAX = 50 * 2**30


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def code(read, *args) -> Code:
    with pytest.raises(VaultError) as caught:
        read(*args)
    return caught.value.code


def test_all_that_metadata_says_is_read_and_its_text_kept():
    digest = hashlib.sha256(b"x").hexdigest()
    header = ",".join(
        [
            f"filename {b64('Résumé.pdf')}",
            f"filetype {b64('application/pdf; x=y')}",
            f"folderId {b64(FOLDER)}",
            f"fileId {b64(FILE)}",
            f"sha256 {b64(digest.upper())}",
            f"relativePath {b64('a/b')}",
            "is_confidential",
        ]
    )
    assert tus.metadata(header) == tus.Metadata(header, "Résumé.pdf", "application/pdf; x=y", FOLDER, FILE, digest)


@pytest.mark.parametrize("header", [None, "", " "])
def test_no_metadata_says_nothing(header):
    assert tus.metadata(header) == tus.Metadata()


@pytest.mark.parametrize(
    "header",
    [
        ",",
        "filename YQ==,",
        "filename YQ==,filename Yg==",
        "filename YQ",
        "filename YR==",  # the same byte, spelt otherwise
        "filename Y Q==",
        "filename  YQ==",
        "filename YQ==\n",
        "filename _w==",
        "filé YQ==",
        f"filename {b64(bytes([0xFF]))}",
        f"filetype {b64(bytes([0xFF]))}",
        "x" * (tus.METADATA_CHARACTERS_MAX + 1),
    ],
)
def test_metadata_near_the_form_is_invalid(header):
    assert code(tus.metadata, header) is Code.INVALID


@pytest.mark.parametrize(
    "header",
    [f"folderId {b64(FILE)}", f"fileId {b64(FOLDER)}", f"fileId {b64('x')}", f"folderId {b64(bytes([255]))}"],
)
def test_an_id_that_can_name_nothing_names_nothing(header):
    assert code(tus.metadata, header) is Code.NOT_FOUND


keys = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=","), min_size=1, max_size=10)
known = {"filename", "filetype", "folderId", "fileId", "sha256"}


@given(
    name=st.text(max_size=50),
    others=st.dictionaries(keys.filter(lambda key: key not in known), st.binary(max_size=20), max_size=5),
)
def test_every_name_comes_through_among_any_other_keys(name, others):
    header = ",".join([f"{key} {b64(value)}" for key, value in others.items()] + [f"filename {b64(name)}"])
    read = tus.metadata(header)
    assert (read.name, read.text) == (name or None, header)


@given(header=st.text(max_size=80))
def test_no_metadata_breaks_the_reader(header):
    try:
        tus.metadata(header)
    except VaultError as error:
        assert error.code in {Code.INVALID, Code.NOT_FOUND}  # both outcomes are lawful


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ({"upload-length": "0"}, 0),
        ({"upload-length": "12"}, 12),
        ({"upload-length": str(MAX)}, MAX),
        ({"upload-defer-length": "1"}, None),
    ],
)
def test_a_length_is_given_or_put_off(headers, length):
    assert tus.new_length(headers, MAX) == length


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Code.INVALID),
        ({"upload-length": "1", "upload-defer-length": "1"}, Code.INVALID),
        ({"upload-defer-length": "0"}, Code.INVALID),
        ({"upload-length": ""}, Code.INVALID),
        ({"upload-length": "-1"}, Code.INVALID),
        ({"upload-length": "+1"}, Code.INVALID),
        ({"upload-length": "1.0"}, Code.INVALID),
        ({"upload-length": "²"}, Code.INVALID),
        ({"upload-length": "9" * 5000}, Code.INVALID),
        ({"upload-length": str(MAX + 1)}, Code.TOO_LARGE),
    ],
)
def test_a_length_near_the_form_is_refused(headers, expected):
    assert code(tus.new_length, headers, MAX) is expected


def test_an_offset_is_a_whole_number_of_bytes_and_never_missing():
    assert tus.offset({"upload-offset": "70"}) == 70
    assert [code(tus.offset, headers) for headers in ({}, {"upload-offset": "-1"}, {"upload-offset": "x"})] == [
        Code.INVALID
    ] * 3


@given(algorithm=st.sampled_from(Algorithm), data=st.binary(max_size=100))
def test_a_checksum_is_read_for_every_algorithm_that_is_announced(algorithm, data):
    digest = hashlib.new(algorithm, data).digest()
    assert Checksum.parse(f"{algorithm} {b64(digest)}") == Checksum(algorithm, digest)
    assert algorithm in tus.ALGORITHMS.split(",")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha1",
        "sha1 ",
        "crc32 AAAAAA==",
        "SHA1 " + b64(bytes(20)),
        "sha1  " + b64(bytes(20)),
        "sha1 " + b64(bytes(19)),
        "sha256 " + b64(bytes(20)),
        "md5 " + b64(bytes(16)).rstrip("="),
        "md5 " + b64(bytes(16))[:-3] + "B==",
        "md5 é",
    ],
)
def test_a_checksum_near_the_form_is_invalid(text):
    assert code(Checksum.parse, text) is Code.INVALID


def test_an_idempotency_key_comes_with_or_without_its_quotes():
    assert [tus.idempotency_key({"idempotency-key": key}) for key in ('"a b"', "a b", '"')] == ["a b", "a b", '"']
    assert tus.idempotency_key({}) is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"content-length": "0"}, False),
        ({"content-length": "10"}, True),
        ({"transfer-encoding": "chunked"}, True),
    ],
)
def test_a_body_is_known_before_it_is_read(headers, expected):
    assert tus.has_body(headers) is expected


@pytest.mark.parametrize(
    ("given_type", "expected"),
    [
        ("application/offset+octet-stream", True),
        ("Application/Offset+Octet-Stream; x=y", True),
        ("application/octet-stream", False),
        ("", False),
    ],
)
def test_what_tus_sends_is_told_by_its_type(given_type, expected):
    assert tus.is_offset_stream({"content-type": given_type}) is expected
