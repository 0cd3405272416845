"""A part that runs: started in a session of its own, watched until it serves, stopped within a bound."""

import os
import signal
import subprocess
import time
from pathlib import Path

from vaultstream.local.part import Part, PartFailed
from vaultstream.local.privileges import before_exec
from vaultstream.local.probes import listens

_LOG_TAIL_LINES = 12
_LOG_TAIL_BYTES = 16 * 1024
_READY_POLL_SECONDS = 0.02


class Process:
    """A started part, whose output is added to its log."""

    def __init__(self, part: Part, logs: Path) -> None:
        self.part = part
        self.log = logs / f"{part.name}.log"
        self._is_asked = False
        self._child = self._spawn()

    @property
    def pid(self) -> int:
        """The process id, also that of its session and group."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended (negative: by which signal), or None while it runs."""
        return self._child.poll()

    def wait_ready(self) -> None:
        """Return once the part serves; raises PartFailed when it ended first or takes too long."""
        deadline = time.monotonic() + self.part.ready_seconds
        while not self._serves():
            if self.exit_code is not None:
                raise PartFailed(self._account(f"ended at its start ({describe_exit(self.exit_code)})"))
            if time.monotonic() > deadline:
                self.stop()
                raise PartFailed(self._account(f"did not serve within {self.part.ready_seconds:.0f} seconds"))
            time.sleep(_READY_POLL_SECONDS)

    def _serves(self) -> bool:
        """Whether the part answers, and it is this process that does."""
        return self.part.is_ready() and (not self.part.port or listens(self.pid, self.part.port))

    def ask_to_stop(self) -> None:
        """Begin an orderly stop; `stop` waits for its end."""
        self._is_asked = True
        if self.exit_code is None:
            self._child.send_signal(self.part.stop_signal)

    def stop(self) -> None:
        """Stop in order, and by force when that takes longer than the part's bound. A second call is harmless."""
        if not self._is_asked:
            self.ask_to_stop()
        try:
            self._child.wait(self.part.stop_seconds)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._kill_group()

    def kill(self) -> None:
        """End it and what it started, at once."""
        if self.exit_code is None:
            self._kill_group()

    def _kill_group(self) -> None:
        """End what the program started itself and left behind."""
        try:
            os.killpg(self._child.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            os.fchmod(log.fileno(), 0o600)
            return subprocess.Popen(  # noqa: S603  # our own command, never a shell
                self.part.command,
                env={**inherited_env(), **self.part.env},
                cwd=self.part.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # the terminal's Ctrl-C is for the supervisor alone
                preexec_fn=before_exec(self.part.ids),  # noqa: PLW1509  # only system calls, and no other thread forks
            )

    def _account(self, what: str) -> str:
        lines = [f"{self.part.name} {what}. The end of its log, {self.log}:"]
        return "\n".join(lines + [f"    {line}" for line in tail(self.log)])


def inherited_env() -> dict[str, str]:
    """What every part may know of our environment: nothing that would point it at another vault or at AWS."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("VAULTSTREAM_", "AWS_", "PG"))}


def describe_exit(code: int) -> str:
    """An exit code in words."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def tail(log: Path) -> list[str]:
    """The last lines of a log, reading no more of it than its end."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOG_TAIL_BYTES))
        return file.read().decode(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
