"""Which loopback port each part has: chosen free at the first start, and the same ever after."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

from vaultstream.local.probes import free_port, is_free

NAMES = ("dynamodb", "s3", "kms", "aws", "redis", "postgresql", "replica", "sign-in")
_WAIT_SECONDS = 3.0  # for the parts of a stack that was just killed to let go


def known(folder: Path) -> dict[str, int]:
    """The ports of the stack that used this folder last; empty before the first."""
    path = folder / "ports.json"
    return json.loads(path.read_text()) if path.exists() else {}


def claim(folder: Path, taken: int, names: Sequence[str] = NAMES) -> tuple[dict[str, int], list[str]]:
    """A port of its own for every part, none of them `taken`, and the names of those that had to move."""
    ports = known(folder)
    deadline = time.monotonic() + _WAIT_SECONDS
    while any(not is_free(port) for port in ports.values()) and time.monotonic() < deadline:
        time.sleep(0.05)
    moved = [name for name, port in ports.items() if port == taken or not is_free(port)]
    kept = {name: port for name, port in ports.items() if name not in moved}
    for name in names:
        while name not in kept:
            port = free_port()
            if port not in {taken, *kept.values()}:  # nobody listens there yet, so to look is not enough
                kept[name] = port
    new = folder / "ports.json.new"
    new.write_text(json.dumps(kept, indent=2))
    new.replace(folder / "ports.json")
    return kept, moved
