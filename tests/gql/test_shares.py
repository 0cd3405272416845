"""Sharing as the contract has it: with whom, inherited from where, explained, and seen by whom."""

import secrets

import pytest
from asking import Person

SHARE = "share { id role revision expiresAt item { id } grantee { email } grantedBy { email } }"
GRANT = ("shareGrant", "ShareGrantInput", SHARE)
ITEM = """query ($id: ID!) { node(id: $id) { ... on Item { name owner { id displayName email storage { leftBytes }
    rootFolder { id } } parent { id } ancestors { id } capabilities { canRead canEdit canShare }
    shares(first: 10) { edges { isInherited inheritedFrom { id } node { id role grantee { displayName } } }
      pageInfo { hasNextPage endCursor } } } } }"""


async def grant(giver: Person, item_id: str, email: str, role: str = "VIEWER", **more: object):
    return await giver.done(*GRANT, itemId=item_id, email=email, role=role, **more)


async def shared_folder(alice: Person, role: str = "VIEWER") -> tuple[str, str, str]:
    """A folder of Alice's that Bob has, a folder in it, and the share."""
    outer = await alice.folder(f"outer {secrets.token_hex(4)}")
    inner = await alice.folder("inner", outer)
    made = await grant(alice, outer, "bob@example.com", role)
    assert made["errors"] == []
    return outer, inner, made["share"]["id"]


@pytest.fixture(scope="module", autouse=True)
async def _everybody_has_come(alice: Person, bob: Person) -> None:
    await alice.root()
    await bob.root()


async def test_a_share_is_given_changed_and_taken_back(alice: Person, bob: Person):
    outer, inner, share_id = await shared_folder(alice)
    assert (await bob.data("query ($id: ID!) { node(id: $id) { id } }", id=inner))["node"] == {"id": inner}
    changed = await alice.done("shareUpdate", "ShareUpdateInput", SHARE, shareId=share_id, role="EDITOR", ifVersion=1)
    assert changed == {
        "share": {
            "id": share_id,
            "role": "EDITOR",
            "revision": 2,
            "expiresAt": None,
            "item": {"id": outer},
            "grantee": {"email": "bob@example.com"},
            "grantedBy": {"email": "alice@example.com"},
        },
        "errors": [],
    }
    stale = await alice.done("shareUpdate", "ShareUpdateInput", SHARE, shareId=share_id, role="VIEWER", ifVersion=1)
    (error,) = stale["errors"]
    assert (error["__typename"], error["code"], error["path"]) == ("ConflictError", "STALE", ["ifVersion"])
    gone = await alice.done("shareRevoke", "ShareRevokeInput", "share { id }", shareId=share_id)
    assert gone == {"share": {"id": share_id}, "errors": []}
    assert (await bob.data("query ($id: ID!) { node(id: $id) { id } }", id=inner))["node"] is None
    again = await alice.done("shareRevoke", "ShareRevokeInput", "share { id }", shareId=share_id)
    assert [error["code"] for error in again["errors"]] == ["NOT_FOUND"]


async def test_bob_sees_what_is_shared_and_of_alice_only_what_he_must(alice: Person, bob: Person):
    outer, inner, share_id = await shared_folder(alice)
    node = (await bob.data(ITEM, id=inner))["node"]
    viewer = (await alice.data("{ viewer { id displayName } }"))["viewer"]
    assert node["owner"] == viewer | {"email": "alice@example.com", "storage": None, "rootFolder": None}
    assert node["parent"] == {"id": outer}
    assert node["ancestors"] == [{"id": outer}]
    assert node["capabilities"] == {"canRead": True, "canEdit": False, "canShare": False}
    (edge,) = node["shares"]["edges"]
    assert edge["isInherited"] is True
    assert edge["inheritedFrom"] == {"id": outer}
    assert edge["node"]["id"] == share_id
    top = (await bob.data(ITEM, id=outer))["node"]
    assert (top["parent"], top["ancestors"]) == (None, [])
    assert (top["shares"]["edges"][0]["isInherited"], top["shares"]["edges"][0]["inheritedFrom"]) == (False, None)


async def test_people_are_found_by_no_id_but_their_own(alice: Person, bob: Person):
    await shared_folder(alice)
    alice_id = (await alice.data("{ viewer { id } }"))["viewer"]["id"]
    query = "query ($id: ID!) { node(id: $id) { ... on User { email displayName } } }"
    assert (await bob.data(query, id=alice_id))["node"] is None
    assert (await alice.data(query, id=alice_id))["node"]["email"] == "alice@example.com"


async def test_who_stored_a_version_is_named_but_not_addressed(alice: Person, bob: Person):
    outer, _, _ = await shared_folder(alice)
    file_id = await alice.empty_file("named.txt", outer)
    query = "query ($id: ID!) { file(id: $id) { currentVersion { createdBy { displayName email } } } }"
    author = (await bob.data(query, id=file_id))["file"]["currentVersion"]["createdBy"]
    assert author["displayName"]
    assert author["email"] is None


async def test_shared_with_me_lists_it_until_it_is_given_back(alice: Person, bob: Person):
    outer, _, share_id = await shared_folder(alice)
    query = """{ sharedWithMe(first: 100) { edges { isInherited node { id item { id name } grantedBy { email } } }
        pageInfo { hasNextPage } } }"""
    mine = (await bob.data(query))["sharedWithMe"]["edges"]
    (edge,) = [edge for edge in mine if edge["node"]["id"] == share_id]
    assert (edge["node"]["item"]["id"], edge["isInherited"]) == (outer, False)
    assert edge["node"]["grantedBy"] == {"email": "alice@example.com"}
    left = await bob.done("shareRevoke", "ShareRevokeInput", "share { id item { id } }", shareId=share_id)
    assert left == {"share": {"id": share_id, "item": None}, "errors": []}
    mine = (await bob.data(query))["sharedWithMe"]["edges"]
    assert share_id not in {edge["node"]["id"] for edge in mine}


async def test_each_refusal_is_typed_and_names_its_field(alice: Person, bob: Person):
    outer, inner, _ = await shared_folder(alice, "EDITOR")
    private = await alice.folder(secrets.token_hex(4))
    unknown = await grant(alice, outer, "nobody@example.com")
    refused = [
        (unknown, "AccessError", "NOT_FOUND", ["email"]),
        (await grant(alice, outer, "bob@example.com"), "ConflictError", "CONFLICT", ["email"]),
        (await grant(alice, inner, "bob@example.com", "OWNER"), "InputError", "INVALID", ["role"]),
        (await grant(alice, inner, "alice@example.com"), "InputError", "INVALID", ["email"]),
        (await grant(bob, inner, "alice@example.com"), "AccessError", "FORBIDDEN", None),
        (await grant(alice, await alice.root(), "bob@example.com"), "AccessError", "FORBIDDEN", None),
        (
            await grant(bob, private, "bob@example.com"),
            "AccessError",
            "NOT_FOUND",
            None,
        ),
        (await grant(alice, "nonsense", "bob@example.com"), "AccessError", "NOT_FOUND", None),
    ]
    for answer, kind, code, path in refused:
        (error,) = answer["errors"]
        assert answer["share"] is None
        assert (error["__typename"], error["code"], error["path"]) == (kind, code, path)


async def test_the_same_key_gives_the_same_share(alice: Person, bob: Person):
    folder_id = await alice.folder(f"key {secrets.token_hex(4)}")
    key = secrets.token_hex(8)
    answers = [await grant(alice, folder_id, "bob@example.com", idempotencyKey=key) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["errors"] == []


async def test_an_explanation_gives_each_deed_and_its_reason(alice: Person, bob: Person):
    outer, inner, share_id = await shared_folder(alice, "EDITOR")
    bob_id = (await bob.data("{ viewer { id } }"))["viewer"]["id"]
    query = """query ($item: ID!, $user: ID!) { access(itemId: $item, userId: $user) { role why via { id }
        inheritedFrom { id } user { email } item { id } deeds { deed allowed why } } }"""
    told = (await alice.data(query, item=inner, user=bob_id))["access"]
    deeds = {one["deed"]: one for one in told.pop("deeds")}
    assert told == {
        "role": "EDITOR",
        "why": "EDITOR by a share on a folder above it",
        "via": {"id": share_id},
        "inheritedFrom": {"id": outer},
        "user": {"email": "bob@example.com"},
        "item": {"id": inner},
    }
    assert (deeds["EDIT"]["allowed"], deeds["SHARE"]["allowed"]) == (True, False)
    assert deeds["SHARE"]["why"] == "it needs the role MANAGER"
    answer = await bob.ask(query, item=inner, user=bob_id)
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    other = await alice.folder(secrets.token_hex(4))
    told = (await alice.data(query, item=other, user=bob_id))["access"]
    assert (told["role"], told["user"], told["via"]) == (None, None, None)
    assert (await bob.data(query, item=other, user=bob_id))["access"] is None


async def test_a_share_is_a_node_for_those_it_concerns(alice: Person, bob: Person):
    _, _, share_id = await shared_folder(alice)
    query = "query ($id: ID!) { node(id: $id) { __typename id } }"
    for person in (alice, bob):
        assert (await person.data(query, id=share_id))["node"] == {"__typename": "Share", "id": share_id}
    await alice.done("shareRevoke", "ShareRevokeInput", "share { id }", shareId=share_id)
    for person in (alice, bob):
        assert (await person.data(query, id=share_id))["node"] is None
