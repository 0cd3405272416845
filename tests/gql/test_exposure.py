"""The exposure report as the contract has it: ids for those who may not see the people, people for those who may."""

from datetime import UTC, datetime, timedelta

from asking import Person
from test_audit import recorded, viewer_id

from vaultstream.adapters.vault import Vault

REPORT = """query ($item: ID!, $since: DateTime!, $until: DateTime) {
  exposureReport(itemId: $item, since: $since, until: $until) {
    since until completeSince completeUntil isTruncated
    couldRead { actor way role itemId accessTokenId viewOnly since until user { id } }
    didRead { actor kind times firstAt lastAt accessTokenId user { id } }
  }
}"""
BEFORE = (datetime.now(UTC) - timedelta(days=1)).isoformat()


async def report(person: Person, item_id: str, **until: str):
    return (await person.data(REPORT, item=item_id, since=BEFORE, **until))["exposureReport"]


async def test_who_manages_it_is_told_who_could_read_it_and_nobody_else_is(
    vault: Vault, alice: Person, bob: Person
) -> None:
    alice_id = await viewer_id(alice)
    folder, bob_id = await bob.folder("exposed"), await viewer_id(bob)
    granted = {"itemId": folder, "email": "alice@example.com", "role": "VIEWER"}
    made = await bob.done("shareGrant", "ShareGrantInput", "share { id }", **granted)
    linked = await bob.done("shareLinkCreate", "ShareLinkCreateInput", "shareLink { id }", itemId=folder, viewOnly=True)
    assert (await bob.done("shareRevoke", "ShareRevokeInput", "share { id }", shareId=made["share"]["id"]))[
        "errors"
    ] == []
    zipped = await bob.done("zipCreate", "ZipCreateInput", "url", itemIds=[folder])
    assert zipped["errors"] == []
    await recorded(vault)
    told = await report(bob, folder)
    shown = [
        (one["actor"], one["way"], one["role"], one["itemId"], one["viewOnly"], one["user"])
        for one in told["couldRead"]
    ]
    assert shown == [
        (bob_id, "OWNER", "OWNER", folder, False, {"id": bob_id}),
        (alice_id, "SHARE", "VIEWER", folder, False, {"id": alice_id}),
        (linked["shareLink"]["id"], "LINK", "VIEWER", folder, True, None),
    ]
    owned, shared, link = told["couldRead"]
    assert owned["since"] < shared["since"] < link["since"] < shared["until"] < link["until"] == told["until"]
    assert [(one["actor"], one["kind"], one["times"]) for one in told["didRead"]] == [(bob_id, "ADDRESS", 1)]
    assert told["isTruncated"] is False
    assert told["completeSince"] <= owned["since"]
    assert told["completeUntil"] == told["until"]


async def test_to_a_stranger_an_item_is_what_never_was_and_an_auditor_is_told_by_ids(
    vault: Vault, alice: Person, bob: Person
) -> None:
    folder = await alice.folder("nobody's business")
    await recorded(vault)
    for item_id in (folder, "folder_01J00000000000000000000000", "nonsense"):
        assert await report(bob, item_id) is None
    theirs, bob_id = await bob.folder("an auditor's business"), await viewer_id(bob)
    await recorded(vault)
    (span,) = (await report(alice, theirs))["couldRead"]
    assert (span["actor"], span["way"]) == (bob_id, "OWNER")
    refused = await alice.ask(REPORT, item=theirs, since=BEFORE, until=BEFORE)
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["INVALID"]
