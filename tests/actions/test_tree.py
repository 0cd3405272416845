"""The tree of folders against a model of it: whatever is done in whatever order, both hold the same."""

import asyncio
import secrets
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck
from hypothesis import settings as tried
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule, run_state_machine_as_test

from vaultstream import names
from vaultstream.actions import account, browse, organize, upload
from vaultstream.actions.browse import FolderPageKey
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.vault import Vault, opened
from vaultstream.errors import Code, VaultError
from vaultstream.settings import Settings

NAMES = st.sampled_from(["a", "A", "b", "stra\xdfe", "STRASSE", "\xe9", "E\u0301"])


@dataclass
class Model:
    """Each folder's parent and name, and the names that uploads keep."""

    root: str
    placed: dict[str, tuple[str, str]] = field(default_factory=dict)
    kept: dict[str, tuple[str, str]] = field(default_factory=dict)

    def is_taken(self, parent: str, name: str, *, but: str = "") -> bool:
        here = [placed for it, placed in [*self.placed.items(), *self.kept.items()] if it != but]
        return (parent, names.fold(name)) in {(above, names.fold(taken)) for above, taken in here}

    def is_above(self, folder: str, other: str) -> bool:
        while other not in {self.root, folder}:
            other = self.placed[other][0]
        return other == folder

    def children(self, parent: str) -> list[tuple[str, str]]:
        here = [(names.fold(name), it, name) for it, (above, name) in self.placed.items() if above == parent]
        return [(it, name) for _, it, name in sorted(here, key=lambda child: child[0].encode())]


class Tree(RuleBasedStateMachine):
    """One person's folders, made, renamed, moved, and claimed by uploads."""

    vault: Vault
    runner: asyncio.Runner

    folders = Bundle("folders")
    uploads = Bundle("uploads")

    def run(self, awaitable: Awaitable[object]) -> object:
        """What a deed gives: its answer, or the code of its refusal."""

        async def deed() -> object:
            try:
                return await awaitable
            except VaultError as error:
                return error.code

        return self.runner.run(deed())

    @initialize(target=folders)
    def somebody_signs_in(self) -> str:
        origin, email = Origin("request-1"), f"{secrets.token_hex(8)}@example.com"
        user_id = self.runner.run(account.sign_in(self.vault, email, "Somebody", origin))
        self.actor = Actor(user_id, origin, datetime.now(UTC) + timedelta(hours=1))
        self.model = Model(self.runner.run(account.viewer(self.vault, user_id)).root_folder_id)
        return self.model.root

    @rule(target=folders, parent=folders, name=NAMES)
    def create(self, parent: str, name: str) -> object:
        made = self.run(organize.create_folder(self.vault, self.actor, parent, name))
        if self.model.is_taken(parent, name):
            assert made is Code.NAME_TAKEN
            return multiple()
        self.model.placed[made.id] = (parent, names.lawful(name))
        return made.id

    @rule(folder=folders, name=NAMES)
    def rename(self, folder: str, name: str) -> None:
        done = self.run(organize.rename_folder(self.vault, self.actor, folder, name))
        if folder == self.model.root:
            assert done is Code.INVALID
        elif self.model.is_taken(self.model.placed[folder][0], name, but=folder):
            assert done is Code.NAME_TAKEN
        else:
            self.model.placed[folder] = (self.model.placed[folder][0], names.lawful(name))
            assert (done.parent_id, done.name) == self.model.placed[folder]

    @rule(folder=folders, parent=folders)
    def move(self, folder: str, parent: str) -> None:
        done = self.run(organize.move_folder(self.vault, self.actor, folder, parent))
        if self.model.is_above(folder, parent):
            assert done is Code.INVALID
        elif self.model.is_taken(parent, self.model.placed[folder][1], but=folder):
            assert done is Code.NAME_TAKEN
        else:
            self.model.placed[folder] = (parent, self.model.placed[folder][1])
            assert (done.parent_id, done.name) == self.model.placed[folder]

    @rule(target=uploads, parent=folders, name=NAMES)
    def begin_upload(self, parent: str, name: str) -> object:
        begun = self.run(upload.begin(self.vault, self.actor, Wanted(folder_id=parent, name=name, size_bytes=1)))
        if self.model.is_taken(parent, name):
            assert begun is Code.NAME_TAKEN
            return multiple()
        self.model.kept[begun.id] = (parent, name)
        return begun.id

    @rule(begun=uploads)
    def abort_upload(self, begun: str) -> None:
        self.run(upload.abort(self.vault, self.actor, begun))
        self.model.kept.pop(begun, None)

    def teardown(self) -> None:
        """Every folder lists what the model says, in the model's order; the quota holds what uploads reserve."""
        if not hasattr(self, "model"):
            return
        ids = [self.model.root, *self.model.placed]
        keys = [FolderPageKey(folder_id, 100) for folder_id in ids]
        pages = self.runner.run(browse.folder_pages(self.vault, self.actor, keys))
        storage = self.runner.run(account.viewer(self.vault, self.actor.user_id)).storage
        for folder_id, page in zip(ids, pages, strict=True):
            assert [(child.id, child.name) for child in page.children] == self.model.children(folder_id)
            assert all(child.parent_id == folder_id for child in page.children)
        assert storage.reserved_bytes == len(self.model.kept)


def test_the_tree_is_what_was_made_of_it(settings: Settings) -> None:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        Tree.vault, Tree.runner = runner.run(stack.enter_async_context(opened(settings))), runner
        checked = [HealthCheck.too_slow]
        steps = tried(max_examples=10, stateful_step_count=25, deadline=None, suppress_health_check=checked)
        try:
            run_state_machine_as_test(Tree, settings=steps)
        finally:
            runner.run(stack.aclose())
