"""A Python program whose client ariadne-codegen made from the contract, against a running vault."""

import shutil
import sys
from pathlib import Path

from programs import HERE, SCHEMA, World, ran

# The generator needs an older graphql-core than the vault has: `make` gives it an environment of its own.
BIN = Path(sys.prefix) / "ariadne" / "bin"


async def test_a_python_program_with_a_generated_client_does_its_work(world: World, tmp_path: Path) -> None:
    project = tmp_path / "partner"
    shutil.copytree(HERE / "ariadne", project)
    shutil.copy(SCHEMA, project / "schema.graphql")
    await ran(BIN / "ariadne-codegen", cwd=project)
    done = await ran(BIN / "python", "tour.py", world.told(), cwd=project)
    assert done.split() == ["folders", "files", "sharing", "programs", "watching"]
