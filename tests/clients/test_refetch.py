"""Whatever has an id can be asked for again by it, by whoever may see it, and by nobody else."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asking import Person
from graphql import GraphQLInterfaceType, build_schema
from programs import SCHEMA, World

from vaultstream.adapters.vault import Vault
from vaultstream.events import Event, EventName
from vaultstream.workers.audit import handle_batch

WALK = """
query ($folder: ID!) {
  viewer { __typename id rootFolder { __typename id } }
  folder(id: $folder) {
    __typename id parent { __typename id }
    links(first: 9) { edges { node { __typename id } } }
    shares(first: 9) { edges { node { __typename id } } }
    children(first: 9) { edges { node { __typename id ... on File {
      owner { __typename id }
      versions(first: 9) { edges { node { __typename id } } }
      comments(first: 9) { edges { node { __typename id } } }
    } } } }
  }
  accessTokens(first: 9) { edges { node { __typename id } } }
  auditEvents(first: 1) { edges { node { __typename id } } }
}
"""
AGAIN = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
ONE = "query ($id: ID!) { node(id: $id) { __typename id } }"


def nodes(answer: Any) -> Iterator[tuple[str, str]]:
    """Each id in an answer with the type of what it names."""
    if isinstance(answer, list):
        for each in answer:
            yield from nodes(each)
    elif isinstance(answer, dict):
        if "id" in answer:
            yield answer["id"], answer["__typename"]
        yield from nodes(list(answer.values()))


@pytest.fixture
async def walked(world: World, alice: Person, vault: Vault) -> dict[str, str]:
    """Something of every kind, as a walk through the contract finds it: its type by its id."""
    wanted = {"itemId": world.folder_id, "email": "bob@example.com", "role": "EDITOR"}
    await alice.done("shareGrant", "ShareGrantInput", "share { id }", **wanted)
    await alice.done("shareLinkCreate", "ShareLinkCreateInput", "shareLink { id }", itemId=world.folder_id)
    await alice.done("commentAdd", "CommentAddInput", "comment { id }", fileId=world.file_id, body="hello")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    wanted = {"name": "a program", "scopes": ["READ"], "expiresAt": tomorrow.isoformat()}
    await alice.done("accessTokenCreate", "AccessTokenCreateInput", "accessToken { id }", **wanted)
    wanted = {"folderId": world.folder_id, "name": "begun", "sizeBytes": 3}
    begun = await alice.done("uploadBegin", "UploadBeginInput", "upload { __typename id }", **wanted)
    await handle_batch(vault, [Event(vault.unique(), EventName.AUDIT_READ, vault.now(), "nobody", "request")])
    return dict(nodes(begun["upload"])) | dict(nodes(await alice.data(WALK, folder=world.folder_id)))


async def test_every_kind_of_node_is_had_again_by_its_id(walked: dict[str, str], alice: Person) -> None:
    contract = build_schema(SCHEMA.read_text())
    node = contract.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert set(walked.values()) == {kind.name for kind in contract.get_possible_types(node)}
    again = await alice.data(AGAIN, ids=list(walked))
    assert again["nodes"] == [{"__typename": kind, "id": id_} for id_, kind in walked.items()]
    for id_, kind in walked.items():
        assert await alice.data(ONE, id=id_) == {"node": {"__typename": kind, "id": id_}}


async def test_a_stranger_gets_nothing_by_any_of_these_ids(
    walked: dict[str, str], alice: Person, signed_in: Callable[[str], str]
) -> None:
    mallory = Person(alice.client, signed_in("mallory@example.com"))
    assert await mallory.data(AGAIN, ids=list(walked)) == {"nodes": [None] * len(walked)}
    for id_ in walked:
        assert await mallory.data(ONE, id=id_) == {"node": None}


async def test_whom_a_folder_is_shared_with_gets_what_is_in_it_and_nothing_else(
    walked: dict[str, str], bob: Person, world: World
) -> None:
    seen = dict(nodes(await bob.data(AGAIN, ids=list(walked))))
    assert {walked[id_] for id_ in seen} == {"Folder", "File", "FileVersion", "Comment", "Share"}
    assert {id_ for id_, kind in seen.items() if kind == "Folder"} == {world.folder_id}
