"""Keeps the parts running: starts them, starts again what died, stops them all in order."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vaultstream.local.part import Part, PartFailed
from vaultstream.local.process import Process, describe_exit

_START_ATTEMPTS = 3  # PostgreSQL refuses while what was left of its killed predecessor goes
_START_PAUSE_SECONDS = 0.3
_BACKOFF_SECONDS = 0.25
_BACKOFF_SECONDS_MAX = 10.0
_STEADY_SECONDS = 30.0

Say = Callable[[str], None]


@dataclass(slots=True)
class _Watched:
    """A part, its process, and how its starts went lately."""

    part: Part
    process: Process | None = None
    failures: int = 0
    started_at: float = 0.0
    retry_at: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """The processes of one stack; `say` takes a line for the person who started it."""

    logs: Path
    say: Say
    _groups: list[list[_Watched]] = field(default_factory=list)

    def start(self, parts: Sequence[Part]) -> None:
        """Start some parts at once and wait until all serve; raises PartFailed for the first that does not."""
        new = [_Watched(part) for part in parts]
        self._groups.append(new)
        for watched in new:
            watched.process = Process(watched.part, self.logs)
        for watched in new:
            self._settle(watched)

    def revive(self) -> list[Part]:
        """Start again whatever died; returns the parts that serve again."""
        everything = [watched for group in self._groups for watched in group]
        return [watched.part for watched in everything if self._needs_start(watched) and self._restart(watched)]

    def kill(self, name: str) -> None:
        """End a part at once, as a crash would; `revive` starts it again."""
        for watched in (each for group in self._groups for each in group):
            if watched.part.name == name and watched.process is not None:
                watched.process.kill()

    def stop(self) -> None:
        """Stop everything, the last started first; what was started together is stopped together."""
        for group in reversed(self._groups):
            processes = [watched.process for watched in group if watched.process is not None]
            for process in processes:
                process.ask_to_stop()
            for process in processes:
                process.stop()

    def _settle(self, watched: _Watched) -> None:
        """Wait until a part serves, with some more tries; raises PartFailed."""
        for attempt in range(_START_ATTEMPTS):
            if watched.process is None:
                watched.process = Process(watched.part, self.logs)
            try:
                watched.process.wait_ready()
            except PartFailed:
                watched.process.stop()
                watched.process = None
                if attempt == _START_ATTEMPTS - 1:
                    raise
                time.sleep(_START_PAUSE_SECONDS)
            else:
                watched.started_at = time.monotonic()
                return

    def _needs_start(self, watched: _Watched) -> bool:
        if watched.process is not None and watched.process.exit_code is not None:
            self._note_death(watched, watched.process.exit_code)
        return watched.process is None and time.monotonic() >= watched.retry_at

    def _note_death(self, watched: _Watched, exit_code: int) -> None:
        now = time.monotonic()
        watched.failures = 0 if now - watched.started_at > _STEADY_SECONDS else watched.failures + 1
        watched.retry_at = now + (_backoff(watched.failures) if watched.failures > 1 else 0)
        if watched.process is not None:
            watched.process.stop()  # what it may have left behind
        watched.process = None
        self.say(f"{watched.part.name} ended ({describe_exit(exit_code)}); starting it again")

    def _restart(self, watched: _Watched) -> bool:
        try:
            self._settle(watched)
        except PartFailed as failed:
            watched.failures += 1
            watched.retry_at = time.monotonic() + _backoff(watched.failures)
            self.say(f"{failed}\n{watched.part.name} is tried again in {_backoff(watched.failures):.0f} s")
            return False
        self.say(f"{watched.part.name} serves again at {watched.part.address}")
        return True


def _backoff(failures: int) -> float:
    return min(_BACKOFF_SECONDS * 2.0**failures, _BACKOFF_SECONDS_MAX)
