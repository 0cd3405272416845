"""What is packed in a file is seen as well, however deep; what cannot be seen is never called clean."""

import bz2
import gzip
import io
import lzma
import os
import random
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters import corpus, kinds
from vaultstream.adapters import scanner_layers
from vaultstream.adapters.scanner import Scanner
from vaultstream.verdict import ScanOutcome, Verdict

Pack = Callable[[bytes], bytes]


async def scanned(data: bytes, chunk_bytes: int = 64 << 10) -> Verdict:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(data), chunk_bytes):
            yield data[start : start + chunk_bytes]

    return await Scanner().scan(pieces())


def zipped(data: bytes, method: int = zipfile.ZIP_DEFLATED, name: str = "x.bin") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr(name, data)
    return out.getvalue()


def streamed_zip(data: bytes) -> bytes:
    """As a program writes it that cannot go back: sizes follow the content."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.sent = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, piece) -> int:
            self.sent += piece
            return len(piece)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", data)
    return bytes(pipe.sent)


def tarred(data: bytes, mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        member = tarfile.TarInfo("x")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def in_pdf(data: bytes) -> bytes:
    return corpus.pdf(b"", more=(corpus.stream("/Filter /FlateDecode", zlib.compress(data)),))


PACKS: dict[str, Pack] = {
    "zip": zipped,
    "stored zip": lambda data: zipped(data, zipfile.ZIP_STORED),
    "bzip2 zip": lambda data: zipped(data, zipfile.ZIP_BZIP2),
    "streamed zip": streamed_zip,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=0),
    "tar": tarred,
    "tar.gz": lambda data: tarred(data, "w:gz"),
    "tar.xz": lambda data: lzma.compress(tarred(data), preset=0),
    "pdf": in_pdf,
    "behind a picture": lambda data: corpus.encoded(corpus.picture(), "png") + zipped(data),
    "second of two": lambda data: gzip.compress(b"first" * 99) + gzip.compress(data),
}


@pytest.mark.parametrize("pack", sorted(PACKS))
async def test_what_is_packed_is_found_and_what_is_harmless_stays_clean(pack):
    noise = random.Random(1).randbytes(300_000)
    assert (await scanned(PACKS[pack](noise + corpus.EICAR))).signature == "EICAR.TestFile"
    assert (await scanned(PACKS[pack](noise))).status is ScanOutcome.CLEAN


@given(
    st.lists(st.sampled_from(sorted(set(PACKS) - {"tar.xz", "xz"})), min_size=1, max_size=5),
    st.sampled_from([1, 7, 1000, 1 << 20]),
    st.integers(0, 40),
)
@settings(max_examples=40, deadline=None)
async def test_packed_in_anything_in_any_order_and_cut_anywhere_it_is_found(packs, chunk_bytes, before):
    data = corpus.EICAR
    for name in packs:
        data = PACKS[name](bytes(before) + data)
    if chunk_bytes == 1:
        data = data[:3000] if len(data) < 3000 else data
    assert (await scanned(data, max(chunk_bytes, len(data) // 3000))).signature == "EICAR.TestFile"


async def test_a_document_that_is_packed_keeps_its_kind():
    likeness = corpus.likenesses()["Office.MacroDropper"]
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        macro = zipped(likeness, method, "word/vbaProject.bin")
        assert (await scanned(macro)).signature == "Office.MacroDropper"


def encrypted_zip() -> bytes:
    data = bytearray(zipped(b"secret" * 99))
    data[6] |= 1  # the flag; the content would be noise
    data[data.index(b"PK\1\2") + 8] |= 1
    return bytes(data)


def deflate64() -> bytes:
    data = bytearray(zipped(b"x" * 99))
    data[8] = 9
    return bytes(data)


UNSEEN = {
    "encrypted zip": encrypted_zip(),
    "encrypted zip in a tar": tarred(encrypted_zip()),
    "rare packing": deflate64(),
    "7z": b"7z\xbc\xaf'\x1c" + bytes(90),
    "rar": b"Rar!\x1a\x07\x01\x00" + bytes(90),
    "7z in a zip": zipped(b"7z\xbc\xaf'\x1c" + bytes(90)),
    "cut zip": zipped(os.urandom(90_000))[:60_000],
    "cut gzip": gzip.compress(os.urandom(90_000))[:60_000],
    "short gzip": gzip.compress(b"hello")[:15],
    "bent zip": zipped(b"ab" * 9000)[:50] + b"\xff" * 60,
    "encrypted pdf": corpus.pdf(b"", trailer="/Encrypt 9 0 R"),
    "encrypted office": corpus.OLE + bytes(500) + corpus.wide("EncryptedPackage") + bytes(500),
}


@pytest.mark.parametrize("name", sorted(UNSEEN))
async def test_what_cannot_be_looked_into_is_unscannable_with_a_reason(name):
    verdict = await scanned(UNSEEN[name])
    assert verdict.status is ScanOutcome.UNSCANNABLE
    assert verdict.reason


# Version, flags, method, time, checksum and sizes: what opens a file by its zip's directory believes none of these.
BEFORE_CONTENT = st.binary(min_size=22, max_size=22)
METHODS = frozenset({*range(21), *range(93, 100)})


@given(st.binary(max_size=3000), BEFORE_CONTENT, st.sampled_from([100, 5000]))
@settings(max_examples=60, deadline=None)
async def test_an_encrypted_zip_behind_anything_is_never_clean_whatever_stands_before_its_content(before, bent, chunk):
    data = bytearray(encrypted_zip())
    assert (await scanned(before + data, chunk)).status is ScanOutcome.UNSCANNABLE
    data[4:26] = bent
    assert (await scanned(before + data, chunk)).status is ScanOutcome.UNSCANNABLE


@given(st.binary(min_size=42, max_size=42))
@settings(max_examples=40, deadline=None)
async def test_an_encrypted_zip_is_never_clean_whatever_its_directory_says(bent):
    data = bytearray(encrypted_zip())
    place = data.index(b"PK\1\2") + 4
    data[place : place + len(bent)] = bent
    assert (await scanned(bytes(data))).status is ScanOutcome.UNSCANNABLE


@given(st.binary(max_size=100), BEFORE_CONTENT, st.sampled_from([None, 0, 8]))
@settings(max_examples=80, deadline=None)
async def test_a_virus_in_a_zip_is_never_clean_whatever_stands_before_its_content(before, bent, method):
    data = bytearray(zipped(corpus.EICAR))
    data[4:26] = bent
    if method is not None:
        data[8:10] = method.to_bytes(2, "little")
    assert (await scanned(before + data)).status is not ScanOutcome.CLEAN


@given(
    st.integers(0, 60_000),
    st.sampled_from([b"PK\3\4", b"PK\1\2"]),
    BEFORE_CONTENT,
    st.integers(0, 0xFFFF).filter(lambda method: method not in METHODS),
    st.sampled_from([100, 5000, 64 << 10]),
)
@settings(max_examples=60, deadline=None)
async def test_noise_that_looks_like_an_encrypted_entry_is_none_and_what_lies_in_it_is_found(
    place, mark, fields, method, chunk
):
    noise = random.Random(place).randbytes(64_000)
    flags_at, rest_bytes = (6, 4) if mark == b"PK\3\4" else (8, 20)
    like = bytearray(mark + fields + bytes(rest_bytes))
    like[flags_at] |= 1
    like[flags_at + 2 : flags_at + 4] = method.to_bytes(2, "little")
    assert (await scanned(noise[:place] + like + noise[place:], chunk)).status is ScanOutcome.CLEAN
    inside = noise[:place] + like + zipped(corpus.EICAR) + noise[place:]
    assert (await scanned(inside, chunk)).signature == "EICAR.TestFile"


LONG = {
    "name": b"PK\3\4" + bytes(4) + b"\x08" + bytes(17) + b"\xff\xff\xff\xff",
    "unknown method": b"PK\3\4" + bytes(4) + b"\x77\x77" + bytes(16) + b"\xff\xff\xff\xff",
    "extra field": b" \x1f\x8b\x08\x04" + bytes(6) + b"\xff\xff",
}


@pytest.mark.parametrize("name", sorted(LONG))
@pytest.mark.parametrize("times", [1, 3])
async def test_a_header_that_would_go_on_behind_the_end_of_the_file_hides_nothing_of_it(name, times):
    header = LONG[name] * times
    assert (await scanned(header + bytes(900))).status is ScanOutcome.CLEAN
    for around in (bytes, gzip.compress):
        assert (await scanned(around(header + zipped(corpus.EICAR)))).signature == "EICAR.TestFile"
        assert (await scanned(around(header + encrypted_zip()))).status is ScanOutcome.UNSCANNABLE


@pytest.mark.parametrize("name", sorted(UNSEEN))
async def test_a_virus_beside_it_still_convicts(name):
    assert (await scanned(UNSEEN[name] + bytes(20) + corpus.EICAR)).status is ScanOutcome.INFECTED


async def test_archives_too_deep_in_archives_are_unscannable():
    data = b"x"
    for _ in range(scanner_layers.DEPTH_MAX):
        data = gzip.compress(data)
    assert (await scanned(data)).status is ScanOutcome.CLEAN
    verdict = await scanned(gzip.compress(data))
    assert verdict.status is ScanOutcome.UNSCANNABLE
    assert "deep" in (verdict.reason or "")


def quine_like(times: int) -> bytes:
    """Each layer holds the one below many times over: 30^times copies of a mebibyte."""
    data = bytes(1 << 20)
    for _ in range(times):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(30):
                archive.writestr(f"{number}.zip", data)
        data = out.getvalue()
    return data


BOMBS = {
    "flat": lambda: gzip.compress(bytes(400 << 20), 1),
    "nested": lambda: quine_like(3),
    "many": lambda: (b"PK\x03\x04" + bytes([20, 0, 0, 0, 8, 0]) + bytes(16) + bytes(4) + b"\x03\x00") * 10_000,
    "fakes": lambda: b"\x1f\x8b\x08\0\0\0\0\0\0\0\0\xff\xff" * 10_000,
}


@pytest.mark.parametrize("name", sorted(BOMBS))
async def test_a_bomb_takes_bounded_memory_and_work_and_is_never_clean(name, monkeypatch):
    monkeypatch.setattr(scanner_layers.Budget.__init__, "__defaults__", (16 << 20, 500, None))
    data = BOMBS[name]()
    tracemalloc.start()
    verdict = await scanned(data, 256 << 10)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert verdict.status is ScanOutcome.UNSCANNABLE
    assert peak_bytes < 24 << 20


@given(
    st.binary(max_size=4000), st.sampled_from(sorted(PACKS)), st.integers(0, 3999), st.binary(min_size=1, max_size=9)
)
@settings(max_examples=60, deadline=None)
async def test_bytes_that_were_bent_anywhere_end_in_a_verdict(data, pack, place, bent):
    packed = bytearray(PACKS[pack](data))
    place %= len(packed)
    packed[place : place + len(bent)] = bent
    assert (await scanned(bytes(packed))).status in set(ScanOutcome)


@pytest.mark.parametrize("before_border", [1 << 10, 20 << 10, 40 << 10, 60 << 10])
async def test_noise_that_begins_like_gzip_is_no_archive_and_what_lies_in_it_is_found(before_border):
    """Every 16 MiB of noise have such a place, and one in sixteen says that up to 64 KiB of anything come first."""
    header = b"\x1f\x8b\x08\x04" + bytes(6) + b"\xff\xff"
    noise = random.Random(1).randbytes(3 * scanner_layers._FEED_BYTES)
    place = 2 * scanner_layers._FEED_BYTES - before_border
    data = noise[:place] + header + noise[place:]
    assert (await scanned(data, scanner_layers._FEED_BYTES)).status is ScanOutcome.CLEAN
    inside = place + len(header) + (32 << 10)
    data = data[:inside] + zipped(corpus.EICAR) + data[inside:]
    assert (await scanned(data, scanner_layers._FEED_BYTES)).signature == "EICAR.TestFile"


async def test_what_a_film_or_a_document_is_made_of_is_no_archive():
    files = [kinds.film(), kinds.heic(), kinds.song(cover=kinds.jpeg()), kinds.office("odt", cover=kinds.png())]
    for data in (*files, corpus.pdf(b"0 0 m 9 9 l S"), in_pdf(b"0 0 m") + b"\n", os.urandom(3 << 20)):
        assert (await scanned(data)).status is ScanOutcome.CLEAN
