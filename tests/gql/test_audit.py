"""The audit log through GraphQL: for auditors all of it, recorded; for an item's managers its own history."""

from datetime import UTC, datetime, timedelta

import pytest
from asking import Person

from vaultstream.actions import checkpoint
from vaultstream.adapters.vault import Vault
from vaultstream.audit_proof import checkpoint_of, public_key_of
from vaultstream.events import Event, EventName
from vaultstream.workers.audit import handle_batch

EVENT = "id seq hash at receivedAt action actor itemId versionNumber ip agent requestId decision reason details"
EVENTS = f"""query ($where: AuditWhere, $first: Int! = 100, $after: String) {{
  auditEvents(where: $where, first: $first, after: $after) {{
    edges {{ cursor node {{ {EVENT} }} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}"""


async def recorded(vault: Vault) -> None:
    """All that waits is in the log."""
    await handle_batch(vault, [Event(vault.unique(), EventName.AUDIT_READ, vault.now(), "nobody", "req")])


async def found(vault: Vault, person: Person, **where):
    await recorded(vault)
    page = (await person.data(EVENTS, where=where))["auditEvents"]
    return [edge["node"] for edge in page["edges"]]


async def renamed(person: Person, folder_id: str, name: str) -> None:
    done = await person.done("folderRename", "FolderRenameInput", "folder { id }", folderId=folder_id, name=name)
    assert done["errors"] == []


async def viewer_id(person: Person) -> str:
    return (await person.data("{ viewer { id } }"))["viewer"]["id"]


async def test_an_auditor_finds_by_each_thing_and_by_all_of_them(vault: Vault, alice: Person, bob: Person):
    begun = datetime.now(UTC)
    folder = await bob.folder("audited")
    await renamed(bob, folder, "audited again")
    bob_id = await viewer_id(bob)

    of_item = await found(vault, alice, itemId=folder)
    assert [(event["action"], event["actor"], event["decision"]) for event in of_item] == [
        ("folder.renamed", bob_id, "ALLOWED"),
        ("folder.created", bob_id, "ALLOWED"),
    ]
    assert of_item[0]["ip"] == "127.0.0.1"
    assert of_item[0]["agent"].startswith("python-httpx")
    assert '"after":"audited again"' in of_item[0]["details"]

    newest = [of_item[0]]
    assert await found(vault, alice, itemId=folder, actions=["folder.renamed"]) == newest
    assert await found(vault, alice, itemId=folder, detail='$.after == "audited again"') == newest
    assert await found(vault, alice, itemId=folder, ip="127.0.0.1", actor=bob_id) == of_item
    assert await found(vault, alice, itemId=folder, ip="127.0.0.1") == of_item
    assert await found(vault, alice, itemId=folder, ip="192.0.2.1") == []
    assert await found(vault, alice, itemId=folder, since=begun.isoformat(), decision="ALLOWED") == of_item
    assert await found(vault, alice, itemId=folder, until=begun.isoformat()) == []
    assert await found(vault, alice, itemId=folder, decision="DENIED") == []
    assert await found(vault, alice, itemId=folder, actor=await viewer_id(alice)) == []
    again = await alice.data(
        f"query ($id: ID!) {{ node(id: $id) {{ ... on AuditEvent {{ {EVENT} }} }} }}", id=of_item[1]["id"]
    )
    assert again["node"] == of_item[1]


async def test_pages_come_newest_first_and_miss_nothing(vault: Vault, alice: Person, bob: Person):
    folder = await bob.folder("paged")
    for number in range(6):
        await renamed(bob, folder, f"paged {number}")
    await recorded(vault)
    every = [event["seq"] for event in await found(vault, alice, itemId=folder)]
    assert every == sorted(every, key=int, reverse=True)

    pages, after = [], None
    while after is not None or not pages:
        page = (await alice.data(EVENTS, where={"itemId": folder}, first=3, after=after))["auditEvents"]
        pages.append([edge["node"]["seq"] for edge in page["edges"]])
        after = page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else None
    assert pages == [every[:3], every[3:6], every[6:]]


async def test_an_auditors_look_is_itself_recorded(vault: Vault, alice: Person):
    await found(vault, alice, itemId="file_nobodys")
    looks = await found(vault, alice, actions=["audit.read"], detail='$.of_item == "file_nobodys"')
    assert [(event["action"], event["actor"]) for event in looks] == [("audit.read", await viewer_id(alice))]


@pytest.mark.parametrize(
    "query", [EVENTS.replace("$first: Int! = 100", "$first: Int! = 1"), "{ auditCheckpoint { seq } }"]
)
async def test_nobody_else_may_read_it(vault: Vault, bob: Person, query: str):
    answer = await bob.ask(query)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]


async def test_an_event_is_nothing_to_who_is_no_auditor(vault: Vault, alice: Person, bob: Person):
    folder = await bob.folder("by its id")
    (event,) = await found(vault, alice, itemId=folder)
    assert (await bob.data("query ($id: ID!) { node(id: $id) { id } }", id=event["id"]))["node"] is None


async def test_a_person_is_told_whether_they_are_an_auditor_and_nothing_of_others(alice: Person, bob: Person):
    assert (await alice.data("{ viewer { isAuditor } }"))["viewer"] == {"isAuditor": True}
    assert (await bob.data("{ viewer { isAuditor } }"))["viewer"] == {"isAuditor": False}
    folder = await alice.folder("an auditor's own")
    granted = {"itemId": folder, "email": "bob@example.com", "role": "VIEWER"}
    assert (await alice.done("shareGrant", "ShareGrantInput", "share { id }", **granted))["errors"] == []
    seen = await bob.data("query ($id: ID!) { folder(id: $id) { owner { email isAuditor } } }", id=folder)
    assert seen["folder"]["owner"] == {"email": "alice@example.com", "isAuditor": False}


async def test_no_program_is_an_auditor(vault: Vault, alice: Person):
    end = datetime.now(UTC) + timedelta(days=1)
    wanted = {"name": "a program", "scopes": ["READ"], "expiresAt": end.isoformat()}
    made = await alice.done("accessTokenCreate", "AccessTokenCreateInput", "secret", **wanted)
    program = Person(alice.client, made["secret"])
    assert (await program.data("{ viewer { isAuditor } }"))["viewer"] == {"isAuditor": False}
    answer = await program.ask(EVENTS)
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize(
    "where", [{"detail": "$.after =="}, {"actions": ["folder.exploded"]}, {"detail": "'; DROP TABLE audit.events; --"}]
)
async def test_what_cannot_be_looked_for_is_said(vault: Vault, alice: Person, where):
    answer = await alice.ask(EVENTS, where=where)
    assert answer["errors"][0]["extensions"]["code"] == "INVALID"


async def test_an_item_tells_its_history_to_who_may_share_it_and_never_from_where(
    vault: Vault, alice: Person, bob: Person
):
    await bob.root()
    folder = await alice.folder("historical")
    await renamed(alice, folder, "historic")
    granted = {"itemId": folder, "email": "bob@example.com", "role": "EDITOR"}
    assert (await alice.done("shareGrant", "ShareGrantInput", "share { id }", **granted))["errors"] == []
    await recorded(vault)
    query = "query ($id: ID!) { folder(id: $id) { history(first: 10) { edges { node { action ip agent } } } } }"

    told = (await alice.data(query, id=folder))["folder"]["history"]["edges"]
    assert [edge["node"] for edge in told] == [
        {"action": action, "ip": "", "agent": ""} for action in ("share.granted", "folder.renamed", "folder.created")
    ]
    assert (await bob.data(query, id=folder))["folder"] == {"history": {"edges": []}}


async def test_the_newest_checkpoint_comes_with_the_key_that_verifies_it(vault: Vault, alice: Person):
    await recorded(vault)
    taken = await checkpoint.take(vault)
    shown = (await alice.data("{ auditCheckpoint { seq at line publicKey } }"))["auditCheckpoint"]
    assert (shown["line"], shown["seq"]) == (taken.line, f"{taken.seq}")
    assert checkpoint_of(shown["line"], public_key_of(shown["publicKey"].encode())).seq == taken.seq
