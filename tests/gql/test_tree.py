"""Files and folders through the contract: renamed, moved, copied, tagged, and listed as somebody wants them."""

from typing import Any

import pytest
from asking import Person

from vaultstream.actions import process
from vaultstream.adapters.vault import Vault
from vaultstream.events import EventName
from vaultstream.versions import ScanStatus

FILE = "file { id name revision tags sizeBytes parent { id } scan { status } }"
CHILDREN = """
  query ($id: ID!, $first: Int!, $after: String, $where: ItemWhere, $orderBy: ItemOrder) {
    folder(id: $id) {
      children(first: $first, after: $after, where: $where, orderBy: $orderBy) {
        edges { node { name } } pageInfo { hasNextPage endCursor }
      }
    }
  }
"""
RECENT = """
  query ($after: String) { recent(first: 2, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage } } }
"""


def codes(payload: dict[str, Any]) -> list[tuple[object, object]]:
    assert payload["file"] is None
    return [(error["code"], error["path"]) for error in payload["errors"]]


async def found_clean(vault: Vault, file_id: str) -> None:
    """What the scan worker would do."""
    told = process.worker_event(vault, "scan", EventName.VERSION_SCANNED, "tests")
    for status in (ScanStatus.SCANNING, ScanStatus.CLEAN):
        await process.advance(
            vault, file_id, None, lambda stored, to=status: process.with_scan(vault, stored, to), told
        )


class TestAFile:
    async def test_is_renamed_moved_and_tagged(self, alice: Person) -> None:
        place, file = await alice.folder("place of files"), await alice.empty_file("to be named")
        named = await alice.done("fileRename", "FileRenameInput", FILE, fileId=file, name="named", ifVersion=1)
        assert (named["errors"], named["file"]["name"], named["file"]["revision"]) == ([], "named", 2)
        moved = await alice.done("fileMove", "FileMoveInput", FILE, fileId=file, parentId=place, ifVersion=2)
        assert (moved["errors"], moved["file"]["parent"]) == ([], {"id": place})
        tagged = await alice.done("fileTagsSet", "FileTagsSetInput", FILE, fileId=file, tags=["B", "a", "b"])
        assert (tagged["errors"], tagged["file"]["tags"], tagged["file"]["revision"]) == ([], ["a", "b"], 4)

    async def test_says_why_it_is_not_changed(self, alice: Person, bob: Person) -> None:
        place = await alice.folder("with a taken name")
        await alice.empty_file("taken", place)
        file, elsewhere = await alice.empty_file("other", place), await alice.empty_file("taken")
        rename, move, tag = (f"file{verb}" for verb in ("Rename", "Move", "TagsSet"))
        cases = [
            (alice, rename, {"name": "TAKEN"}, ("NAME_TAKEN", ["name"])),
            (alice, rename, {"name": "a/b"}, ("INVALID", ["name"])),
            (alice, rename, {"name": "x", "ifVersion": 7}, ("STALE", ["ifVersion"])),
            (bob, rename, {"name": "x"}, ("NOT_FOUND", None)),
            (alice, move, {"parentId": await bob.root()}, ("NOT_FOUND", None)),
            (alice, move, {"parentId": "nonsense"}, ("NOT_FOUND", None)),
            (alice, tag, {"tags": [""]}, ("INVALID", ["tags"])),
            (alice, tag, {"tags": [f"{number}" for number in range(21)]}, ("INVALID", ["tags"])),
            (bob, tag, {"tags": []}, ("NOT_FOUND", None)),
        ]
        for person, mutation, wanted, error in cases:
            kind = f"{mutation[0].upper()}{mutation[1:]}Input"
            assert codes(await person.done(mutation, kind, FILE, fileId=file, **wanted)) == [error]
        full = await alice.done("fileMove", "FileMoveInput", FILE, fileId=elsewhere, parentId=place)
        assert codes(full) == [("NAME_TAKEN", ["name"])]

    async def test_is_copied_once_for_one_key(self, alice: Person, vault: Vault) -> None:
        file, place = await alice.empty_file("original"), await alice.folder("copies")
        wanted = {"fileId": file, "parentId": place, "idempotencyKey": "copy it"}
        assert codes(await alice.done("fileCopy", "FileCopyInput", FILE, **wanted)) == [("NOT_SCANNED", None)]
        await found_clean(vault, file)
        made = await alice.done("fileCopy", "FileCopyInput", FILE, **wanted)
        assert made["errors"] == []
        copy = made["file"]
        assert copy["id"] != file
        assert (copy["name"], copy["parent"]["id"], copy["revision"]) == ("original", place, 1)
        assert copy["scan"]["status"] == "PENDING"
        assert (await alice.done("fileCopy", "FileCopyInput", FILE, **wanted))["file"]["id"] == copy["id"]
        again = await alice.done("fileCopy", "FileCopyInput", FILE, fileId=file, parentId=place)
        assert codes(again) == [("NAME_TAKEN", ["name"])]
        other = await alice.done("fileCopy", "FileCopyInput", FILE, fileId=file, parentId=place, name="second")
        assert other["file"]["name"] == "second"


@pytest.fixture(scope="module")
async def folder(alice: Person) -> str:
    """b/, C/, a.txt, D.txt; the last changed first: b/, D.txt, C/, a.txt."""
    folder = await alice.folder("listed")
    await alice.empty_file("a.txt", folder)
    await alice.folder("C", folder)
    tagged = await alice.empty_file("D.txt", folder)
    await alice.done("fileTagsSet", "FileTagsSetInput", FILE, fileId=tagged, tags=["Red", "blue"])
    await alice.folder("b", folder)
    return folder


class TestChildren:
    @pytest.mark.parametrize(
        ("where", "order_by", "expected"),
        [
            (None, {"field": "NAME"}, ["a.txt", "b", "C", "D.txt"]),
            (None, {"field": "NAME", "direction": "DESC"}, ["D.txt", "C", "b", "a.txt"]),
            (None, {"field": "UPDATED", "direction": "DESC"}, ["b", "D.txt", "C", "a.txt"]),
            (None, {"field": "SIZE"}, ["a.txt", "b", "C", "D.txt"]),
            ({}, None, ["a.txt", "b", "C", "D.txt"]),
            ({"kind": "FILE"}, None, ["a.txt", "D.txt"]),
            ({"kind": "FOLDER"}, {"field": "UPDATED"}, ["C", "b"]),
            ({"namePrefix": "d"}, None, ["D.txt"]),
            ({"contentTypePrefix": "text/"}, None, ["a.txt", "D.txt"]),
            ({"tags": ["RED"]}, None, ["D.txt"]),
            ({"scanStatus": "INFECTED"}, None, []),
            ({"updatedBefore": "2020-01-01T00:00:00Z"}, None, []),
        ],
    )
    async def test_are_chosen_and_ordered(
        self, alice: Person, folder: str, where: object, order_by: object, expected: list[str]
    ) -> None:
        listed: list[str] = []
        after = None
        for _ in range(5):
            data = await alice.data(CHILDREN, id=folder, first=3, after=after, where=where, orderBy=order_by)
            page = data["folder"]["children"]
            listed += [edge["node"]["name"] for edge in page["edges"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert listed == expected

    @pytest.mark.parametrize(
        ("wanted", "path"),
        [
            ({"first": 0, "where": {}}, ["first"]),
            ({"after": "nonsense", "where": {}}, ["after"]),
            ({"where": {"namePrefix": "x" * 256}}, ["where", "namePrefix"]),
            ({"where": {"tags": ["x" * 51]}}, ["tags"]),
        ],
    )
    async def test_say_what_is_wrong(self, alice: Person, folder: str, wanted: dict[str, Any], path: list[str]) -> None:
        answer = await alice.ask(CHILDREN, **({"id": folder, "first": 5} | wanted))
        assert answer["errors"][0]["extensions"] == {"code": "INVALID", "argument": path}

    async def test_of_another_are_not_there(self, bob: Person, folder: str) -> None:
        assert (await bob.data(CHILDREN, id=folder, first=5, orderBy={"field": "SIZE"}))["folder"] is None


async def test_recent_files_come_page_by_page(bob: Person) -> None:
    made = [await bob.empty_file(name) for name in ("1", "2", "3")]
    await bob.done("fileRename", "FileRenameInput", FILE, fileId=made[0], name="renamed")
    first = (await bob.data(RECENT))["recent"]
    assert [edge["node"]["id"] for edge in first["edges"]] == [made[0], made[2]]
    assert first["pageInfo"] == {"hasNextPage": True}
    second = (await bob.data(RECENT, after=first["edges"][-1]["cursor"]))["recent"]
    assert second["edges"][0]["node"]["id"] == made[1]
