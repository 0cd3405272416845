"""Debian's own clamd, reached as in production: what it finds counts, and while it is gone nothing is clean."""

import asyncio
import gzip
import io
import os
import signal
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.adapters import real_clamd
from tests.adapters.real_clamd import FOUND, MARK, RealClamd
from tests.adapters.test_scanner_archives import encrypted_zip
from vaultstream.adapters.scanner import Scanner
from vaultstream.verdict import ScannerUnavailable, ScanOutcome

pytestmark = pytest.mark.skipif(not real_clamd.is_installed(), reason=real_clamd.MISSING)


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClamd]:
    with real_clamd.running(tmp_path_factory.mktemp("clamd") / "it") as clamd:
        yield clamd


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


def packed(content: bytes, times: int) -> bytes:
    for number in range(times):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{number}.bin", content)
        content = out.getvalue()
    return content


@pytest.mark.parametrize(
    "data",
    [MARK, bytes(3 << 20) + MARK, gzip.compress(MARK), packed(MARK, 1), packed(MARK, 4)],
    ids=["alone", "deep inside", "gzip", "zip", "zips in zips"],
)
async def test_its_signatures_convict(clamd, data):
    verdict = await Scanner(clamd.url).scan(pieces(data))
    assert (verdict.status, verdict.signature) == (ScanOutcome.INFECTED, FOUND)
    assert "ClamAV 1." in verdict.engine


async def test_what_neither_engine_knows_is_clean(clamd):
    await Scanner(clamd.url).ping()
    verdict = await Scanner(clamd.url).scan(pieces(os.urandom(1 << 20), b"harmless", packed(b"x" * 999, 3)))
    assert verdict.status is ScanOutcome.CLEAN
    assert "yara-x" in verdict.engine
    assert "ClamAV" in verdict.engine


async def test_what_is_encrypted_is_unscannable(clamd):
    assert (await Scanner(clamd.url).scan(pieces(encrypted_zip()))).status is ScanOutcome.UNSCANNABLE


async def test_an_archive_that_only_clamd_knows_is_left_to_it(clamd):
    foreign = b"7z\xbc\xaf'\x1c\x00\x04" + bytes(90)
    assert (await Scanner().scan(pieces(foreign))).status is ScanOutcome.UNSCANNABLE
    assert (await Scanner(clamd.url).scan(pieces(foreign, MARK))).signature == FOUND


async def test_a_file_beyond_its_limits_is_unscannable_and_a_mark_at_its_end_is_no_hole(clamd):
    async def large() -> AsyncIterator[bytes]:
        for _ in range(101):
            yield bytes(1 << 20)
        yield MARK

    assert (await Scanner(clamd.url).scan(large())).status is ScanOutcome.UNSCANNABLE


async def test_a_bomb_ends_in_a_verdict_that_is_not_clean(clamd):
    bomb = gzip.compress(bytes(500 << 20), 1)
    assert (await Scanner(clamd.url).scan(pieces(bomb))).status is ScanOutcome.UNSCANNABLE


async def test_killed_in_the_middle_it_gives_no_verdict_and_started_again_it_does(tmp_path: Path):
    with real_clamd.running(tmp_path / "it") as clamd:

        async def source() -> AsyncIterator[bytes]:
            yield bytes(1 << 20)
            await asyncio.to_thread(clamd.stop, signal.SIGKILL)
            yield bytes(8 << 20)

        with pytest.raises(ScannerUnavailable):
            await Scanner(clamd.url).scan(source())
        with pytest.raises(ScannerUnavailable):
            await Scanner(clamd.url).scan(pieces(b"x"))
        clamd.sign({"Vault.Test.New": b"A-SIGNATURE-OF-TODAY"})
        await asyncio.to_thread(clamd.start)
        verdict = await Scanner(clamd.url).scan(pieces(b"A-SIGNATURE-OF-TODAY"))
        assert verdict.signature == "Vault.Test.New.UNOFFICIAL"
