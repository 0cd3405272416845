"""Files to bring into the vault, each with its digest and a way to look for its bytes where they must not be."""

import hashlib
import os
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import corpus
import pyvips
import yara_x

WINDOW_BYTES = 32
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A file on the sender's side."""

    path: Path
    kind: str
    size_bytes: int
    sha256: str

    @property
    def name(self) -> str:
        return self.path.name

    def read(self, start: int, stop: int) -> bytes:
        """Some of its bytes."""
        with self.path.open("rb") as file:
            return os.pread(file.fileno(), stop - start, start)

    def windows(self, count: int) -> list[bytes]:
        """Random runs of its bytes, none of which stands anywhere else by chance."""
        starts = [random.randrange(self.size_bytes - WINDOW_BYTES) for _ in range(count)]
        windows = (self.read(start, start + WINDOW_BYTES) for start in starts)
        return [window for window in windows if len(set(window)) > WINDOW_BYTES // 3]


def kept(path: Path, kind: str, data: bytes) -> Source:
    """A file with this data."""
    path.write_bytes(data)
    return Source(path, kind, len(data), hashlib.sha256(data).hexdigest())


def random_file(path: Path, size_bytes: int) -> Source:
    """A file of random bytes, made in bounded memory."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for start in range(0, size_bytes, _PIECE_BYTES):
            piece = os.urandom(min(_PIECE_BYTES, size_bytes - start))
            digest.update(piece)
            file.write(piece)
    return Source(path, "application/octet-stream", size_bytes, digest.hexdigest())


def photo(path: Path, width: int = 1600, height: int = 1200) -> Source:
    """A JPEG as a camera's: full of noise, so that its bytes are its own."""
    noise = pyvips.Image.gaussnoise(width, height, mean=128, sigma=40, seed=random.randrange(1 << 30))
    image = noise.bandjoin([noise.fliphor(), noise.flipver()]).cast("uchar").copy(interpretation="srgb")
    return kept(path, "image/jpeg", corpus.encoded(image, "jpeg", Q=90))


def document(path: Path) -> Source:
    """A PDF of one page: some strokes from place to random place, and random remarks that nobody sees."""
    strokes = "\n".join(f"{random.uniform(0, 200):.4f} {random.uniform(0, 100):.4f} l" for _ in range(200))
    remarks = "\n".join(f"% {random.randbytes(60).hex()}" for _ in range(4_000))
    return kept(path, "application/pdf", corpus.pdf(f"0 0 m {strokes} S\n{remarks}".encode()))


def found_in(folder: Path, windows: Iterable[bytes]) -> list[Path]:
    """The files below a folder that hold any of these windows, all of them looked for in one pass."""
    patterns = "\n".join(f"$w{number} = {{ {window.hex(' ')} }}" for number, window in enumerate(windows))
    scanner = yara_x.Scanner(yara_x.compile(f"rule plaintext {{ strings: {patterns} condition: any of them }}"))
    return [path for path in folder.rglob("*") if path.is_file() and _holds(scanner, path)]


def _holds(scanner: yara_x.Scanner, path: Path) -> bool:
    try:
        file = path.open("rb")
    except FileNotFoundError:  # servers put new files in the place of old ones while they run
        return False
    with file:
        fd = file.fileno()  # what is open stays, whatever becomes of its name
        return os.fstat(fd).st_size > 0 and bool(scanner.scan_file(f"/proc/self/fd/{fd}").matching_rules)
