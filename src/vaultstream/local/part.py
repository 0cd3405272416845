"""A part of the embedded stack: what to start, where it listens, and how to see that it serves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Part:
    """One program on loopback.

    `is_ready` asks it once and answers at once; `ready_seconds` is how long a start may take, `stop_seconds` how
    long an orderly stop may. `ids` is the uid and gid it runs under when that is not ours.
    """

    name: str
    serves: str
    port: int
    command: tuple[str, ...]
    is_ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)  # holds keys
    folder: Path | None = None
    ids: tuple[int, int] | None = None
    ready_seconds: float = 20.0
    stop_seconds: float = 5.0
    stop_signal: int = 15

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}" if self.port else "-"


class PartFailed(Exception):
    """A part did not start; the message names it and shows the end of its log."""
