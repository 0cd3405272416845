"""Programs of partners, run as they run them: as processes of their own."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCHEMA = ROOT / "schema" / "schema.graphql"
OPERATIONS = HERE / "operations"
SECONDS_MAX = 120  # of a program that says nothing else


@dataclass(frozen=True, slots=True)
class World:
    """What a program is told: where the vault is, as whom to ask it, and what is there already."""

    url: str
    alice: str
    bob: str
    folder_id: str
    file_id: str

    @property
    def origin(self) -> str:
        """Where the server listens."""
        return self.url.removesuffix("/graphql")

    def told(self, **more: Any) -> str:
        """As JSON."""
        return json.dumps(asdict(self) | more)


def documents() -> str:
    """Every operation of the clients in one document."""
    return "\n".join(path.read_text() for path in sorted(OPERATIONS.glob("*.graphql")))


def node_project(source: Path, folder: Path) -> Path:
    """A copy of a project, with the packages of this one, where it can generate what it likes."""
    project = folder / source.name
    shutil.copytree(source, project)
    (project / "node_modules").symlink_to(ROOT / "node_modules")
    return project


async def ran(*command: object, cwd: Path | None = None, seconds_max: int = SECONDS_MAX) -> str:
    """What a program printed; it must end well."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command), cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(seconds_max):
            printed, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, f"{printed.decode()}\n{complaints.decode()}"
    return printed.decode()


@contextlib.asynccontextmanager
async def talking_to(*command: object) -> AsyncIterator["Program"]:
    """A program that is told what to do, line by line; it is ended with the block."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@dataclass(frozen=True, slots=True)
class Program:
    """A running program that prints what it sees as one JSON value a line."""

    process: asyncio.subprocess.Process

    async def saw(self) -> Any:
        """The next thing."""
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            line = await self.process.stdout.readline()
        assert line, "the program has ended"
        return json.loads(line)
