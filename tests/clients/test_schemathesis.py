"""Operations that nobody would write, made at random from the contract: none of them surprises the vault.

FUZZ_EXAMPLES=300 asks longer, of each field of the contract so many times, and FUZZ_SEED=2 asks something else.
"""

import json
import logging
import os
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
from asking import Person
from graphql import GraphQLSchema, build_schema
from programs import HERE, SCHEMA, World, ran

from vaultstream.settings import Settings

COMMAND = Path(sys.executable).with_name("schemathesis")
HOOKS = HERE / "fuzzing" / "hooks.py"
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "15"))
SEED = os.environ.get("FUZZ_SEED", "1")
SECONDS_EACH = 10  # for as many requests of each field as one example makes, at most
Outcomes = dict[str, set[str]]
pytestmark = pytest.mark.timeout(300 + SECONDS_EACH * EXAMPLES)


@pytest.fixture(scope="module")
async def settings(settings: Settings) -> Settings:
    """A vault that does not send the one who asks so much away for asking so much."""
    return replace(settings, budget_size=10**9, budget_per_second=10**6)


async def fuzzed(folder: Path, url: str, told: dict[str, object], *headers: str) -> Outcomes:
    """Ask at random; fails with the request that did it where an answer is not as it should be."""
    outcomes = folder / "outcomes"
    told |= {"outcomes": str(outcomes)}
    options = ["--checks", "answers_as_it_should", "--phases", "fuzzing", "--mode", "positive", "--seed", SEED]
    options += ["--max-examples", str(EXAMPLES), "--generation-database", "none", "--request-timeout", "20"]
    options += ["--no-color", "--warnings", "off"]
    for header in ("Accept: application/graphql-response+json", *headers):
        options += ["--header", header]
    environment = ("env", f"TOLD={json.dumps(told)}", f"SCHEMATHESIS_HOOKS={HOOKS}")
    command = (*environment, COMMAND, "run", SCHEMA, "--url", url, *options)
    await ran(*command, cwd=folder, seconds_max=120 + SECONDS_EACH * EXAMPLES)
    found: Outcomes = defaultdict(set)
    for line in outcomes.read_text().splitlines():
        label, outcome = json.loads(line)
        found[label].add(outcome)
    return found


def everything(contract: GraphQLSchema) -> set[str]:
    """Every field of the contract that a request can ask for."""
    roots = (contract.query_type, contract.mutation_type)
    return {f"{root.name}.{field}" for root in roots if root for field in root.fields}


async def nouns(person: Person, world: World) -> tuple[list[str], list[str]]:
    """Ids of every kind, and the words that are worth saying."""
    ids, words = [world.folder_id, world.file_id], ["bob@example.com", "report.txt"]
    for name in ("one", "two", "three"):
        folder_id = await person.folder(name, world.folder_id)
        file_id = await person.empty_file(f"{name}.txt", folder_id)
        said = await person.done("commentAdd", "CommentAddInput", "comment { id }", fileId=file_id, body=name)
        wanted = {"itemId": folder_id, "email": "bob@example.com", "role": "EDITOR"}
        given = await person.done("shareGrant", "ShareGrantInput", "share { id grantee { id } }", **wanted)
        link = await person.done("shareLinkCreate", "ShareLinkCreateInput", "token shareLink { id }", itemId=folder_id)
        wanted = {"folderId": folder_id, "name": "up", "sizeBytes": 9}
        begun = await person.done("uploadBegin", "UploadBeginInput", "upload { id }", **wanted)
        ids += [folder_id, file_id, said["comment"]["id"], given["share"]["id"], given["share"]["grantee"]["id"]]
        ids += [link["shareLink"]["id"], begun["upload"]["id"]]
        words.append(link["token"])
    return ids, words


async def test_random_operations_of_a_person_are_answered_or_refused_with_a_reason(
    world: World, alice: Person, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ids, words = await nouns(alice, world)
    told = {"ids": ids, "words": words, "is_guest": False}
    found = await fuzzed(tmp_path, world.url, told, f"Authorization: Bearer {world.alice}")
    assert set(found) == everything(build_schema(SCHEMA.read_text()))
    reached = {label for label, outcomes in found.items() if "found" in outcomes}
    assert len(reached) > len(found) / 2, sorted(set(found) - reached)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_random_operations_of_a_guest_reach_what_a_link_leads_to_and_nothing_else(
    world: World, alice: Person, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ids, words = await nouns(alice, world)
    found = await fuzzed(tmp_path, world.url, {"ids": ids, "words": words[2:], "is_guest": True})
    assert {label for label, outcomes in found.items() if outcomes != {"refused"}} == {"Query.shareLink"}
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
