"""Relay's own compiler takes the contract, and its own runtime pages, refetches and merges what the vault answers."""

import json
import shutil
from pathlib import Path

from asking import Person
from programs import HERE, SCHEMA, World, node_project, ran


async def test_a_relay_program_compiles_and_pages_refetches_and_merges_by_global_ids(
    world: World, alice: Person, tmp_path: Path
) -> None:
    for number in range(4):
        await alice.folder(f"page {number}", world.folder_id)
    project = node_project(HERE / "relay", tmp_path)
    shutil.copy(SCHEMA, project / "schema.graphql")
    (project / "__generated__").mkdir()
    await ran("node_modules/.bin/relay-compiler", "--noWatchman", "relay.config.json", cwd=project)
    await ran("node_modules/.bin/tsc", "--project", ".", cwd=project)
    assert json.loads(await ran("node", "built/tour.js", world.told(), cwd=project)) == "done"
