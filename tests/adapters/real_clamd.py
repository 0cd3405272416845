"""Debian's clamd with signatures of our own, for tests and benchmarks: started on a socket in a folder."""

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

MARK = b"CLAMD-KNOWS-THIS-AND-NOTHING-ELSE"
FOUND = "Vault.Test.Mark.UNOFFICIAL"
MISSING = "clamd is not installed (apt-get install clamav-daemon; make does it for root)"
LIMIT_BYTES = 100 << 20
_START_SECONDS = 30.0


def is_installed() -> bool:
    """Whether there is a clamd to start."""
    return shutil.which("clamd") is not None


class RealClamd:
    """A clamd that serves, or is stopped; `sign` gives it one more signature after its next start."""

    def __init__(self, folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self.url = f"unix://{folder / 'clamd.sock'}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "db").mkdir(parents=True)
        settings = {
            "LocalSocket": folder / "clamd.sock",
            "DatabaseDirectory": folder / "db",
            "TemporaryDirectory": folder,
            "Foreground": "yes",
            "LogFile": folder / "clamd.log",
            "StreamMaxLength": limit_bytes,
            "MaxScanSize": 4 * limit_bytes,
            "MaxFileSize": limit_bytes,
            "AlertEncrypted": "yes",
            "AlertExceedsMax": "yes",
        }
        (folder / "clamd.conf").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        self.sign({"Vault.Test.Mark": MARK})

    def sign(self, signatures: Mapping[str, bytes]) -> None:
        """More signatures, by the name of what they are of: these bytes anywhere, and the file of just these bytes.

        Of both kinds, since clamd works harder for each, and its own database has both.
        """
        with (self._folder / "db" / "vault.ndb").open("a") as known:
            known.writelines(f"{name}:0:*:{content.hex()}\n" for name, content in signatures.items())
        with (self._folder / "db" / "vault.hsb").open("a") as known:
            digests = {name: hashlib.sha256(content).hexdigest() for name, content in signatures.items()}
            known.writelines(f"{digest}:*:{name}:73\n" for name, digest in digests.items())

    def start(self) -> None:
        """Return when it answers."""
        self._process = subprocess.Popen(
            ["clamd", f"--config-file={self._folder / 'clamd.conf'}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self._folder / "clamd.log").read_text())
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it and wait."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None
            (self._folder / "clamd.sock").unlink(missing_ok=True)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
            client.connect(os.fspath(self._folder / "clamd.sock"))
            client.sendall(b"zPING\0")
            return client.recv(5) == b"PONG\0"
        return False


@contextlib.contextmanager
def running(
    folder: Path, signatures: Mapping[str, bytes] | None = None, limit_bytes: int = LIMIT_BYTES
) -> Iterator[RealClamd]:
    """A clamd that serves, with these signatures beside its mark, files of that size; nothing is left at the end."""
    clamd = RealClamd(folder, limit_bytes)
    clamd.sign(signatures or {})
    try:
        clamd.start()
        yield clamd
    finally:
        clamd.stop()
