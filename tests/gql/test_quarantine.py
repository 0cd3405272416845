"""Quarantine as the contract has it: a release is a mutation with a reason, an exposure is for who manages the file."""

import secrets

from asking import Person

from tests.actions.growing import stored
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.vault import Vault
from vaultstream.ids import FolderId, UserId
from vaultstream.versions import ScanStatus

SELECTION = "file { currentVersion { scan { status release { reason at by { id } } } } }"
EXPOSURE = """query ($file: ID!) {
  exposure(fileId: $file) { version { number } readers { user { id } shareLinkId firstAt lastAt times } }
}"""


async def file_of(vault: Vault, alice: Person, scan: ScanStatus) -> tuple[str, str]:
    """A file of Alice's with that verdict, and her own id."""
    folder_id = await alice.folder(f"kept {secrets.token_hex(4)}")
    user_id = (await alice.data("{ viewer { id } }"))["viewer"]["id"]
    actor = Actor(UserId(user_id), Origin("test"), vault.now())
    return (await stored(vault, actor, FolderId(folder_id), "locked.zip", b"locked", scan=scan)).id, user_id


async def release(person: Person, file_id: str, reason: str = "we sent it"):
    wanted = {"fileId": file_id, "reason": reason}
    return await person.done("quarantineRelease", "QuarantineReleaseInput", SELECTION, **wanted)


async def test_what_is_released_shows_by_whom_and_why(vault: Vault, alice: Person, bob: Person) -> None:
    file_id, alice_id = await file_of(vault, alice, ScanStatus.UNSCANNABLE)
    assert (await release(bob, file_id))["errors"][0]["code"] == "NOT_FOUND"
    assert (await release(alice, file_id, " "))["errors"][0]["path"] == ["reason"]
    made = await release(alice, file_id)
    assert made["errors"] == []
    shown = made["file"]["currentVersion"]["scan"]
    assert (shown["status"], shown["release"]["reason"]) == ("UNSCANNABLE", "we sent it")
    assert shown["release"]["by"] == {"id": alice_id}
    link = await alice.done("downloadCreate", "DownloadCreateInput", "url", fileId=file_id)
    assert link["errors"] == []


async def test_who_had_it_is_told_to_who_manages_it_and_to_no_stranger(
    vault: Vault, alice: Person, bob: Person
) -> None:
    file_id, _ = await file_of(vault, alice, ScanStatus.INFECTED)
    assert (await release(alice, file_id))["errors"][0]["code"] == "CONFLICT"
    assert (await alice.data(EXPOSURE, file=file_id))["exposure"] == {"version": {"number": 1}, "readers": []}
    assert (await bob.data(EXPOSURE, file=file_id))["exposure"] is None
