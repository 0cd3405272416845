"""What a transfer costs, and what sealing has of it: `python -m benchmarks.transfer [--size-mib 2048] [--rounds 3]`.

Three doors take turns in every round, each a process of its own before the same servers: the vault, the vault with
its AES-GCM replaced by a copy (`doors/unsealed.py`), and a bare proxy to S3 (`doors/proxy.py`). Workers do not run
for them: a version is called clean by the step that the scan worker would take.
"""

import argparse
import asyncio
import hashlib
import os
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import psutil

from benchmarks import seal, transfer_report
from benchmarks.client import Client
from benchmarks.meter import Cost, metered
from benchmarks.transfer_report import Runs
from benchmarks.vault import DevVault, dev_vault, door, own_world
from vaultstream.actions import process
from vaultstream.adapters import clients
from vaultstream.adapters.vault import opened
from vaultstream.events import EventName
from vaultstream.settings import Settings
from vaultstream.versions import ScanStatus, StoredVersion

PIECE_BYTES = 8 * 2**20
TYPE = "application/octet-stream"
DOORS = {
    "sealed": "vaultstream.commands.serve",
    "unsealed": "benchmarks.doors.unsealed",
    "proxy": "benchmarks.doors.proxy",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A file of random bytes."""

    path: Path
    size_bytes: int
    sha256: str

    @classmethod
    def made(cls, folder: Path, size_bytes: int) -> "Source":
        """A new one."""
        path, digest = folder / "random", hashlib.sha256()
        with path.open("wb") as file:
            for _ in range(0, size_bytes, PIECE_BYTES):
                block = os.urandom(PIECE_BYTES)
                digest.update(block)
                file.write(block)
        return cls(path, size_bytes, digest.hexdigest())


@dataclass(frozen=True, slots=True)
class Door:
    """One API process, and who pays for what is done through it."""

    name: str
    settings: Settings
    api: psutil.Process
    s3: psutil.Process
    token: Callable[[], str]

    @contextmanager
    def client(self) -> Iterator[Client]:
        """A connection to it, for alice."""
        token = "" if self.name == "proxy" else self.token()
        with Client(self.settings.public_url, token) as client:
            yield client

    def metered(self, deed: Callable[[], None]) -> Cost:
        """What a deed costs."""
        with metered(self.api, self.s3) as cost:
            deed()
        return cost

    def measured(self, source: Source) -> dict[str, Cost]:
        """All the ways of a transfer once; nothing of it is left in the store."""
        costs: dict[str, Cost] = {}
        with self.client() as client, source.path.open("rb") as file:
            if self.name == "proxy":
                costs["upload, one request"] = self.metered(lambda: client.put("/object", file, source.size_bytes))
                path = "/object"
            else:
                begun = [client.begin(f"{os.urandom(8).hex()}", source.size_bytes, TYPE) for _ in range(2)]
                costs["upload, one request"] = self.metered(lambda: _send(client, begun[0], file, source.size_bytes))
                file.seek(0)
                costs["upload, 8 MiB requests"] = self.metered(lambda: _send(client, begun[1], file, PIECE_BYTES))
                file_id = client.file_of(begun[0])
                asyncio.run(_call_clean(self.settings, file_id))
                path = client.link(file_id)
            costs["download, one request"] = self.metered(lambda: _read(client, path, source, source.size_bytes))
            costs["download, 8 MiB ranges"] = self.metered(lambda: _read(client, path, source, PIECE_BYTES))
        asyncio.run(_empty(self.settings))
        return costs


def _send(client: Client, path: str, file: BinaryIO, piece_bytes: int) -> None:
    size_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    for offset in range(0, size_bytes, piece_bytes):
        client.send(path, file, offset, min(piece_bytes, size_bytes - offset))


def _read(client: Client, path: str, source: Source, piece_bytes: int) -> None:
    digest = hashlib.sha256()
    if piece_bytes >= source.size_bytes:
        client.read(path, digest)
    else:
        for start in range(0, source.size_bytes, piece_bytes):
            client.read(path, digest, start, min(start + piece_bytes, source.size_bytes))
    assert digest.hexdigest() == source.sha256, "the bytes that came back are not the bytes that were sent"


async def _call_clean(settings: Settings, file_id: str) -> None:
    """What the scan worker writes for a clean version."""
    async with opened(settings) as vault:

        def step(stored: StoredVersion) -> StoredVersion:
            scanning = process.with_scan(vault, stored, ScanStatus.SCANNING)
            return process.with_scan(vault, scanning, ScanStatus.CLEAN, finished_at=vault.now(), engine="none")

        told = process.worker_event(vault, "scan", EventName.VERSION_SCANNED, "benchmark")
        await process.advance(vault, file_id, None, step, told)


async def _empty(settings: Settings) -> None:
    """Remove every object of the bucket."""
    async with clients.client(clients.session(settings), settings, "s3") as s3:
        page = await s3.list_objects_v2(Bucket=settings.bucket)
        for item in page.get("Contents", []):
            await s3.delete_object(Bucket=settings.bucket, Key=item["Key"])


def openssl_seconds_per_gb() -> float:
    """CPU seconds for 10^9 bytes by the system's own `openssl speed`, in blocks of 64 KiB."""
    command = ["openssl", "speed", "-mr", "-seconds", "1", "-bytes", "65536", "-evp", "aes-256-gcm"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = next(line for line in told.splitlines() if line.startswith("+F:")).rpartition(":")[2]
    return 1e9 / float(rate)


def bare_seconds_per_gb() -> tuple[float, float]:
    """CPU seconds for 10^9 bytes by bare `AESGCM` calls on frames of 64 KiB, to seal and to open."""
    plain, frames = os.urandom(seal.SIZE_BYTES), seal.bare_frames()
    deeds = (lambda: seal.bare_seal(plain), lambda: seal.bare_open(frames))
    sealing, opening = [seal.cpu_seconds(deed) * 1e9 / seal.SIZE_BYTES for deed in deeds]
    return sealing, opening


@contextmanager
def doors(dev: DevVault) -> Iterator[list[Door]]:
    """Every door, open."""
    logs = dev.folder / "door-logs"
    logs.mkdir()
    with ExitStack() as stack:
        opened_doors = []
        for name, module in DOORS.items():
            settings = asyncio.run(own_world(replace(dev.settings(), default_quota_bytes=2**50), name))
            api = stack.enter_context(door(settings, module, logs))
            opened_doors.append(Door(name, settings, api, dev.part("s3"), dev.token))
        yield opened_doors


def measured(size_bytes: int, rounds: int) -> Runs:
    """Every way through every door, in every round; the order of the doors changes from round to round."""
    runs = Runs(size_bytes, defaultdict(list), defaultdict(list))
    with dev_vault() as dev, doors(dev) as all_doors, tempfile.TemporaryDirectory() as folder:
        source = Source.made(Path(folder), size_bytes)
        for turn in range(rounds):
            for index in range(len(all_doors)):
                one = all_doors[(turn + index) % len(all_doors)]
                for way, cost in one.measured(source).items():
                    runs.costs[way, one.name].append(cost)
                    print(f"round {turn + 1}: {one.name}, {way}: {cost}", flush=True)
            for name, seconds in zip(("seal", "open"), bare_seconds_per_gb(), strict=True):
                runs.limits[name].append(seconds)
            runs.limits["openssl"].append(openssl_seconds_per_gb())
    return runs


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size-mib", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="keep the report in benchmarks/results")
    options = parser.parse_args()
    transfer_report.told(measured(options.size_mib * 2**20, options.rounds), keep=options.write)


if __name__ == "__main__":
    main()
