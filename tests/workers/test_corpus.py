"""Real and broken files of every kind, through both workers: each comes to an end, and a bad one has a reason."""

import bz2
import gzip
import lzma
import os

import pytest

from tests.actions.test_quarantine import scanned, state
from tests.adapters import corpus, kinds
from tests.adapters.test_scanner_archives import PACKS, UNSEEN, encrypted_zip, quine_like
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.versions import ScanStatus, ThumbnailStatus

pytestmark = pytest.mark.usefixtures("no_office")
SCANNED = {ScanStatus.CLEAN, ScanStatus.INFECTED, ScanStatus.UNSCANNABLE}
DRAWN = {ThumbnailStatus.READY, ThumbnailStatus.UNSUPPORTED, ThumbnailStatus.FAILED}
WHOLE = {
    **{kind: corpus.encoded(corpus.picture(), kind) for kind in ("jpeg", "png", "webp", "gif", "tiff", "avif")},
    "heic": kinds.heic(),
    "svg": kinds.svg(),
    "pdf": corpus.pdf(b"1 0 0 rg 0 0 100 100 re f"),
    "mp4": kinds.film("mp4"),
    "avi": kinds.film("avi"),
    "song with cover": kinds.song("mp3", cover=kinds.jpeg()),
    "document": kinds.office("odt", cover=kinds.png()),
    "text": b"first line\nsecond line\n",
}
ODD = {
    "empty": b"",
    "one byte": b"\xff",
    "noise": os.urandom(5000),
    "zeros": bytes(100_000),
    "song": kinds.song("ogg"),
    "document without a picture": kinds.office("docx", cover=None),
    "giant png": corpus.png_header(60_000, 60_000),
    "gzip": gzip.compress(b"text" * 999),
    "bzip2": bz2.compress(b"text" * 999),
    "xz": lzma.compress(b"text" * 999, preset=0),
    "zips in zips": quine_like(2),
    "encrypted": encrypted_zip(),
    "virus in a tar": PACKS["tar.gz"](corpus.EICAR),
    **{f"unseen {name}": data for name, data in UNSEEN.items()},
    **{f"half a {name}": data[: len(data) // 2] for name, data in WHOLE.items()},
    **{f"{name}, bent": data[:20] + bytes(40) + data[60:] for name, data in WHOLE.items()},
}


@pytest.mark.parametrize("name", sorted(WHOLE))
async def test_a_whole_file_is_clean_and_shown(vault: Vault, alice: Actor, name: str) -> None:
    stored = await state(vault, await scanned(vault, alice, WHOLE[name]))
    assert (stored.version.scan.status, stored.version.thumbnail.status) == (ScanStatus.CLEAN, ThumbnailStatus.READY)
    assert stored.due_at is None


@pytest.mark.parametrize("name", sorted(ODD))
async def test_any_other_file_comes_to_an_end_with_a_reason(vault: Vault, alice: Actor, name: str) -> None:
    stored = await state(vault, await scanned(vault, alice, ODD[name]))
    scan, thumbnail = stored.version.scan, stored.version.thumbnail
    assert stored.due_at is None
    assert scan.status in SCANNED
    assert scan.status is not ScanStatus.UNSCANNABLE or scan.reason
    if scan.status is ScanStatus.CLEAN:
        assert thumbnail.status in DRAWN
        assert thumbnail.status is ThumbnailStatus.READY or thumbnail.reason
    else:
        assert thumbnail.status is ThumbnailStatus.PENDING, "nothing draws what is not clean"
