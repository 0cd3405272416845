"""The tree as a machine: two owners and a stranger do anything at random, and a model in memory says what must come."""

import asyncio
import secrets
from collections.abc import Awaitable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.actions.growing import scanned, stored
from vaultstream import names, table, tags
from vaultstream.actions import account, arrange, browse, children, duplicate, organize, reach
from vaultstream.actions.children import ListingKey
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.records import items
from vaultstream.adapters.vault import Vault, opened
from vaultstream.errors import Code, VaultError
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FileId, FolderId
from vaultstream.settings import Settings
from vaultstream.versions import ScanStatus

DEPTH = 4  # in place of 64, so that the machine comes to it
NAMES = ["a", "A", "b", "ß", "SS", "é", "e\u0301", "c"]
CONTENTS = [b"", b"x", b"yy"]
WHO = st.integers(0, 2)  # two owners and a stranger


@dataclass(eq=False)
class Node:
    """What the model knows of a folder or file; `height` is the bound that a folder keeps."""

    owner: int
    parent: "Node | None"
    name: str
    is_folder: bool
    id: str = ""
    data: bytes = b""
    clean: bool = False
    words: tuple[str, ...] = ()
    height: int = 0
    children: list["Node"] = field(default_factory=list)

    @property
    def way(self) -> list["Node"]:
        """Itself and all that is above it, the nearest first."""
        return [self, *(self.parent.way if self.parent else [])]

    def child(self, name: str) -> "Node | None":
        return next((each for each in self.children if names.fold(each.name) == names.fold(name)), None)

    def make_room(self, levels: int) -> Code | None:
        if len(self.way) + levels > DEPTH:
            return Code.INVALID
        for at, folder in enumerate(self.way):
            folder.height = max(folder.height, levels + at)
        return None

    def put(self, parent: "Node", name: str) -> None:
        if self.parent is not None:
            self.parent.children.remove(self)
        self.parent, self.name = parent, names.lawful(name)
        parent.children.append(self)


class Tree(RuleBasedStateMachine):
    """Each rule asks the vault and the model alike; each step ends with a look at the whole table."""

    vault: Vault
    loop: asyncio.AbstractEventLoop
    folders = Bundle("folders")
    files = Bundle("files")

    def run(self, wanted: Awaitable[object]) -> object:
        """What a deed came to: what it made, or the code of its refusal."""

        async def ended() -> object:
            try:
                return await wanted
            except VaultError as error:
                return error.code

        return self.loop.run_until_complete(ended())

    def must(self, wanted: Awaitable[object], refused: Code | None) -> object:
        """The deed must come to just this."""
        ended = self.run(wanted)
        code = ended if isinstance(ended, Code) else None
        assert code is refused
        return ended

    @initialize(target=folders)
    def people(self) -> object:
        self.actors = [self.person() for _ in range(3)]
        roots = []
        for number, actor in enumerate(self.actors[:2]):
            user = self.run(account.viewer(self.vault, actor.user_id))
            roots.append(Node(number, None, "", True, user.root_folder_id))  # type: ignore[attr-defined]
        self.roots = roots
        return multiple(*roots)

    def person(self) -> Actor:
        origin, name = Origin("request-machine", "127.0.0.1", "tests"), secrets.token_hex(6)
        user_id = self.run(account.sign_in(self.vault, f"{name}@example.com", name, origin))
        return Actor(user_id, origin, datetime.now(UTC) + timedelta(hours=1))  # type: ignore[arg-type]

    @rule(target=folders, who=WHO, parent=folders, name=st.sampled_from(NAMES))
    def create_folder(self, who: int, parent: Node, name: str) -> object:
        refused = Code.NOT_FOUND if parent.owner != who else parent.make_room(1)
        if refused is None and parent.child(name):
            refused = Code.NAME_TAKEN
        made = self.must(organize.create_folder(self.vault, self.actors[who], FolderId(parent.id), name), refused)
        return self.added(made, Node(who, None, name, True), parent, name)

    @rule(
        target=files,
        who=WHO,
        parent=folders,
        name=st.sampled_from(NAMES),
        data=st.sampled_from(CONTENTS),
        clean=st.booleans(),
    )
    def store(self, who: int, parent: Node, name: str, data: bytes, clean: bool) -> object:
        refused = Code.NOT_FOUND if parent.owner != who else Code.NAME_TAKEN if parent.child(name) else None
        made = self.must(stored(self.vault, self.actors[who], FolderId(parent.id), name, data), refused)
        if clean and isinstance(made, File):
            self.run(scanned(self.vault, made.id, ScanStatus.CLEAN, data))
        return self.added(made, Node(who, None, name, False, data=data, clean=clean), parent, name)

    def added(self, made: object, node: Node, parent: Node, name: str) -> object:
        if isinstance(made, Code):
            return multiple()
        assert isinstance(made, (Folder, File))
        node.id = made.id
        node.put(parent, name)
        return node

    @rule(who=WHO, it=folders | files, name=st.sampled_from(NAMES))
    def rename(self, who: int, it: Node, name: str) -> None:
        refused = Code.NOT_FOUND if it.owner != who else None
        if refused is None and it.parent is None:
            refused = Code.INVALID
        if refused is None and it.parent is not None and it.parent.child(name) not in {None, it}:
            refused = Code.NAME_TAKEN
        renaming = organize.rename_folder if it.is_folder else arrange.rename_file
        self.must(renaming(self.vault, self.actors[who], it.id, name), refused)  # type: ignore[arg-type]
        if refused is None and it.parent is not None:
            it.put(it.parent, name)

    @rule(who=WHO, it=folders, into=folders)
    def move_folder(self, who: int, it: Node, into: Node) -> None:
        refused = self.folder_refused(who, it, into)
        self.must(organize.move_folder(self.vault, self.actors[who], FolderId(it.id), FolderId(into.id)), refused)
        if refused is None:
            it.put(into, it.name)

    def folder_refused(self, who: int, it: Node, into: Node) -> Code | None:
        if it.owner != who:
            return Code.NOT_FOUND
        if it.parent is None:
            return Code.INVALID
        if it.parent is into:
            return None
        if into.owner != who:
            return Code.NOT_FOUND
        if it in into.way:
            return Code.INVALID
        return into.make_room(it.height + 1) or (Code.NAME_TAKEN if into.child(it.name) else None)

    @rule(who=WHO, it=files, into=folders)
    def move_file(self, who: int, it: Node, into: Node) -> None:
        refused = Code.NOT_FOUND if who != it.owner or into.owner != who else None
        if refused is None and into.child(it.name) not in {None, it}:
            refused = Code.NAME_TAKEN
        self.must(arrange.move_file(self.vault, self.actors[who], FileId(it.id), FolderId(into.id)), refused)
        if refused is None:
            it.put(into, it.name)

    @rule(target=files, who=WHO, it=files, into=folders, name=st.sampled_from(NAMES))
    def copy(self, who: int, it: Node, into: Node, name: str) -> object:
        refused = Code.NOT_FOUND if it.owner != who else None if it.clean else Code.NOT_SCANNED
        if refused is None:
            refused = Code.NOT_FOUND if into.owner != who else Code.NAME_TAKEN if into.child(name) else None
        copying = duplicate.copy_file(self.vault, self.actors[who], FileId(it.id), FolderId(into.id), name=name)
        return self.added(self.must(copying, refused), Node(who, None, name, False, data=it.data), into, name)

    @rule(who=WHO, it=files, words=st.lists(st.sampled_from(["Red", "red", "blue", "x" * 51]), max_size=3))
    def tag(self, who: int, it: Node, words: list[str]) -> None:
        refused = Code.INVALID if "x" * 51 in words else Code.NOT_FOUND if it.owner != who else None
        self.must(arrange.tag_file(self.vault, self.actors[who], FileId(it.id), words), refused)
        if refused is None:
            it.words = tags.lawful(words)

    @invariant()
    def the_table_holds_the_models_trees_and_nothing_else(self) -> None:
        for root in getattr(self, "roots", []):
            self.loop.run_until_complete(self.look(root))

    async def look(self, root: Node) -> None:
        """The whole tree as the table has it, then as each of the three may see it."""
        found: dict[str, Folder | File] = {}
        pages: dict[str, list[Folder | File]] = {}
        await self.compare(root, 1, found, pages)
        keys = [ListingKey(FolderId(folder_id), 100) for folder_id in pages]
        for number, actor in enumerate(self.actors):
            seen = await browse.readable(self.vault, actor, await reach.load(self.vault, list(found)))  # type: ignore[arg-type]
            listed = await children.listed_pages(self.vault, actor, keys if number == root.owner else keys[:1])
            if number == root.owner:
                assert seen == list(found.values())
                assert [list(page.children) for page in listed if page] == list(pages.values())
            else:
                assert (set(seen), listed) == ({None}, [None])

    async def compare(
        self, node: Node, depth: int, found: dict[str, Folder | File], pages: dict[str, list[Folder | File]]
    ) -> None:
        """The folder's collection is the model's, name by name; what was found is added to the two."""
        assert depth <= DEPTH
        rows = await self.vault.records.collection(table.folder(node.id).pk, limit=100)
        folder, *entries = map(items.noun_from, rows)
        assert isinstance(folder, Folder)
        assert (folder.id, folder.height, folder.owner_id) == (node.id, node.height, self.actors[node.owner].user_id)
        ordered = sorted(node.children, key=lambda child: names.fold(child.name).encode())
        assert [(it.id, it.name, it.parent_id) for it in entries] == [(it.id, it.name, node.id) for it in ordered]
        pages[folder.id] = entries
        found.setdefault(folder.id, folder)
        for it, child in zip(entries, ordered, strict=True):
            assert it.id not in found
            found[it.id] = it  # as the entry has it: `look` compares it with the item
            if isinstance(it, Folder):
                assert it.height < folder.height
                await self.compare(child, depth + 1, found, pages)
            else:
                assert (it.tags, it.current.size_bytes) == (child.words, len(child.data))


@pytest.fixture
def machine(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Tree]]:
    """The machine over a vault in an event loop of its own: its rules do not wait, they make the loop run."""
    monkeypatch.setattr(reach, "DEPTH_MAX", DEPTH)
    loop, stack = asyncio.new_event_loop(), AsyncExitStack()
    vault = loop.run_until_complete(stack.enter_async_context(opened(settings)))
    yield type("Machine", (Tree,), {"vault": vault, "loop": loop})
    loop.run_until_complete(stack.aclose())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def test_the_tree_is_the_models_tree(machine: type[Tree]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=10,
            stateful_step_count=20,
            deadline=None,
            phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
