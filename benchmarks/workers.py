"""Workers beside their peers: thumbnails beside sharp, scans beside clamd alone: `python -m benchmarks.workers`.

Thumbnails: how many pictures become three WebP sizes in a second of CPU time, of all processes together. Scans: wall
clock of a sealed version on its way through store, key, rules and clamd, beside clamd fed from memory. Rivals take
turns in every round; ratios are taken round by round, then their median.
"""

import argparse
import asyncio
import json
import os
import random
import resource
import socket
import statistics
import struct
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyvips

from benchmarks import report
from benchmarks.vault import dev_vault
from tests.adapters import offices, real_clamd
from vaultstream.actions import account, process, upload
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.render_child import render_picture
from vaultstream.adapters.renderer import Renderer
from vaultstream.adapters.renderer_office import Office
from vaultstream.adapters.renderer_process import DEFAULT_LIMITS
from vaultstream.adapters.vault import Vault, opened
from vaultstream.versions import ScanStatus, StoredVersion
from vaultstream.workers import scan

SHARP = Path(__file__).parent / "sharp"
MEBIBYTE = 1 << 20
CHUNK_BYTES = 256 << 10
RENDERS_A_ROUND = 5
SIGNATURES = 100_000
SIGNATURE_BYTES = 24


def main() -> None:
    """Measure, and print or keep the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--mebibytes", type=int, nargs="+", default=[16, 64, 256], help="of the files that are scanned")
    parser.add_argument("--write", action="store_true", help="keep the report in results/")
    chosen = parser.parse_args()
    drawn = asyncio.run(documents(chosen.rounds))
    subprocess.run(["npm", "ci", "--silent"], cwd=SHARP, check=True)
    text = "\n\n".join(
        [
            "# Workers",
            report.machine() + ".",
            drawn,
            asyncio.run(thumbnails(chosen.rounds)),
            asyncio.run(scans(chosen.rounds, chosen.mebibytes)),
        ]
    )
    if chosen.write:
        report.write("workers", text + "\n")
    else:
        print(text)


async def documents(rounds: int) -> str:
    """The table of Office documents. It comes first: the kernel keeps the largest of all memories there have been."""
    office = Office(DEFAULT_LIMITS)
    if not (offices.is_installed() and await office.works()):
        return f"## Office documents\n\nNot measured: {offices.MISSING}, or cannot be walled in."
    rows = []
    for pages in (1, 10, 100):
        document, walls, cpus = offices.docx(pages), [], []
        for _ in range(rounds):
            wall, cpu = time.perf_counter(), _cpu_seconds_of_the_ended()
            await office.pdf_of(document)
            walls.append(time.perf_counter() - wall)
            cpus.append(_cpu_seconds_of_the_ended() - cpu)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        rows.append([f"{pages}", f"{statistics.median(walls):.2f}", f"{statistics.median(cpus):.2f}", f"{peak:.0f}"])
    head = ["pages", "seconds", "CPU seconds", "memory of the largest process, MiB"]
    return (
        "## Office documents\n\nA PDF of the first page of a docx, by LibreOffice in a world of its own, whose making "
        "and end are included. Pages have 500 words.\n\n" + report.table(head, rows)
    )


def _cpu_seconds_of_the_ended() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def pictures() -> dict[str, bytes]:
    """Pictures with detail and noise in them, as cameras make them."""

    def photo(width: int, height: int) -> pyvips.Image:
        noise = pyvips.Image.gaussnoise(width, height, sigma=12, seed=7)
        waves = pyvips.Image.sines(width, height, hfreq=9, vfreq=5) * 90 + 120
        bands = [(waves + noise).cast("uchar"), (waves.fliphor() + noise).cast("uchar"), (noise + 128).cast("uchar")]
        return bands[0].bandjoin(bands[1:]).copy(interpretation="srgb")

    return {
        "JPEG, 12 Mpx": photo(4000, 3000).jpegsave_buffer(Q=88),
        "JPEG, 2 Mpx": photo(1600, 1200).jpegsave_buffer(Q=88),
        "PNG, 4 Mpx": photo(2400, 1700).pngsave_buffer(compression=6),
        "WebP, 4 Mpx": photo(2400, 1700).webpsave_buffer(Q=80),
    }


async def thumbnails(rounds: int) -> str:
    """The table of thumbnails."""
    rows = []
    for name, data in pictures().items():
        ours, bare, sharp = [], [], []
        renderer = Renderer(parallel=1)
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            for _ in range(rounds):
                ours.append(await _rendered(renderer, data))
                bare.append(_drawn(data))
                sharp += _sharp_seconds(Path(file.name))
        await renderer.close()
        ratios = [theirs / mine for theirs, mine in zip(sharp, ours, strict=True)]
        bare_ratios = [theirs / mine for theirs, mine in zip(sharp, bare, strict=True)]
        rows.append([name, *(f"{1 / statistics.median(each):.1f}" for each in (sharp, bare, ours))])
        rows[-1] += [report.spread(bare_ratios, ".2f"), report.spread(ratios, ".2f")]
    head = ["pictures a CPU second", "sharp", "our drawing", "in its own process", "drawing ÷ sharp", "process ÷ sharp"]
    return (
        "## Thumbnails\n\nThree sizes of each picture as WebP. sharp runs warm, in one process that draws them all; so "
        "does “our drawing”. “In its own process” is what the worker does: a fork for every picture, confined, its "
        "birth and its end included.\n\n" + report.table(head, rows)
    )


async def _rendered(renderer: Renderer, data: bytes) -> float:
    """CPU seconds a picture, of this process, of what forks and of the forks, which the kernel counts in hundredths."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(data), CHUNK_BYTES):
            yield data[start : start + CHUNK_BYTES]

    await renderer.render(pieces(), "image/x", len(data))
    before = _cpu_seconds_of_children() + time.process_time()
    for _ in range(RENDERS_A_ROUND):
        await renderer.render(pieces(), "image/x", len(data))
    return (_cpu_seconds_of_children() + time.process_time() - before) / RENDERS_A_ROUND


def _drawn(data: bytes) -> float:
    render_picture(data)
    before = time.process_time()
    render_picture(data)
    return time.process_time() - before


def _sharp_seconds(path: Path) -> list[float]:
    told = subprocess.run(["node", SHARP / "draw.js", "1", path], check=True, capture_output=True)
    return list(json.loads(told.stdout))


def _cpu_seconds_of_children() -> float:
    """Of those that run, and of those of theirs that have ended (proc(5): utime, stime, cutime, cstime)."""
    listings = [path.read_text().split() for path in Path("/proc/self/task").glob("*/children")]
    stats = [
        Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split() for found in listings for child in found
    ]
    return sum(int(ticks) for stat in stats for ticks in stat[11:15]) / os.sysconf("SC_CLK_TCK")


async def scans(rounds: int, mebibytes: Sequence[int]) -> str:
    """The table of scans."""
    if not real_clamd.is_installed():
        return f"## Scans\n\nNot measured: {real_clamd.MISSING}."
    limit_bytes = max(mebibytes) * MEBIBYTE
    rows = []
    with dev_vault() as dev, tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        with real_clamd.running(Path(folder) / "it", _signatures(), limit_bytes) as clamd:
            settings = replace(dev.settings(), clamd_url=clamd.url, clamd_limit_bytes=limit_bytes)
            async with opened(settings) as vault:
                for count in mebibytes:
                    for name, data in _contents(count).items():
                        rows.append([f"{name}, {count} MiB", *await _raced(vault, clamd.url, data, rounds)])
    head = ["MB/s", "clamd alone", "through the vault", "ratio", "the worker's CPU, ms a MB"]
    return (
        f"## Scans\n\nclamd with {SIGNATURES:,} signatures of bytes and as many of whole files. Alone, it is fed from "
        f"memory over the same Unix socket, {CHUNK_BYTES >> 10} KiB at a time; through the vault, the same bytes come "
        "sealed from the store, are opened, hashed, looked into for archives and shown to the rules as well.\n\n"
        + report.table(head, rows)
    )


async def _raced(vault: Vault, url: str, data: bytes, rounds: int) -> list[str]:
    """A row of the table, but for its name."""
    stored = await _stored(vault, data)
    await asyncio.to_thread(_clamd_seconds, url, data)  # neither counts its first
    await _scan_seconds(vault, stored)
    alone, ours, cpu = [], [], []
    for _ in range(rounds):
        alone.append(await asyncio.to_thread(_clamd_seconds, url, data))
        seconds, cpu_seconds = await _scan_seconds(vault, stored)
        ours.append(seconds)
        cpu.append(cpu_seconds)
    ratios = [theirs / mine for theirs, mine in zip(alone, ours, strict=True)]
    megabytes = len(data) / 1e6
    speeds = [f"{megabytes / statistics.median(each):.0f}" for each in (alone, ours)]
    return [*speeds, report.spread(ratios, ".2f"), f"{1000 * statistics.median(cpu) / megabytes:.1f}"]


def _contents(mebibytes: int) -> dict[str, bytes]:
    """Noise, as of films and pictures, and words."""
    chance = random.Random(6)
    words = [chance.randbytes(9).hex() for _ in range(999)]
    text = " ".join(chance.choices(words, k=MEBIBYTE // 19 + 1)).encode()[:MEBIBYTE]
    return {"noise": b"".join(chance.randbytes(MEBIBYTE) for _ in range(mebibytes)), "text": text * mebibytes}


def _signatures() -> dict[str, bytes]:
    chance = random.Random(5)
    return {f"Bench.{number}": chance.randbytes(SIGNATURE_BYTES) for number in range(SIGNATURES)}


async def _stored(vault: Vault, data: bytes) -> StoredVersion:
    """The bytes as a version, once the vault's own workers are done with it."""
    origin = Origin("benchmark", "127.0.0.1", "benchmark")
    user_id = await account.sign_in(vault, "bench@example.com", "bench", origin)
    actor = Actor(user_id, origin, vault.now())

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(data), CHUNK_BYTES):
            yield data[start : start + CHUNK_BYTES]

    begun = await upload.begin(vault, actor, Wanted(name=vault.unique(), size_bytes=len(data)))
    await upload.receive(vault, actor, begun.id, 0, pieces())
    while True:
        found = await process.load(vault, begun.target.file_id, 1)
        if found is not None and found[1].due_at is None:
            return found[1]
        await asyncio.sleep(0.2)


async def _scan_seconds(vault: Vault, stored: StoredVersion) -> tuple[float, float]:
    """How long it took, and how long all threads of this process worked at it."""
    before, cpu_before = time.perf_counter(), time.process_time()
    looked = await scan.look(vault, stored)
    took = time.perf_counter() - before, time.process_time() - cpu_before
    if looked.status is not ScanStatus.CLEAN:
        raise RuntimeError(f"the scan came to {looked}")
    return took


def _clamd_seconds(url: str, data: bytes) -> float:
    """INSTREAM as clamd's own client sends it, from memory."""
    view = memoryview(data)
    before = time.perf_counter()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(url.removeprefix("unix://"))
        client.sendall(b"zINSTREAM\0")
        for start in range(0, len(view), CHUNK_BYTES):
            piece = view[start : start + CHUNK_BYTES]
            client.sendall(struct.pack("!I", len(piece)))
            client.sendall(piece)
        client.sendall(bytes(4))
        if client.recv(99) != b"stream: OK\0":
            raise RuntimeError("clamd alone did not call it clean")
    return time.perf_counter() - before


if __name__ == "__main__":
    main()
