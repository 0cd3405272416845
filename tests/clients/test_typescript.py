"""A program in strict TypeScript, its types generated from the contract, asks every operation of a running vault."""

import json
from pathlib import Path

from graphql import OperationDefinitionNode, parse
from programs import HERE, OPERATIONS, SCHEMA, World, documents, node_project, ran


async def test_a_program_in_generated_types_compiles_and_every_operation_answers_as_typed(
    world: World, tmp_path: Path
) -> None:
    project = node_project(HERE / "typescript", tmp_path)
    await ran("node", "generate.mjs", SCHEMA, OPERATIONS, "gql", cwd=project)
    await ran("node_modules/.bin/tsc", "--project", ".", cwd=project)
    asked = json.loads(await ran("node", "built/tour.js", world.told(), cwd=project))
    nodes = parse(documents()).definitions
    assert set(asked) == {node.name.value for node in nodes if isinstance(node, OperationDefinitionNode) and node.name}


async def test_a_program_that_takes_a_nullable_field_for_granted_does_not_compile(tmp_path: Path) -> None:
    project = node_project(HERE / "typescript", tmp_path)
    await ran("node", "generate.mjs", SCHEMA, OPERATIONS, "gql", cwd=project)
    (project / "tour.ts").write_text(
        'import type { FileDetailsQuery } from "./gql/graphql.js";\n'
        "export const nameOf = (answer: FileDetailsQuery): string => answer.file.name;\n"
    )
    try:
        await ran("node_modules/.bin/tsc", "--project", ".", cwd=project)
    except AssertionError as refused:
        assert "'answer.file' is possibly 'null'" in str(refused)
    else:
        raise AssertionError("it compiled")
