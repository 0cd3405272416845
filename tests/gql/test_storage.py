"""Where bytes are kept as the contract has it: restored on demand, watched, and what it all costs."""

import secrets

import pytest
from asking import Person
from sockets import talking

from tests.actions.growing import stored
from vaultstream.actions import process, tier
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.records.looks import Look
from vaultstream.adapters.vault import Vault
from vaultstream.files import File
from vaultstream.ids import FolderId, UserId
from vaultstream.tiers import GIB, PRICES, StorageTier
from vaultstream.versions import ScanStatus

from .test_subscriptions import heard

STORAGE = "storage { tier changedAt restore restoreExpectedAt restoredUntil }"
STATUS = f"subscription ($id: ID!) {{ fileStatus(fileId: $id) {{ {STORAGE} }} }}"
COST = """
query ($id: ID!, $months: Int! = 36, $reads: Float! = 0) {
  storageCost(itemId: $id, months: $months, readsPerMonth: $reads) {
    fileCount versionCount storedBytes isWhole region pricesAsOf
    month { totalUsd costLines { line usd } costTiers { tier usd } } monthInStandard { totalUsd }
    life { totalUsd } lifeInStandard { totalUsd }
  }
}
"""


async def a_file(vault: Vault, person: Person, folder_id: str | None = None, size: int = 300_000) -> File:
    user_id = UserId((await person.data("{ viewer { id } }"))["viewer"]["id"])
    actor = Actor(user_id, Origin("test"), vault.now())
    folder = FolderId(folder_id or await person.root())
    return await stored(vault, actor, folder, secrets.token_hex(4), bytes(size), scan=ScanStatus.CLEAN)


async def archive(vault: Vault, file: File) -> None:
    """S3 moves it, and the lifecycle worker looks."""
    found = await process.load(vault, file.id, 1)
    assert found is not None
    key, bucket = found[1].body.object_key, vault.settings.bucket
    source = {"Bucket": bucket, "Key": key}
    await vault.blobs._client.copy_object(  # the vault itself never moves anything
        Bucket=bucket, Key=key, CopySource=source, StorageClass=StorageTier.DEEP_ARCHIVE.value
    )
    await look(vault, file)


async def look(vault: Vault, file: File) -> None:
    await tier.look(vault, Look(file.current.id, 1))


async def test_a_restore_is_pushed_to_who_watches(vault: Vault, url: str, alice: Person) -> None:
    file = await a_file(vault, alice)
    async with talking(url) as talk:
        await talk.init(alice.token)
        await talk.subscribe("1", STATUS, id=file.id)
        first = (await heard(talk, "fileStatus"))["storage"]
        assert (first["tier"], first["restore"]) == ("STANDARD", "NOT_NEEDED")
        await archive(vault, file)
        cold = (await heard(talk, "fileStatus"))["storage"]
        assert (cold["tier"], cold["restore"]) == ("DEEP_ARCHIVE", "NEEDED")
        refused = await alice.done("downloadCreate", "DownloadCreateInput", "url", fileId=file.id)
        assert (refused["url"], refused["errors"][0]["code"]) == (None, "ARCHIVED")
        made = await alice.done(
            "storageRestore", "StorageRestoreInput", f"version {{ number {STORAGE} }}", fileId=file.id, days=3
        )
        assert made["errors"] == []
        assert made["version"]["storage"]["restore"] == "IN_PROGRESS"
        on_its_way = (await heard(talk, "fileStatus"))["storage"]
        assert on_its_way == made["version"]["storage"]
        assert on_its_way["restoreExpectedAt"] > vault.now().isoformat()
        await look(vault, file)
        ready = on_its_way
        while ready["restore"] != "RESTORED":  # the store takes a second over it
            await look(vault, file)
            found = await alice.data(f"query ($id: ID!) {{ file(id: $id) {{ {STORAGE} }} }}", id=file.id)
            ready = found["file"]["storage"]
        pushed = on_its_way
        while pushed["restore"] != "RESTORED":
            pushed = (await heard(talk, "fileStatus"))["storage"]
        assert pushed == ready
        assert ready["restoredUntil"] > vault.now().isoformat()
        answer = await alice.done("downloadCreate", "DownloadCreateInput", "url", fileId=file.id)
        assert answer["errors"] == []


@pytest.mark.parametrize(("days", "code"), [(0, "INVALID"), (31, "INVALID"), (3, "CONFLICT")])
async def test_what_cannot_be_restored_says_why(vault: Vault, alice: Person, days: int, code: str) -> None:
    file = await a_file(vault, alice)
    made = await alice.done("storageRestore", "StorageRestoreInput", "version { id }", fileId=file.id, days=days)
    assert (made["version"], made["errors"][0]["code"]) == (None, code)


async def test_what_a_folder_costs_is_what_its_versions_cost(vault: Vault, alice: Person, bob: Person) -> None:
    top = await alice.folder(f"costs {secrets.token_hex(4)}")
    below = await alice.folder("below", top)
    files = [await a_file(vault, alice, place) for place in (top, below, below)]
    await archive(vault, files[0])
    whole = (await alice.data(COST, id=top))["storageCost"]
    each = [(await alice.data(COST, id=file.id))["storageCost"] for file in files]
    assert (whole["fileCount"], whole["versionCount"], whole["isWhole"]) == (3, 3, True)
    assert whole["storedBytes"] == sum(one["storedBytes"] for one in each) > 900_000
    assert (whole["region"], whole["pricesAsOf"]) == (PRICES.region, PRICES.as_of.isoformat())
    for bill in ("month", "monthInStandard", "life", "lifeInStandard"):
        assert whole[bill]["totalUsd"] == pytest.approx(sum(one[bill]["totalUsd"] for one in each))
    in_standard = whole["storedBytes"] / GIB * PRICES.tiers[StorageTier.STANDARD].gb_month
    assert whole["monthInStandard"]["totalUsd"] == pytest.approx(in_standard)
    assert whole["month"]["totalUsd"] < whole["monthInStandard"]["totalUsd"]
    assert [one["tier"] for one in whole["month"]["costTiers"]] == ["STANDARD", "DEEP_ARCHIVE"]
    assert [one["line"] for one in whole["month"]["costLines"]] == ["STORAGE", "OVERHEAD"]
    read = (await alice.data(COST, id=top, reads=9))["storageCost"]
    assert read["life"]["totalUsd"] > read["lifeInStandard"]["totalUsd"] > whole["lifeInStandard"]["totalUsd"]
    for person, wanted in ((bob, {"id": top}), (alice, {"id": top, "months": 0}), (alice, {"id": top, "reads": -1})):
        answer = await person.ask(COST, **wanted)
        assert answer["errors"][0]["extensions"]["code"] == ("NOT_FOUND" if person is bob else "INVALID")
