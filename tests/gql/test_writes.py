"""What mutations do, and how they say that they did not."""

import json

import pytest
from asking import ERRORS, Person
from doors import judged

from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.ids import FileId
from vaultstream.versions import ScanStatus

ULID = "01H00000000000000000000000"
FOLDER = "folder { id name revision parent { id name } ancestors { name } }"


def codes(payload: dict[str, list[dict[str, object]]]) -> list[tuple[object, object, object]]:
    return [(error["__typename"], error["code"], error["path"]) for error in payload["errors"]]


class TestFolders:
    async def test_are_made_renamed_and_moved(self, alice: Person) -> None:
        root = await alice.root()
        made = await alice.done("folderCreate", "FolderCreateInput", FOLDER, parentId=root, name="new")
        assert made["errors"] == []
        folder = made["folder"]
        assert (folder["name"], folder["revision"], folder["parent"]["id"]) == ("new", 1, root)
        named = await alice.done(
            "folderRename", "FolderRenameInput", FOLDER, folderId=folder["id"], name="newer", ifVersion=1
        )
        assert (named["folder"]["name"], named["folder"]["revision"], named["errors"]) == ("newer", 2, [])
        place = await alice.folder("place")
        moved = await alice.done(
            "folderMove", "FolderMoveInput", FOLDER, folderId=folder["id"], parentId=place, ifVersion=2
        )
        assert moved["errors"] == []
        assert moved["folder"]["parent"] == {"id": place, "name": "place"}
        assert [above["name"] for above in moved["folder"]["ancestors"]][-1] == "place"

    async def test_are_shown_as_they_are_after_each_of_several_mutations(self, alice: Person) -> None:
        outer, inner = await alice.folder("outer"), await alice.folder("inner", await alice.folder("between"))
        mutation = """
          mutation ($outer: ID!, $inner: ID!) {
            first: folderMove(input: {folderId: $inner, parentId: $outer}) { folder { ancestors { name } } }
            second: folderRename(input: {folderId: $outer, name: "outermost"}) { folder { name } }
            third: folderRename(input: {folderId: $inner, name: "innermost"}) { folder { ...Place } }
          }
          fragment Place on Folder { parent { name } ancestors { name } }
        """
        data = await alice.data(mutation, outer=outer, inner=inner)
        assert data["first"]["folder"]["ancestors"][-1] == {"name": "outer"}
        assert data["third"]["folder"]["parent"] == {"name": "outermost"}
        assert data["third"]["folder"]["ancestors"][-1] == {"name": "outermost"}

    async def test_are_made_once_for_one_key(self, alice: Person) -> None:
        wanted = {"parentId": await alice.root(), "name": "once", "idempotencyKey": "a key of my own"}
        first = await alice.done("folderCreate", "FolderCreateInput", "folder { id }", **wanted)
        again = await alice.done("folderCreate", "FolderCreateInput", "folder { id }", **wanted)
        assert first == again
        other = await alice.done("folderCreate", "FolderCreateInput", "folder { id }", **wanted | {"name": "twice"})
        assert other["folder"] is None
        assert codes(other) == [("ConflictError", "CONFLICT", ["idempotencyKey"])]

    async def test_say_why_they_are_not_made(self, alice: Person, bob: Person) -> None:
        root = await alice.root()
        await alice.folder("taken")
        cases = [
            (root, "TAKEN", ("ConflictError", "NAME_TAKEN", ["name"])),
            (root, "a/b", ("InputError", "INVALID", ["name"])),
            (root, "", ("InputError", "INVALID", ["name"])),
            ("nonsense", "x", ("AccessError", "NOT_FOUND", None)),
            (f"file_{ULID}", "x", ("AccessError", "NOT_FOUND", None)),
            (f"folder_{ULID}", "x", ("AccessError", "NOT_FOUND", None)),
            (await bob.root(), "x", ("AccessError", "NOT_FOUND", None)),
        ]
        for parent_id, name, error in cases:
            made = await alice.done("folderCreate", "FolderCreateInput", "folder { id }", parentId=parent_id, name=name)
            assert made["folder"] is None
            assert codes(made) == [error]

    async def test_say_why_they_are_not_changed(self, alice: Person) -> None:
        folder_id = await alice.folder("stale")
        below = await alice.folder("below", folder_id)
        stale = await alice.done("folderRename", "FolderRenameInput", FOLDER, folderId=folder_id, name="x", ifVersion=9)
        assert codes(stale) == [("ConflictError", "STALE", ["ifVersion"])]
        circle = await alice.done("folderMove", "FolderMoveInput", FOLDER, folderId=folder_id, parentId=below)
        assert codes(circle) == [("InputError", "INVALID", ["parentId"])]
        top = await alice.done("folderRename", "FolderRenameInput", FOLDER, folderId=await alice.root(), name="x")
        assert [error["code"] for error in top["errors"]] == ["INVALID"]


class TestUploads:
    async def test_are_begun_seen_and_given_up(self, alice: Person) -> None:
        folder_id = await alice.folder("uploads")
        wanted = {"folderId": folder_id, "name": "big.bin", "sizeBytes": 5 * 2**30, "sha256": "a" * 64}
        selection = "upload { id url sizeBytes offsetBytes status expiresAt file { id } version { id } }"
        begun = await alice.done("uploadBegin", "UploadBeginInput", selection, **wanted, idempotencyKey="mine")
        assert begun["errors"] == []
        upload = begun["upload"]
        assert upload == upload | {"sizeBytes": 5 * 2**30, "offsetBytes": 0, "status": "RECEIVING", "file": None}
        assert upload["url"] == f"{alice.client.base_url}/uploads/{upload['id']}".replace("//uploads", "/uploads")
        head = await alice.client.head(upload["url"], headers=alice.headers | {"Tus-Resumable": "1.0.0"})
        assert (head.status_code, head.headers["upload-offset"]) == (200, "0")
        again = await alice.done("uploadBegin", "UploadBeginInput", "upload { id }", **wanted, idempotencyKey="mine")
        assert again["upload"]["id"] == upload["id"]
        aborted = await alice.done("uploadAbort", "UploadAbortInput", "upload { id status }", uploadId=upload["id"])
        assert aborted["errors"] == []
        assert aborted["upload"] == {"id": upload["id"], "status": "ABORTED"}
        storage = (await alice.data("{ viewer { storage { reservedBytes } } }"))["viewer"]["storage"]
        assert storage == {"reservedBytes": 0}

    async def test_say_why_they_are_not_begun(self, alice: Person, bob: Person) -> None:
        await alice.empty_file("there.txt")
        hers = await bob.empty_file("hers.txt")
        cases: list[tuple[dict[str, object], tuple[str, str]]] = [
            ({}, ("InputError", "INVALID")),
            ({"name": "x", "fileId": hers}, ("InputError", "INVALID")),
            ({"name": "there.txt"}, ("ConflictError", "NAME_TAKEN")),
            ({"fileId": hers}, ("AccessError", "NOT_FOUND")),
            ({"fileId": "nonsense"}, ("AccessError", "NOT_FOUND")),
            ({"name": "x", "folderId": await bob.root()}, ("AccessError", "NOT_FOUND")),
            ({"name": "x", "sizeBytes": 2**62}, ("RoomError", "TOO_LARGE")),
        ]
        for wanted, error in cases:
            begun = await alice.done("uploadBegin", "UploadBeginInput", "upload { id }", **wanted)
            assert begun["upload"] is None
            assert [code[:2] for code in codes(begun)] == [error]

    async def test_run_out_of_room(self, alice: Person) -> None:
        half, uploads = 50 * 2**30, []
        for number in range(3):
            wanted = {"name": f"half {number}", "sizeBytes": half}
            begun = await alice.done("uploadBegin", "UploadBeginInput", "upload { id }", **wanted)
            if begun["upload"]:
                uploads.append(begun["upload"]["id"])
        assert codes(begun) == [("RoomError", "QUOTA_EXCEEDED", begun["errors"][0]["path"])]
        for upload_id in uploads:
            await alice.done("uploadAbort", "UploadAbortInput", "upload { id }", uploadId=upload_id)

    @pytest.mark.parametrize("size", [-1, 1.5, 2**63, 2**64, 1e30, "5", True])
    async def test_take_a_byte_size_that_is_one(self, alice: Person, size: object) -> None:
        mutation = f"mutation ($input: UploadBeginInput!) {{ uploadBegin(input: $input) {{ {ERRORS} }} }}"
        wanted = {"query": mutation, "variables": {"input": {"name": "x", "sizeBytes": size}}}
        answer = await alice.post(json.dumps(wanted).encode())
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["extensions"] == {"code": "INVALID"}

    @pytest.mark.parametrize("digest", ["", "A" * 64, "a" * 63, "g" * 64, 5])
    async def test_take_a_digest_that_is_one(self, alice: Person, digest: object) -> None:
        mutation = f"mutation ($input: UploadBeginInput!) {{ uploadBegin(input: $input) {{ {ERRORS} }} }}"
        answer = await alice.post({"query": mutation, "variables": {"input": {"name": "x", "sha256": digest}}})
        assert answer.status_code == 400

    async def test_of_somebody_else_are_not_there(self, alice: Person, bob: Person) -> None:
        begun = await alice.done("uploadBegin", "UploadBeginInput", "upload { id }", name="not yours", sizeBytes=5)
        refused = await bob.done("uploadAbort", "UploadAbortInput", "upload { id }", uploadId=begun["upload"]["id"])
        assert (refused["upload"], codes(refused)) == (None, [("AccessError", "NOT_FOUND", None)])
        garbage = await bob.done("uploadAbort", "UploadAbortInput", "upload { id }", uploadId="nonsense")
        assert codes(garbage) == [("AccessError", "NOT_FOUND", None)]


class TestDownloads:
    async def test_wait_for_a_clean_scan_and_then_give_an_address(self, vault: Vault, alice: Person) -> None:
        file_id = await alice.empty_file("download.txt")
        early = await alice.done("downloadCreate", "DownloadCreateInput", "url expiresAt", fileId=file_id)
        assert (early["url"], early["expiresAt"]) == (None, None)
        assert codes(early) == [("ContentError", "NOT_SCANNED", None)]
        await judged(vault, FileId(file_id), ScanStatus.SCANNING, ScanStatus.CLEAN)
        link = await alice.done(
            "downloadCreate", "DownloadCreateInput", "url expiresAt", fileId=file_id, versionNumber=1
        )
        assert link["errors"] == []
        content = await alice.client.get(link["url"])
        assert (content.status_code, content.content) == (200, b"")
        missing = await alice.done("downloadCreate", "DownloadCreateInput", "url", fileId=file_id, versionNumber=7)
        assert codes(missing) == [("AccessError", "NOT_FOUND", None)]

    async def test_of_what_is_infected_are_refused(self, vault: Vault, alice: Person) -> None:
        file_id = await alice.empty_file("infected.txt")
        await judged(vault, FileId(file_id), ScanStatus.SCANNING, ScanStatus.INFECTED)
        refused = await alice.done("downloadCreate", "DownloadCreateInput", "url", fileId=file_id)
        assert (refused["url"], codes(refused)) == (None, [("ContentError", "INFECTED", None)])

    async def test_of_somebody_else_are_not_there(self, alice: Person, bob: Person) -> None:
        file_id = await alice.empty_file("mine alone.txt")
        for wanted in (file_id, "nonsense", f"file_{ULID}"):
            refused = await bob.done("downloadCreate", "DownloadCreateInput", "url", fileId=wanted)
            assert codes(refused) == [("AccessError", "NOT_FOUND", None)]


class TestRetries:
    async def test_a_failed_scan_is_asked_for_again(self, vault: Vault, alice: Person) -> None:
        file_id = await alice.empty_file("again.txt")
        await judged(vault, FileId(file_id), ScanStatus.FAILED)
        again = await alice.done("scanRetry", "ScanRetryInput", "file { scan { status } }", fileId=file_id)
        assert again == {"file": {"scan": {"status": "PENDING"}}, "errors": []}

    async def test_a_scan_that_has_not_begun_stays_as_it_is(self, alice: Person) -> None:
        file_id = await alice.empty_file("not yet.txt")
        again = await alice.done("scanRetry", "ScanRetryInput", "file { revision scan { status } }", fileId=file_id)
        assert again == {"file": {"revision": 1, "scan": {"status": "PENDING"}}, "errors": []}
        early = await alice.done("thumbnailRetry", "ThumbnailRetryInput", "file { id }", fileId=file_id)
        assert (early["file"], codes(early)) == (None, [("ContentError", "NOT_SCANNED", None)])

    async def test_what_came_to_an_end_is_not_done_again(self, vault: Vault, alice: Person) -> None:
        file_id = await alice.empty_file("clean.txt")
        await judged(vault, FileId(file_id), ScanStatus.SCANNING, ScanStatus.CLEAN)
        refused = await alice.done("scanRetry", "ScanRetryInput", "file { id }", fileId=file_id)
        assert (refused["file"], codes(refused)) == (None, [("ConflictError", "CONFLICT", None)])
        refused = await alice.done("thumbnailRetry", "ThumbnailRetryInput", "file { id }", fileId=file_id)
        assert (refused["file"], codes(refused)) == (None, [("ConflictError", "CONFLICT", None)])

    async def test_of_somebody_else_are_not_there(self, alice: Person, bob: Person) -> None:
        file_id = await alice.empty_file("hers alone.txt")
        for mutation, kind in (("scanRetry", "ScanRetryInput"), ("thumbnailRetry", "ThumbnailRetryInput")):
            for wanted in (file_id, "nonsense"):
                refused = await bob.done(mutation, kind, "file { id }", fileId=wanted)
                assert (refused["file"], codes(refused)) == (None, [("AccessError", "NOT_FOUND", None)])


async def test_what_no_input_can_mend_is_a_top_level_error(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> None:
        raise VaultError(Code.UNAVAILABLE, "Try again in a moment.")

    monkeypatch.setattr("vaultstream.gql.folders.organize.create_folder", away)
    answer = await alice.ask(
        f'mutation {{ folderCreate(input: {{parentId: "folder_{ULID}", name: "x"}}) {{ {ERRORS} }} }}'
    )
    assert answer["data"] is None
    assert answer["errors"][0]["message"] == "Try again in a moment."
    assert answer["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}
