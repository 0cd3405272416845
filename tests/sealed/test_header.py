"""The header: what it may say, how it is proven, and what it refuses to be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.sealed import (
    FRAME_BYTES,
    DataKey,
    EncryptedDataKey,
    SealedError,
    build_header,
    derive,
    open_header,
    parse_header,
)

ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CONTEXT = {"vault": "v-1", "file": "f-2", "version": "x-3"}
DATA_KEY = DataKey(bytes(range(32)))
MESSAGE_ID = bytes(range(50, 82))
EDK = EncryptedDataKey.from_kms(ARN, b"sealed by kms")

ascii_text = st.text(st.characters(max_codepoint=127), max_size=20)
contexts = st.dictionaries(
    ascii_text.filter(lambda key: key and not key.startswith("aws-crypto-")), ascii_text, max_size=5
)
edk_lists = st.lists(
    st.builds(EncryptedDataKey, st.text(max_size=9), st.binary(max_size=40), st.binary(max_size=300)),
    min_size=1,
    max_size=4,
)


def build(context=CONTEXT, edks=(EDK,), frame_bytes=FRAME_BYTES):
    return build_header(DATA_KEY, MESSAGE_ID, context, edks, frame_bytes)


@given(contexts, edk_lists, st.integers(1, 2**31 - 1))
def test_what_was_written_is_read_back(context, edks, frame_bytes):
    header = parse_header(build(context, edks, frame_bytes))
    assert (header.message_id, header.frame_bytes) == (MESSAGE_ID, frame_bytes)
    assert (header.context, header.edks) == (context, tuple(edks))
    assert open_header(build(context, edks, frame_bytes), DATA_KEY, context).frame_bytes == frame_bytes


@given(contexts)
def test_the_order_of_the_context_leaves_no_trace(context):
    assert build(context) == build(dict(reversed(context.items())))


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused_and_never_crash(data):
    for candidate in (data, bytes.fromhex("020478") + data):
        with pytest.raises(SealedError):
            open_header(candidate, DATA_KEY, {})


@given(st.data())
def test_a_mangled_header_is_refused_and_never_crashes(data):
    header = bytearray(build())
    at = data.draw(st.integers(0, len(header) - 1))
    mangled = header[:at] + data.draw(st.binary(max_size=8)) + header[at + data.draw(st.integers(0, 8)) :]
    if mangled == header:
        return
    with pytest.raises(SealedError):
        open_header(bytes(mangled), DATA_KEY, CONTEXT)


def test_the_key_arn_comes_back():
    (edk,) = parse_header(build()).edks
    assert (edk.key_arn, edk.ciphertext) == (ARN, b"sealed by kms")


@pytest.mark.parametrize(
    "name", ["alias/vault", "arn:aws:kms:eu-west-1:1:alias/vault", "1234", "arn:aws:kms:é:1:key/1"]
)
def test_only_a_key_arn_names_a_kms_key(name):
    with pytest.raises(SealedError, match="ARN"):
        build(edks=[EncryptedDataKey.from_kms(name, b"sealed")])


def test_another_providers_key_has_no_arn():
    with pytest.raises(SealedError):
        _ = EncryptedDataKey("raw", b"name", b"sealed").key_arn


@pytest.mark.parametrize(
    "context",
    [{"aws-crypto-public-key": "x"}, {"": "x"}, {"clé": "x"}, {"key": "☂"}, {"key": "x" * 65_536}],
    ids=["reserved", "empty", "key not ASCII", "value not ASCII", "too long"],
)
def test_an_unlawful_context_is_not_written(context):
    with pytest.raises(SealedError):
        build(context)


def test_a_context_too_long_as_a_whole_is_not_written():
    with pytest.raises(SealedError):
        build({f"key-{index}": "x" * 30_000 for index in range(3)})
    with pytest.raises(SealedError):
        build({str(index): "" for index in range(65_536)})


def test_a_header_without_a_sealed_data_key_is_not_written():
    with pytest.raises(SealedError):
        build(edks=[])


@pytest.mark.parametrize(
    "expected",
    [{}, {**CONTEXT, "more": "x"}, {**CONTEXT, "file": "f-9"}, {"vault": "v-1", "file": "f-2"}],
)
def test_any_other_context_than_the_expected_is_refused(expected):
    assert open_header(build(), DATA_KEY, CONTEXT).message_id == MESSAGE_ID
    with pytest.raises(SealedError, match="context"):
        open_header(build(), DATA_KEY, expected)


def test_another_data_key_fails_at_the_commitment():
    with pytest.raises(SealedError, match="commits"):
        open_header(build(), DataKey(bytes(32)), CONTEXT)


def test_a_repeated_or_unsorted_context_key_is_refused():
    header = build({"a": "1", "b": "2"})
    pair_a, pair_b = b"\0\1a\0\x011", b"\0\1b\0\x012"
    assert pair_a + pair_b in header
    for wrong in (pair_b + pair_a, pair_a + pair_a):
        with pytest.raises(SealedError, match="sorted"):
            parse_header(header.replace(pair_a + pair_b, wrong))


@pytest.mark.parametrize(
    ("at", "data"),
    [(0, b"\x01"), (1, b"\x05\x78"), (2, b"\x14")],
    ids=["version 1", "a signing suite", "a suite without commitment"],
)
def test_another_version_or_suite_is_refused(at, data):
    header = build()
    with pytest.raises(SealedError, match="0478"):
        parse_header(header[:at] + data + header[at + len(data) :])


def after_edks():
    """Where the content type stands: before frame length, commitment and tag."""
    return len(build()) - 16 - 32 - 4 - 1


@pytest.mark.parametrize("wrong", [b"\x01\0\1\0\0", b"\x02\0\0\0\0", b"\x02\xff\xff\xff\xff"])
def test_an_unframed_message_or_unlawful_frame_length_is_refused(wrong):
    header, at = build(), after_edks()
    with pytest.raises(SealedError):
        parse_header(header[:at] + wrong + header[at + 5 :])


def test_text_that_is_not_utf8_is_refused():
    with pytest.raises(SealedError, match="UTF-8"):
        parse_header(build({"key": "abc"}).replace(b"abc", b"\xff\xfe\xfd"))


def test_an_empty_context_spelled_as_zero_entries_is_refused():
    header = build({})
    with pytest.raises(SealedError):
        parse_header(header[:35] + b"\0\2\0\0" + header[37:])


def test_derived_keys_differ_by_message():
    assert derive(DATA_KEY, MESSAGE_ID).commit_key != derive(DATA_KEY, bytes(32)).commit_key
