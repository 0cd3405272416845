"""Comments in the contract: said, shown, changed and refused."""

from collections.abc import Awaitable, Callable

import pytest
from asking import Person
from caches import uncached

from vaultstream.adapters.vault import Vault
from vaultstream.gql.context import Context
from vaultstream.gql.execution import Ask
from vaultstream.http.graphql_door import Door

COMMENT = (
    "comment { id body revision author { displayName } mentions { displayName } "
    "replyTo { id body } editedAt resolvedAt deletedAt file { name } }"
)
PAGE = """
query ($id: ID!, $first: Int!, $after: String) {
  file(id: $id) {
    name
    comments(first: $first, after: $after) {
      edges { cursor node { id body author { email displayName storage { leftBytes } } replyTo { id } } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}
"""
ULID = "01H00000000000000000000000"


async def add(person: Person, file_id: str, body: str, **more: object) -> dict[str, object]:
    made = await person.done("commentAdd", "CommentAddInput", COMMENT, fileId=file_id, body=body, **more)
    assert made["errors"] == []
    return made["comment"]


def codes(payload: dict[str, list[dict[str, object]]]) -> list[tuple[object, object, object]]:
    return [(error["__typename"], error["code"], error["path"]) for error in payload["errors"]]


async def test_a_comment_is_added_edited_resolved_reopened_and_deleted(alice: Person) -> None:
    file_id = await alice.empty_file("talked about.txt")
    one = await add(alice, file_id, "hello", mentions=["alice@example.com"])
    name = (await alice.data("{ viewer { displayName } }"))["viewer"]["displayName"]
    assert one == {
        "id": one["id"],
        "body": "hello",
        "revision": 1,
        "author": {"displayName": name},
        "mentions": [{"displayName": name}],
        "replyTo": None,
        "editedAt": None,
        "resolvedAt": None,
        "deletedAt": None,
        "file": {"name": "talked about.txt"},
    }
    reply = await add(alice, file_id, "yes?", replyToId=one["id"])
    assert reply["replyTo"] == {"id": one["id"], "body": "hello"}
    wanted = {"commentId": one["id"], "ifVersion": 1}
    edited = await alice.done("commentEdit", "CommentEditInput", COMMENT, **wanted, body="hello!", mentions=[])
    assert (edited["errors"], edited["comment"]["body"], edited["comment"]["mentions"]) == ([], "hello!", [])
    assert edited["comment"]["editedAt"] is not None
    stale = await alice.done("commentEdit", "CommentEditInput", COMMENT, **wanted, body="too late")
    assert (stale["comment"], codes(stale)) == (None, [("ConflictError", "STALE", ["ifVersion"])])
    resolved = await alice.done("commentResolve", "CommentResolveInput", COMMENT, commentId=one["id"])
    assert resolved["comment"]["resolvedAt"] is not None
    reopened = await alice.done("commentReopen", "CommentReopenInput", COMMENT, commentId=one["id"])
    assert reopened["comment"]["resolvedAt"] is None
    husk = await alice.done("commentDelete", "CommentDeleteInput", COMMENT, commentId=one["id"])
    assert (husk["comment"]["body"], husk["comment"]["author"], husk["comment"]["mentions"]) == ("", None, [])
    assert husk["comment"]["deletedAt"] is not None
    shown = (await alice.data(PAGE, id=file_id, first=9))["file"]["comments"]["edges"]
    assert [edge["node"]["body"] for edge in shown] == ["", "yes?"]
    await alice.done("commentDelete", "CommentDeleteInput", COMMENT, commentId=reply["id"])
    assert (await alice.data(PAGE, id=file_id, first=9))["file"]["comments"]["edges"] == []


async def test_comments_are_paged_with_the_newest_last_and_each_is_a_node(alice: Person) -> None:
    file_id = await alice.empty_file("paged comments.txt")
    bodies = [f"comment {number}" for number in range(5)]
    for body in bodies:
        await add(alice, file_id, body)
    found, after = [], None
    while True:
        page = (await alice.data(PAGE, id=file_id, first=2, after=after))["file"]["comments"]
        found += [edge["node"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert [node["body"] for node in found] == bodies
    nodes = await alice.data(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Comment { body } } }", ids=[node["id"] for node in found]
    )
    assert [node["body"] for node in nodes["nodes"]] == bodies


async def test_a_reader_sees_the_name_of_who_wrote_and_nothing_more(alice: Person, bob: Person) -> None:
    file_id = await alice.empty_file("seen by bob.txt")
    await bob.root()
    shared = {"itemId": file_id, "email": "bob@example.com", "role": "COMMENTER"}
    assert (await alice.done("shareGrant", "ShareGrantInput", "share { id }", **shared))["errors"] == []
    await add(alice, file_id, "by alice")
    await add(bob, file_id, "by bob")
    first, second = (await bob.data(PAGE, id=file_id, first=5))["file"]["comments"]["edges"]
    assert first["node"]["author"]["displayName"]
    assert (first["node"]["author"]["email"], first["node"]["author"]["storage"]) == (None, None)
    assert second["node"]["author"]["email"] == "bob@example.com"


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ({"body": ""}, ("InputError", "INVALID", ["body"])),
        ({"body": "x" * 10_001}, ("InputError", "INVALID", ["body"])),
        ({"body": "x", "mentions": ["nobody@example.com"]}, ("InputError", "INVALID", ["mentions"])),
        ({"body": "x", "replyToId": "nonsense"}, ("AccessError", "NOT_FOUND", None)),
        ({"body": "x", "replyToId": f"comment_{ULID}_{ULID}"}, ("InputError", "INVALID", ["replyToId"])),
        ({"body": "x", "fileId": f"file_{ULID}"}, ("AccessError", "NOT_FOUND", None)),
        ({"body": "x", "fileId": f"folder_{ULID}"}, ("AccessError", "NOT_FOUND", None)),
    ],
)
async def test_a_comment_says_why_it_is_not_made(
    alice: Person, wanted: dict[str, object], error: tuple[object, ...]
) -> None:
    file_id = await alice.empty_file(f"refused {abs(hash(str(wanted)))}.txt")
    made = await alice.done("commentAdd", "CommentAddInput", COMMENT, **{"fileId": file_id, **wanted})
    assert (made["comment"], codes(made)) == (None, [error])


async def test_a_stranger_finds_no_comment_by_any_way(alice: Person, bob: Person) -> None:
    file_id = await alice.empty_file("not for bob.txt")
    one = await add(alice, file_id, "secret")
    data = await bob.data("query ($id: ID!) { node(id: $id) { id } }", id=one["id"])
    assert data == {"node": None}
    assert (await bob.data(PAGE, id=file_id, first=5))["file"] is None
    for deed in ("commentEdit", "commentDelete", "commentResolve", "commentReopen"):
        kind = f"{deed[0].upper()}{deed[1:]}Input"
        more = {"body": "mine"} if deed == "commentEdit" else {}
        done = await bob.done(deed, kind, COMMENT, commentId=one["id"], **more)
        assert (done["comment"], codes(done)) == (None, [("AccessError", "NOT_FOUND", None)])


async def test_a_page_of_comments_with_authors_and_threads_is_two_round_trips(
    vault: Vault, door: Door, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = await alice.empty_file("trips.txt")
    beginning = await add(alice, file_id, "first")
    for number in range(8):
        await add(alice, file_id, f"{number}", replyToId=beginning["id"])
    query = """query ($id: ID!) { file(id: $id) { name comments(first: 50) {
        edges { node { body author { displayName } replyTo { body author { displayName } } file { name } } }
    } } }"""
    actor = await door.actor(
        {"type": "http", "headers": [], "client": None}, {"authorization": alice.headers["Authorization"]}
    )
    calls: list[str] = []
    original: Callable[..., Awaitable[object]] = vault.records._call

    async def counted(name: str, **request: object) -> object:
        calls.append(name)
        return await original(name, **request)

    monkeypatch.setattr(vault.records, "_call", counted)
    operation = door.engine.operation(Ask(query, None, {"id": file_id}))
    answer = await door.engine.run(operation, Context(uncached(vault), actor))
    assert "errors" not in answer.body
    assert calls == ["query", "batch_get_item"]
