"""Zips as they are written: read back by others, whatever their sizes and number, and never whole by accident."""

import io
import shutil
import subprocess
import zipfile
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from vaultstream.zip_writer import ZipWriter

AT = datetime(2026, 3, 29, 1, 30, 16, tzinfo=UTC)
PIECE = b"x" * 65_536
PATHS = st.text(st.sampled_from("aé日😀 ./()"), min_size=1, max_size=30).filter(lambda path: not path.endswith("/"))


def zipped(files: dict[str, list[bytes]]) -> bytes:
    with ZipWriter() as writer:
        taken = []
        for path, pieces in files.items():
            with writer.file(path, AT, sum(map(len, pieces))) as write:
                for piece in pieces:
                    write(piece)
                    taken.append(writer.take())
        writer.finish()
        return b"".join([*taken, writer.take()])


def read(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def streamed(data: bytes) -> dict[str, bytes]:
    """The files of a zip by a reader that cannot seek: it finds each end in the deflated bytes themselves."""
    found, at = {}, 0
    while data[at : at + 4] == b"PK\x03\x04":
        name_bytes, extra_bytes = (int.from_bytes(data[at + place : at + place + 2], "little") for place in (26, 28))
        name = data[at + 30 : at + 30 + name_bytes].decode()
        body = zlib.decompressobj(-zlib.MAX_WBITS)
        found[name] = body.decompress(data[at + 30 + name_bytes + extra_bytes :])
        rest = body.unused_data
        assert body.eof
        assert rest[:4] == b"PK\x07\x08"
        assert int.from_bytes(rest[4:8], "little") == zlib.crc32(found[name])
        at = len(data) - len(rest) + 16
    assert data[at : at + 4] == b"PK\x01\x02"
    return found


@tried(max_examples=60)
@given(st.dictionaries(PATHS, st.lists(st.binary(max_size=200) | st.just(PIECE), max_size=4), min_size=1, max_size=6))
def test_what_is_written_is_read_back_by_readers_that_seek_and_by_those_that_cannot(files: dict[str, list[bytes]]):
    data, whole = zipped(files), {path: b"".join(pieces) for path, pieces in files.items()}
    assert read(data) == whole
    assert streamed(data) == whole


def test_a_zip_within_a_zip_does_not_confuse_who_cannot_seek():
    inner = zipped({"a": [b"a"], "b": [PIECE]})
    assert streamed(zipped({"inner.zip": [inner], "after": [b"!"]})) == {"inner.zip": inner, "after": b"!"}


@pytest.mark.skipif(shutil.which("unzip") is None, reason="there is no unzip here")
def test_info_zip_unpacks_it_with_its_names_and_times(tmp_path: Path):
    with ZipWriter() as writer:
        writer.folder("Ünï/", AT)
        writer.folder("Ünï/empty/", AT)
        with writer.file("Ünï/日本.txt", AT, 5) as write:
            write(b"hello")
        writer.finish()
        (tmp_path / "made.zip").write_bytes(writer.take())
    for command in (["unzip", "-t", "made.zip"], ["unzip", "made.zip"]):
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={"LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
    file = tmp_path / "Ünï" / "日本.txt"
    assert file.read_bytes() == b"hello"
    assert file.stat().st_mtime == AT.timestamp()
    assert file.stat().st_mode & 0o777 == 0o644
    assert list((tmp_path / "Ünï" / "empty").iterdir()) == []


def test_a_great_number_of_entries_is_written_as_zip64(tmp_path: Path):
    with ZipWriter() as writer, (tmp_path / "many.zip").open("wb") as file:
        for number in range(66_000):
            writer.folder(f"{number}/", AT)
            file.write(writer.take())
        writer.finish()
        file.write(writer.take())
    with zipfile.ZipFile(tmp_path / "many.zip") as archive:
        assert len(archive.namelist()) == 66_000
        assert archive.namelist()[-1] == "65999/"


def test_what_is_large_is_written_as_zip64_and_what_is_not_is_not(monkeypatch):
    small = zipped({"a": [b"a" * 300]})
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    data = zipped({"a": [b"a" * 300], "large": [b"b" * 4000], "z": [b"z"]})
    assert data[: len(small) - 100] == small[: len(small) - 100]
    versions = [info.extract_version for info in zipfile.ZipFile(io.BytesIO(data)).infolist()]
    assert versions == [20, 45, 45]  # the last one for where it begins
    assert read(data) == {"a": b"a" * 300, "large": b"b" * 4000, "z": b"z"}


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), (1980, 1, 1, 0, 0, 0)),
        (datetime(2200, 1, 1, tzinfo=UTC), (2107, 12, 31, 23, 59, 58)),
        (AT + timedelta(days=20_000), (2080, 12, 30, 1, 30, 16)),
    ],
)
def test_times_that_the_format_cannot_tell_are_told_as_near_as_it_can(at: datetime, shown: tuple[int, ...]):
    with ZipWriter() as writer:
        writer.folder("x/", at)
        writer.finish()
        (info,) = zipfile.ZipFile(io.BytesIO(writer.take())).infolist()
    assert info.date_time == shown


def test_what_is_broken_off_anywhere_is_no_zip():
    data = zipped({"a": [b"a" * 50], "b": [b"b"]})
    for end in range(len(data)):
        with pytest.raises(zipfile.BadZipFile):
            read(data[:end])


def test_nothing_is_left_to_take_of_what_failed():
    writer = ZipWriter()

    def fail() -> None:
        with writer, writer.file("a", AT, 10) as write:
            write(b"half")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        fail()
    assert writer.take() == b""


def test_nothing_waits_in_it_but_what_was_just_written():
    with ZipWriter() as writer, writer.file("a", AT, 1000 * len(PIECE)) as write:
        for _ in range(1000):
            write(PIECE)
            assert len(writer.take()) < 3 * len(PIECE)
