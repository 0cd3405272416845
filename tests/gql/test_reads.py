"""What can be read, by whom, and in how many round trips."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from asking import Person
from caches import uncached
from doors import judged

from vaultstream.actions import process
from vaultstream.adapters.vault import Vault
from vaultstream.events import EventName
from vaultstream.gql.context import Context
from vaultstream.gql.execution import Ask
from vaultstream.http.graphql_door import Door
from vaultstream.ids import FileId
from vaultstream.versions import ScanStatus, StoredVersion, ThumbnailSize, ThumbnailStatus

ULID = "01H00000000000000000000000"
PAGE = """
query ($id: ID!, $first: Int!, $after: String) {
  folder(id: $id) {
    name
    children(first: $first, after: $after) {
      edges { cursor node { __typename id name } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}
"""
"""A page as a screen shows it: all that may be asked of each item."""
RICH_PAGE = """
query ($id: ID!) {
  folder(id: $id) {
    name owner { email } parent { id } ancestors { name }
    children(first: 100) {
      edges { node {
        id name revision owner { displayName } parent { name } capabilities { canEdit canDelete } ancestors { name }
        ... on File {
          sizeBytes contentType tags scan { status } thumbnail { status url(size: 256) width }
          storage { tier changedAt }
          currentVersion { number createdBy { email } file { name } scan { status } thumbnail { status } }
        }
      } }
    }
  }
}
"""


class TestAViewer:
    async def test_sees_themselves(self, alice: Person) -> None:
        data = await alice.data(
            "{ viewer { id email displayName createdAt rootFolder { name parent { id } ancestors { id } } "
            "storage { quotaBytes leftBytes liveBytes versionBytes trashBytes reservedBytes } } }"
        )
        viewer = data["viewer"]
        assert viewer["email"] == "alice@example.com"
        assert viewer["rootFolder"] == {"name": viewer["rootFolder"]["name"], "parent": None, "ancestors": []}
        storage = viewer["storage"]
        assert storage["quotaBytes"] == sum(storage.values()) - storage["quotaBytes"]
        assert viewer["createdAt"].endswith("Z")

    async def test_is_told_what_they_may_do_by_what_decides_it(self, alice: Person) -> None:
        query = """query ($id: ID!) { folder(id: $id) {
            capabilities { canRead canDownload canComment canEdit canShare canDelete }
        } }"""
        root = (await alice.data(query, id=await alice.root()))["folder"]["capabilities"]
        other = (await alice.data(query, id=await alice.folder("able")))["folder"]["capabilities"]
        assert set(other.values()) == {True}
        assert root == other | {"canDelete": False, "canShare": False}


class TestAFolder:
    async def test_is_paged_by_name_without_gap_or_repetition(self, alice: Person) -> None:
        folder_id = await alice.folder("paged")
        names = ["Ärger", "b.txt", "C", "d.txt", "e", "ß.txt", "z"]
        for name in names:
            await (alice.empty_file(name, folder_id) if name.endswith(".txt") else alice.folder(name, folder_id))
        whole = (await alice.data(PAGE, id=folder_id, first=100))["folder"]["children"]
        order = [edge["node"]["name"] for edge in whole["edges"]]
        assert sorted(order) == sorted(names)
        for first in (1, 2, 3, 7):
            seen, after = [], None
            while True:
                page = (await alice.data(PAGE, id=folder_id, first=first, after=after))["folder"]["children"]
                assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
                assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
                assert len(page["edges"]) <= first
                seen += [edge["node"]["name"] for edge in page["edges"]]
                after = page["pageInfo"]["endCursor"]
                if not page["pageInfo"]["hasNextPage"]:
                    break
            assert seen == order

    async def test_shows_files_as_files_and_folders_as_folders(self, alice: Person) -> None:
        folder_id = await alice.folder("mixed")
        await alice.folder("a", folder_id)
        await alice.empty_file("b", folder_id)
        page = (await alice.data(PAGE, id=folder_id, first=10))["folder"]["children"]
        assert [edge["node"]["__typename"] for edge in page["edges"]] == ["Folder", "File"]

    async def test_that_is_empty_has_an_empty_page(self, alice: Person) -> None:
        page = (await alice.data(PAGE, id=await alice.folder("empty"), first=1))["folder"]["children"]
        nothing = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
        assert page == {"edges": [], "pageInfo": nothing}

    @pytest.mark.parametrize("first", [0, -1, 101, 2**31 - 1])
    async def test_has_pages_of_1_to_100(self, alice: Person, first: int) -> None:
        answer = await alice.ask(PAGE, id=await alice.root(), first=first)
        (error,) = answer["errors"]
        assert error["extensions"] == {"code": "INVALID", "argument": ["first"]}
        assert error["path"] == ["folder", "children"]

    @pytest.mark.parametrize("cursor", ["", "x", "=", "9etzDkVOVFJZI2", "💥", "a" * 5_000, "../../etc/passwd"])
    async def test_refuses_what_is_no_cursor_of_its_own(self, alice: Person, cursor: str) -> None:
        answer = await alice.ask(PAGE, id=await alice.root(), first=1, after=cursor)
        (error,) = answer["errors"]
        assert error["extensions"] == {"code": "INVALID", "argument": ["after"]}
        assert error["message"] == "Take the cursor from an earlier page of the same list, unchanged."

    async def test_may_be_asked_for_two_pages_at_once(self, alice: Person) -> None:
        folder_id = await alice.folder("twice")
        for name in "abc":
            await alice.folder(name, folder_id)
        data = await alice.data(
            "query ($id: ID!) { folder(id: $id) { one: children(first: 1) { edges { node { name } } } "
            "two: children(first: 2) { edges { node { name } } } } }",
            id=folder_id,
        )
        assert [len(data["folder"][name]["edges"]) for name in ("one", "two")] == [1, 2]


class TestAFile:
    async def test_has_versions_the_newest_first_and_each_is_a_node(self, alice: Person) -> None:
        file_id = await alice.empty_file("versions.txt")
        for _ in range(3):
            made = await alice.done(
                "uploadBegin", "UploadBeginInput", "upload { version { number } }", fileId=file_id, sizeBytes=0
            )
            assert made["errors"] == []
        asked = (
            "query ($id: ID!, $first: Int!, $after: String) { file(id: $id) { currentVersion { number } "
            "versions(first: $first, after: $after) { "
            "edges { node { id number } } pageInfo { hasNextPage endCursor } } } }"
        )
        file = (await alice.data(asked, id=file_id, first=3))["file"]
        assert file["currentVersion"]["number"] == 4
        assert [edge["node"]["number"] for edge in file["versions"]["edges"]] == [4, 3, 2]
        end = file["versions"]["pageInfo"]["endCursor"]
        rest = (await alice.data(asked, id=file_id, first=3, after=end))["file"]["versions"]
        assert [edge["node"]["number"] for edge in rest["edges"]] == [1]
        assert rest["pageInfo"]["hasNextPage"] is False
        oldest = rest["edges"][0]["node"]["id"]
        node = await alice.data(
            "query ($id: ID!) { node(id: $id) { ... on FileVersion { number file { id } } } }", id=oldest
        )
        assert node["node"] == {"number": 1, "file": {"id": file_id}}
        wrong = await alice.ask(PAGE, id=await alice.root(), first=1, after=end)
        assert wrong["errors"][0]["extensions"]["code"] == "INVALID"

    async def test_tells_what_its_current_version_is(self, alice: Person) -> None:
        file_id = await alice.empty_file("current.txt")
        data = await alice.data(
            "query ($id: ID!) { file(id: $id) { sizeBytes contentType tags trashedAt scan { status signature } "
            "thumbnail { status url width height } storage { tier restore restoredUntil } "
            "currentVersion { sizeBytes contentType sha256 label } } }",
            id=file_id,
        )
        assert data["file"] == {
            "sizeBytes": 0,
            "contentType": "text/plain",
            "tags": [],
            "trashedAt": None,
            "scan": {"status": "PENDING", "signature": None},
            "thumbnail": {"status": "PENDING", "url": None, "width": None, "height": None},
            "storage": {"tier": "STANDARD", "restore": "NOT_NEEDED", "restoredUntil": None},
            "currentVersion": data["file"]["currentVersion"],
        }
        assert data["file"]["currentVersion"]["contentType"] == "text/plain"

    async def test_shows_its_thumbnail_at_a_signed_address(self, vault: Vault, alice: Person) -> None:
        file_id = await alice.empty_file("picture.png")
        await judged(vault, FileId(file_id), ScanStatus.SCANNING, ScanStatus.CLEAN)
        sizes = (ThumbnailSize(256, 256, 128), ThumbnailSize(1024, 1024, 512))

        def rendered(stored: StoredVersion) -> StoredVersion:
            thumbnail = stored.version.thumbnail.to(ThumbnailStatus.RENDERING)
            thumbnail = thumbnail.to(ThumbnailStatus.READY, sizes=sizes)
            return stored.showing(replace(stored.version, thumbnail=thumbnail), due_at=None)

        told = process.worker_event(vault, "thumbnail", EventName.VERSION_THUMBNAIL, "test")
        await process.advance(vault, FileId(file_id), None, rendered, told)
        query = """query ($id: ID!) { file(id: $id) {
            thumbnail { status reason width height url small: url(size: 100) } currentVersion { thumbnail { status } }
        } }"""
        file = (await alice.data(query, id=file_id))["file"]
        assert file["currentVersion"] == {"thumbnail": {"status": "READY"}}
        thumbnail = file["thumbnail"]
        assert (thumbnail["status"], thumbnail["width"], thumbnail["height"]) == ("READY", 1024, 512)
        assert "/thumbnail/1024?" in thumbnail["url"]
        assert "/thumbnail/256?" in thumbnail["small"]


class TestNodes:
    async def test_are_found_by_any_id_in_the_order_asked(self, alice: Person) -> None:
        made = await alice.done(
            "uploadBegin",
            "UploadBeginInput",
            "upload { id file { id } version { id } }",
            name="node.txt",
            sizeBytes=0,
        )
        upload = made["upload"]
        viewer = (await alice.data("{ viewer { id } }"))["viewer"]
        ids = [viewer["id"], await alice.root(), upload["file"]["id"], upload["version"]["id"], upload["id"]]
        data = await alice.data("query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", ids=[*ids, ids[0]])
        kinds = ["User", "Folder", "File", "FileVersion", "Upload", "User"]
        assert data["nodes"] == [
            {"__typename": kind, "id": node} for kind, node in zip(kinds, [*ids, ids[0]], strict=True)
        ]

    @pytest.mark.parametrize(
        "garbage",
        [
            "",
            *[" ", "x", "folder", "folder_", "folder_x", f"nobody_{ULID}", f"folder_{ULID}", f"file_{ULID}", "💥"],
            *[f"version_{ULID}_{ULID}", f"upload_{ULID}", f"user_{ULID}", "Rm9sZGVyOjE=", "'; DROP TABLE", "x" * 5_000],
        ],
    )
    async def test_are_null_for_what_is_no_id_of_theirs(self, alice: Person, garbage: str) -> None:
        query = """query ($id: ID!) {
            node(id: $id) { id } nodes(ids: [$id]) { id } folder(id: $id) { id } file(id: $id) { id }
        }"""
        assert await alice.data(query, id=garbage) == {"node": None, "nodes": [None], "folder": None, "file": None}

    async def test_are_null_for_what_is_somebody_elses(self, alice: Person, bob: Person) -> None:
        made = await alice.done(
            "uploadBegin",
            "UploadBeginInput",
            "upload { id file { id currentVersion { id } } }",
            name="his",
            sizeBytes=0,
        )
        file = made["upload"]["file"]
        viewer = (await alice.data("{ viewer { id } }"))["viewer"]["id"]
        ids = [viewer, await alice.root(), file["id"], file["currentVersion"]["id"], made["upload"]["id"]]
        assert await bob.data("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids) == {"nodes": [None] * 5}
        query = """query ($f: ID!, $d: ID!) {
            file(id: $f) { id } folder(id: $d) { id children(first: 1) { edges { cursor } } }
        }"""
        assert await bob.data(query, f=file["id"], d=ids[1]) == {"file": None, "folder": None}

    async def test_are_at_most_a_hundred_at_a_time(self, alice: Person) -> None:
        answer = await alice.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["x"] * 101)
        assert answer["errors"][0]["extensions"] == {"code": "INVALID", "argument": ["ids"]}


class TestRoundTrips:
    """A page costs the same number of them however many items it shows."""

    async def trips(
        self, vault: Vault, door: Door, person: Person, monkeypatch: pytest.MonkeyPatch, query: str, **variables: str
    ) -> list[str]:
        calls: list[str] = []
        original: Callable[..., object] = vault.records._call

        async def counted(name: str, **request: object) -> object:
            calls.append(name)
            return await original(name, **request)  # type: ignore[misc]  # it is a coroutine function

        scope = {"type": "http", "headers": [], "client": None}
        actor = await door.actor(scope, {"authorization": person.headers["Authorization"]})
        monkeypatch.setattr(vault.records, "_call", counted)
        context = Context(uncached(vault), actor)
        answer = await door.engine.run(door.engine.operation(Ask(query, None, variables)), context)
        monkeypatch.undo()
        assert "errors" not in answer.body
        return calls

    async def test_a_rich_page_costs_the_same_for_few_and_for_many(
        self, vault: Vault, door: Door, alice: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        few, many = await alice.folder("few"), await alice.folder("many")
        for number in range(2):
            await alice.empty_file(f"{number}", few)
        for number in range(12):
            await alice.empty_file(f"{number}", many)
            await alice.folder(f"folder {number}", many)
        costs = [
            await self.trips(vault, door, alice, monkeypatch, RICH_PAGE, id=folder_id) for folder_id in (few, many)
        ]
        assert costs[0] == costs[1]
        # The folder with its children; then the owners, the parent, and level by level ancestors and who may do what.
        assert sorted(costs[0]) == ["batch_get_item"] * (len(costs[0]) - 1) + ["query"]
        assert len(costs[0]) <= 8

    async def test_a_page_is_one_query(
        self, vault: Vault, door: Door, alice: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder_id = await alice.folder("one query")
        await alice.empty_file("a", folder_id)
        query = """query ($id: ID!) { folder(id: $id) { ...F } }
        fragment F on Folder { name children(first: 5) { edges { node { name } } } }"""
        assert await self.trips(vault, door, alice, monkeypatch, query, id=folder_id) == ["query"]

    async def test_a_file_with_its_versions_is_one_query(
        self, vault: Vault, door: Door, alice: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file_id = await alice.empty_file("one query.txt")
        query = """query ($id: ID!) {
            node(id: $id) { ... on File { name versions(first: 5) { edges { node { number file { name } } } } } }
        }"""
        assert await self.trips(vault, door, alice, monkeypatch, query, id=file_id) == ["query"]

    async def test_nodes_of_one_kind_are_one_batch(
        self, vault: Vault, door: Door, alice: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = [await alice.folder(f"batch {number}") for number in range(5)]
        query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
        assert await self.trips(vault, door, alice, monkeypatch, query, ids=ids) == ["batch_get_item"]

    async def test_a_page_that_is_skipped_is_not_loaded(
        self, vault: Vault, door: Door, alice: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder_id = await alice.folder("skipped")
        query = "query ($id: ID!) { folder(id: $id) { name children(first: 5) @skip(if: true) { edges { cursor } } } }"
        assert await self.trips(vault, door, alice, monkeypatch, query, id=folder_id) == ["batch_get_item"]
