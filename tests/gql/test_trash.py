"""The trash and older versions by the contract: what a client sees of them, and what it is told when it may not."""

from asking import Person
from doors import Tus, judged

from vaultstream.adapters.vault import Vault
from vaultstream.ids import FileId
from vaultstream.versions import ScanStatus

TRASH = "query ($first: Int!, $after: String) { trash(first: $first, after: $after) {"
TRASH += " edges { cursor node { __typename id name trashedAt capabilities { canRead canEdit canDelete } } }"
TRASH += " pageInfo { hasNextPage endCursor } } }"
FOLDER = "folder { id name trashedAt parent { id } }"
VERSIONS = "{ currentVersion { number } versions(first: 10) { edges { node { number label sizeBytes } } } }"


def codes(payload: dict[str, list[dict[str, object]]]) -> list[tuple[object, object]]:
    return [(error["__typename"], error["code"]) for error in payload["errors"]]


async def thrown_away(person: Person, first: int = 100, after: str | None = None) -> dict[str, object]:
    return (await person.data(TRASH, first=first, after=after))["trash"]


def ids(page: dict[str, object]) -> list[str]:
    return [edge["node"]["id"] for edge in page["edges"]]  # type: ignore[attr-defined,index]  # JSON


async def file_of(person: Person, name: str, data: bytes) -> str:
    """A file with contents, by tus."""
    url = await Tus(person.client, person.token).put(name, data)
    query = "query ($id: ID!) { node(id: $id) { ... on Upload { file { id } } } }"
    found = await person.data(query, id=url.rpartition("/")[2])
    return found["node"]["file"]["id"]


async def version_of(person: Person, file_id: str, data: bytes) -> None:
    """One version more, by tus."""
    wanted = {"fileId": file_id, "sizeBytes": len(data)}
    begun = await person.done("uploadBegin", "UploadBeginInput", "upload { url }", **wanted)
    sent = await Tus(person.client, person.token).patch(begun["upload"]["url"], 0, data)
    assert sent.status_code == 204


async def storage(person: Person) -> dict[str, int]:
    return (await person.data("{ viewer { storage { liveBytes versionBytes trashBytes reservedBytes } } }"))["viewer"][
        "storage"
    ]


class TestTrash:
    async def test_shows_what_was_thrown_away_newest_first(self, alice: Person, bob: Person) -> None:
        folder_id, file_id = await alice.folder("goes first"), await alice.empty_file("goes second")
        gone = await alice.done("folderTrash", "FolderTrashInput", FOLDER, folderId=folder_id, ifVersion=1)
        assert gone["errors"] == []
        assert gone["folder"]["trashedAt"]
        await alice.done("fileTrash", "FileTrashInput", "file { id }", fileId=file_id)
        page = await thrown_away(alice)
        assert ids(page)[:2] == [file_id, folder_id]
        newest = page["edges"][0]["node"]  # type: ignore[index]  # JSON
        assert newest["__typename"] == "File"
        assert newest["capabilities"] == {"canRead": True, "canEdit": False, "canDelete": False}
        assert ids(await thrown_away(bob)) == []

    async def test_is_paged_by_cursors(self, alice: Person) -> None:
        made = [await alice.folder(f"page {number}") for number in range(3)]
        for folder_id in made:
            await alice.done("folderTrash", "FolderTrashInput", FOLDER, folderId=folder_id)
        first = await thrown_away(alice, 2)
        assert first["pageInfo"]["hasNextPage"] is True  # type: ignore[index]  # JSON
        second = await thrown_away(alice, 1, first["pageInfo"]["endCursor"])  # type: ignore[index]  # JSON
        assert ids(first) + ids(second) == list(reversed(made))
        wrong = await alice.ask(TRASH, first=1, after="nonsense")
        assert wrong["errors"][0]["extensions"]["code"] == "INVALID"

    async def test_gives_back_to_the_same_place(self, alice: Person) -> None:
        parent = await alice.folder("home")
        file_id = await alice.empty_file("kept.txt", parent)
        await alice.done("fileTrash", "FileTrashInput", "file { id }", fileId=file_id)
        selection = "file { id name trashedAt parent { id } } place"
        back = await alice.done("fileRestore", "FileRestoreInput", selection, fileId=file_id)
        assert back["errors"] == []
        assert back["place"] == "ORIGINAL"
        assert back["file"] == {"id": file_id, "name": "kept.txt", "trashedAt": None, "parent": {"id": parent}}
        again = await alice.done("fileRestore", "FileRestoreInput", selection, fileId=file_id)
        assert (again["file"], again["place"], codes(again)) == (None, None, [("ConflictError", "CONFLICT")])

    async def test_says_where_it_gave_back_to(self, alice: Person) -> None:
        parent = await alice.folder("lost home")
        inner = await alice.folder("homeless", parent)
        for folder_id in (inner, parent):
            await alice.done("folderTrash", "FolderTrashInput", FOLDER, folderId=folder_id)
        back = await alice.done("folderRestore", "FolderRestoreInput", FOLDER + " place", folderId=inner)
        assert (back["place"], back["folder"]["parent"]["id"]) == ("TOP_FOLDER", await alice.root())

    async def test_asks_what_to_do_with_a_taken_name(self, alice: Person) -> None:
        parent = await alice.folder("names")
        first = await alice.empty_file("same.txt", parent)
        await alice.done("fileTrash", "FileTrashInput", "file { id }", fileId=first)
        second = await alice.empty_file("same.txt", parent)
        selection = "file { name } place"
        skipped = await alice.done("fileRestore", "FileRestoreInput", selection, fileId=first, onConflict="SKIP")
        assert skipped["place"] == "STILL_IN_TRASH"
        replaced = await alice.done("fileRestore", "FileRestoreInput", selection, fileId=first, onConflict="REPLACE")
        assert (replaced["place"], ids(await thrown_away(alice))[0]) == ("ORIGINAL", second)
        both = await alice.done("fileRestore", "FileRestoreInput", selection, fileId=second)
        assert both["file"]["name"] == "same (2).txt"

    async def test_lets_go_for_ever(self, alice: Person, bob: Person) -> None:
        before = await storage(alice)
        file_id = await file_of(alice, "secret.bin", b"x" * 1000)
        early = await alice.done("filePurge", "FilePurgeInput", "fileId", fileId=file_id)
        assert (early["fileId"], codes(early)) == (None, [("ConflictError", "CONFLICT")])
        await alice.done("fileTrash", "FileTrashInput", "file { id }", fileId=file_id)
        assert (await storage(alice))["trashBytes"] == before["trashBytes"] + 1000
        stranger = await bob.done("filePurge", "FilePurgeInput", "fileId", fileId=file_id)
        assert codes(stranger) == [("AccessError", "NOT_FOUND")]
        purged = await alice.done("filePurge", "FilePurgeInput", "fileId", fileId=file_id)
        assert (purged["fileId"], purged["errors"]) == (file_id, [])
        assert await storage(alice) == before
        assert (await alice.data("query ($id: ID!) { file(id: $id) { id } }", id=file_id)) == {"file": None}
        folder_id = await alice.folder("to purge")
        await alice.done("folderTrash", "FolderTrashInput", FOLDER, folderId=folder_id)
        gone = await alice.done("folderPurge", "FolderPurgeInput", "folderId", folderId=folder_id)
        assert (gone["folderId"], gone["errors"]) == (folder_id, [])

    async def test_takes_nothing_from_strangers(self, alice: Person, bob: Person) -> None:
        hers = await bob.empty_file("bob's.txt")
        for mutation, kind in (("fileTrash", "FileTrashInput"), ("fileRestore", "FileRestoreInput")):
            refused = await alice.done(mutation, kind, "file { id }", fileId=hers)
            assert (refused["file"], codes(refused)) == (None, [("AccessError", "NOT_FOUND")])


class TestVersions:
    async def test_are_restored_labelled_and_deleted(self, alice: Person, vault: Vault) -> None:
        file_id = await file_of(alice, "versions.bin", b"first")
        await judged(vault, FileId(file_id), ScanStatus.SCANNING, ScanStatus.CLEAN)
        await version_of(alice, file_id, b"the second")
        chosen = {"fileId": file_id, "versionNumber": 1}
        selection = f"file {VERSIONS}"
        back = await alice.done("versionRestore", "VersionRestoreInput", selection, **chosen, idempotencyKey="one")
        assert back["errors"] == []
        assert back["file"]["currentVersion"] == {"number": 3}
        assert [edge["node"]["sizeBytes"] for edge in back["file"]["versions"]["edges"]] == [5, 10, 5]
        once = await alice.done("versionRestore", "VersionRestoreInput", selection, **chosen, idempotencyKey="one")
        assert once["file"]["currentVersion"] == {"number": 3}
        named = await alice.done("versionLabel", "VersionLabelInput", selection, **chosen, label="as sent")
        assert named["file"]["versions"]["edges"][2]["node"]["label"] == "as sent"
        shorter = await alice.done("versionDelete", "VersionDeleteInput", selection, fileId=file_id, versionNumber=2)
        assert [edge["node"]["number"] for edge in shorter["file"]["versions"]["edges"]] == [3, 1]

    async def test_say_why_they_are_not_changed(self, alice: Person, bob: Person) -> None:
        file_id = await file_of(alice, "unscanned.bin", b"first")
        await version_of(alice, file_id, b"second")
        cases = [
            ("versionRestore", {"versionNumber": 1}, ("ContentError", "NOT_SCANNED")),
            ("versionRestore", {"versionNumber": 2}, ("ConflictError", "CONFLICT")),
            ("versionRestore", {"versionNumber": 9}, ("AccessError", "NOT_FOUND")),
            ("versionDelete", {"versionNumber": 2}, ("ConflictError", "CONFLICT")),
            ("versionDelete", {"versionNumber": 0}, ("AccessError", "NOT_FOUND")),
            ("versionDelete", {"versionNumber": 1, "ifVersion": 1}, ("ConflictError", "STALE")),
            ("versionLabel", {"versionNumber": 1, "label": ""}, ("InputError", "INVALID")),
            ("versionLabel", {"versionNumber": 1, "label": "x", "ifVersion": 9}, ("ConflictError", "STALE")),
        ]
        for mutation, wanted, error in cases:
            lawful = {"versionNumber": 1} | ({"label": "x"} if mutation == "versionLabel" else {})
            kind = f"{mutation[0].upper()}{mutation[1:]}Input"
            refused = await alice.done(mutation, kind, "file { id }", fileId=file_id, **wanted)
            assert (refused["file"], codes(refused)) == (None, [error]), mutation
            stranger = await bob.done(mutation, kind, "file { id }", **lawful | {"fileId": file_id})
            assert codes(stranger) == [("AccessError", "NOT_FOUND")]
