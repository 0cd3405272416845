"""Access as a machine: people give, change, lose and move at random, and every way in agrees with a plain model."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from starlette.applications import Starlette

from tests.actions.growing import stored
from tests.actions.sharing_world import email_of, run_out, share_of, soon
from vaultstream.access import NEEDS, Deed
from vaultstream.actions import account, browse, download, link, organize, share, shared, trash, upload, visit, watch
from vaultstream.actions.browse import FolderPageKey, VersionPageKey
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.gql import schema
from vaultstream.gql.context import Context
from vaultstream.gql.execution import Ask, Engine
from vaultstream.http import content
from vaultstream.http.answers import refusal as problem
from vaultstream.ids import FileId, FolderId, ItemId, ShareId, share_id
from vaultstream.shares import Role
from vaultstream.versions import ScanStatus

STEPS = settings(
    max_examples=5,
    stateful_step_count=16,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    derandomize=True,
)
FOLDERS = ("a", "b", "c", "d")
FILES = ("fa", "fc", "fd")
ITEMS = (*FOLDERS, *FILES)
PEOPLE = ("alice", "bob", "carol", "mallory")
GIVEN = ("bob", "carol")  # mallory is given nothing, ever
ROLES = (Role.VIEWER, Role.COMMENTER, Role.EDITOR, Role.MANAGER)
WHO = st.sampled_from(("alice", "alice", "alice", *PEOPLE))  # who has most to do: what others do is mostly refused
ITEM, TO, ROLE = st.sampled_from(ITEMS), st.sampled_from(GIVEN), st.sampled_from(ROLES)
ENDS = st.sampled_from([None, 1, 2])  # never, or after so many hours
HERE = Origin("machine", "127.0.0.1", "tests")
READS_IN_TRASH = {Deed.READ, Deed.RESTORE, Deed.PURGE}
NODE = """query ($id: ID!) { node(id: $id) { id ... on Item {
    capabilities { canRead canDownload canComment canEdit canShare canDelete } } } }"""


@dataclass
class Given:
    """A share in the model: the role, and when it ends in hours; None for never."""

    role: Role
    end: int | None


@dataclass
class Model:
    """Who has what, without any table: parents, trash, shares and links."""

    parent: dict[str, str | None] = field(
        default_factory=lambda: {"a": None, "b": "a", "c": "b", "d": None, "fa": "a", "fc": "c", "fd": "d"}
    )
    trashed: set[str] = field(default_factory=set)
    shares: dict[tuple[str, str], Given] = field(default_factory=dict)
    links: dict[str, bool] = field(default_factory=dict)

    def way(self, item: str) -> list[str]:
        way: list[str] = []
        at: str | None = item
        while at is not None:
            way.append(at)
            at = self.parent[at]
        return way

    def in_trash(self, item: str) -> bool:
        return bool(self.trashed & set(self.way(item)))

    def held(self, who: str, item: str) -> tuple[Role, int | None] | None:
        """The best role, and how long it lasts."""
        if who == "alice":
            return Role.OWNER, None
        if self.in_trash(item):
            return None
        mine = [self.shares[place, who] for place in self.way(item) if (place, who) in self.shares]
        best = max(mine, key=lambda one: (one.role, lasting(one.end)), default=None)
        return None if best is None else (best.role, best.end)

    def may(self, who: str, item: str, deed: Deed) -> Code | None:
        """None for yes, or how it is refused."""
        held = self.held(who, item)
        if held is None:
            return Code.NOT_FOUND
        allowed = held[0] >= NEEDS[deed] and (not self.in_trash(item) or deed in READS_IN_TRASH)
        return None if allowed else Code.FORBIDDEN

    def covered(self, who: str, item: str, role: Role, end: int | None) -> bool:
        held = self.held(who, item)
        return held is not None and role <= held[0] and lasting(end) <= lasting(held[1])

    def opened(self, name: str, item: str) -> bool:
        return self.links[name] and name.partition(" ")[0] in self.way(item) and not self.in_trash(item)


def lasting(end: int | None) -> float:
    return float("inf") if end is None else end


async def code_of(deed: Awaitable[object]) -> Code | None:
    try:
        await deed
    except VaultError as error:
        return error.code
    return None


class Sharing(RuleBasedStateMachine):
    """Each rule does a deed in the vault and in the model, and both must come to the same."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    vault: ClassVar[Vault]
    newcomer: ClassVar[Callable[[], Awaitable[Actor]]]
    engine: ClassVar[Engine]
    door: ClassVar[httpx.AsyncClient]
    seen: ClassVar[SimpleNamespace]

    def run_in_loop(self, deed: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(deed, self.loop).result(120)

    def ends(self, deed: Awaitable[object], code: Code | None) -> None:
        assert self.run_in_loop(code_of(deed)) == code

    @initialize()
    def begin(self) -> None:
        self.model, self.count = Model(), itertools.count()
        self.links: dict[str, link.Made] = {}
        self.run_in_loop(self._begin())

    async def _begin(self) -> None:
        vault = self.vault
        self.people = {name: await self.newcomer() for name in PEOPLE}
        self.hours = {1: soon(3600), 2: soon(7200), None: None}
        alice = self.people["alice"]
        self.root = (await account.viewer(vault, alice.user_id)).root_folder_id
        self.ids: dict[str, ItemId] = {}
        for name in FOLDERS:
            parent = self.model.parent[name]
            under = FolderId(self.ids[parent]) if parent else self.root
            self.ids[name] = (await organize.create_folder(vault, alice, under, name)).id
        for name in FILES:
            under = FolderId(self.ids[self.model.parent[name] or ""])
            self.ids[name] = (await stored(vault, alice, under, name, b"hello", scan=ScanStatus.CLEAN)).id
        self.emails = {name: await email_of(vault, self.people[name]) for name in PEOPLE}
        for item, to, role, end in (("a", "bob", Role.MANAGER, None), ("b", "carol", Role.VIEWER, 1)):
            wanted = share.Wanted(self.ids[item], self.emails[to], role, self.hours[end])
            await share.grant(vault, alice, wanted)
            self.model.shares[item, to] = Given(role, end)

    @rule(giver=WHO, item=ITEM, to=TO, role=ROLE, end=ENDS)
    def give(self, giver: str, item: str, to: str, role: Role, end: int | None) -> None:
        model = self.model
        code = model.may(giver, item, Deed.SHARE)
        if code is None and to == giver:
            code = Code.INVALID
        elif code is None and not model.covered(giver, item, role, end):
            code = Code.FORBIDDEN
        elif code is None and (item, to) in model.shares:
            code = Code.CONFLICT
        wanted = share.Wanted(self.ids[item], self.emails[to], role, self.hours[end])
        self.ends(share.grant(self.vault, self.people[giver], wanted), code)
        if code is None:
            self.seen.grants += 1
            model.shares[item, to] = Given(role, end)

    @precondition(lambda self: self.model.shares)
    @rule(data=st.data(), who=WHO, role=ROLE, end=ENDS)
    def change(self, data: st.DataObject, who: str, role: Role, end: int | None) -> None:
        item, to = data.draw(st.sampled_from(sorted(self.model.shares)))
        model, old = self.model, self.model.shares[item, to]
        if who == to:
            code = Code.NOT_FOUND if model.held(who, item) is None else None
            code = code or model.may(who, item, Deed.SHARE) or Code.FORBIDDEN
        else:
            code = Code.NOT_FOUND if model.may(who, item, Deed.SHARE) else None
            more = role > old.role or lasting(end) > lasting(old.end)
            if code is None and more and not model.covered(who, item, role, end):
                code = Code.FORBIDDEN
        deed = share.update(
            self.vault,
            self.people[who],
            self._share_id(item, to),
            role=role,
            expires_at=self.hours[end],
            if_version=None,
        )
        if who == "alice" and model.in_trash(item):
            code = Code.NOT_FOUND  # what is in the trash is shared with nobody: there is nothing to change
        self.ends(deed, code)
        if code is None:
            old.role, old.end = role, end

    @precondition(lambda self: self.model.shares)
    @rule(data=st.data(), who=WHO)
    def take_back(self, data: st.DataObject, who: str) -> None:
        item, to = data.draw(st.sampled_from(sorted(self.model.shares)))
        may = self.model.held(who, item) is not None if who == to else not self.model.may(who, item, Deed.SHARE)
        code = None if may else Code.NOT_FOUND
        self.ends(share.revoke(self.vault, self.people[who], self._share_id(item, to)), code)
        if code is None:
            del self.model.shares[item, to]

    @precondition(lambda self: self.model.shares)
    @rule(data=st.data())
    def end_comes(self, data: st.DataObject) -> None:
        item, to = data.draw(st.sampled_from(sorted(self.model.shares)))
        self.run_in_loop(self._end(item, to))
        del self.model.shares[item, to]

    async def _end(self, item: str, to: str) -> None:
        given = await share_of(self.vault, self.ids[item], self.people[to].user_id)
        assert given is not None
        await run_out(self.vault, given)

    def _share_id(self, item: str, to: str) -> ShareId:
        return share_id(self.ids[item], self.people[to].user_id)

    @rule(item=st.sampled_from(ITEMS[1:]), to=st.sampled_from(FOLDERS))
    def move(self, item: str, to: str) -> None:
        """Folders only: what a file reaches is the same question."""
        model = self.model
        if item not in FOLDERS or model.in_trash(item) or model.in_trash(to):
            return
        into_itself = item in model.way(to)
        deed = organize.move_folder(self.vault, self.people["alice"], FolderId(self.ids[item]), FolderId(self.ids[to]))
        same = model.parent[item] == to
        self.ends(deed, Code.INVALID if into_itself and not same else None)
        if not into_itself:
            model.parent[item] = to

    @precondition(lambda self: not self.model.trashed)
    @rule(item=ITEM, who=WHO)
    def throw_away(self, item: str, who: str) -> None:
        code = self.model.may(who, item, Deed.DELETE)
        self.ends(trash.throw_away(self.vault, self.people[who], self.ids[item]), code)
        if code is None:
            self.model.trashed.add(item)

    @precondition(lambda self: self.model.trashed)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        item = data.draw(st.sampled_from(sorted(self.model.trashed)))
        parent = self.model.parent[item]
        if parent is not None and self.model.in_trash(parent):
            return
        self.ends(trash.restore(self.vault, self.people["alice"], self.ids[item]), None)
        self.model.trashed.remove(item)

    @rule(item=ITEM, who=WHO)
    def make_link(self, item: str, who: str) -> None:
        code = self.model.may(who, item, Deed.SHARE)
        if code is None and not self.model.covered(who, item, Role.VIEWER, None):
            code = Code.FORBIDDEN
        deed = self._linked(f"{item} {next(self.count)}", item, who)
        self.ends(deed, code)

    async def _linked(self, name: str, item: str, who: str) -> None:
        self.links[name] = await link.create(self.vault, self.people[who], link.Wanted(self.ids[item]))
        self.model.links[name] = True

    @precondition(lambda self: self.model.links)
    @rule(data=st.data(), who=WHO)
    def revoke_link(self, data: st.DataObject, who: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.links)))
        code = Code.NOT_FOUND if self.model.may(who, name.partition(" ")[0], Deed.SHARE) else None
        self.ends(link.revoke(self.vault, self.people[who], self.links[name].link.id), code)
        if code is None:
            self.model.links[name] = False

    @rule(who=WHO, item=ITEM)
    def look(self, who: str, item: str) -> None:
        self.run_in_loop(self._look(who, item))

    def teardown(self) -> None:
        if hasattr(self, "emails"):
            self.run_in_loop(self._look_at_all())

    async def _look_at_all(self) -> None:
        for who in PEOPLE:
            await asyncio.gather(*(self._look(who, item) for item in ITEMS))
            page = await shared.with_me(self.vault, self.people[who], 100, None)
            mine = {item for item, to in self.model.shares if to == who and not self.model.in_trash(item)}
            assert {share.item_id for share in page.shares} == {self.ids[item] for item in mine}

    async def _look(self, who: str, item: str) -> None:
        """Every way in, for one person and one item."""
        self.seen.looks += 1
        may = {deed: self.model.may(who, item, deed) for deed in Deed}
        await self._looks_through_the_actions(who, item, may)
        await self._looks_through_graphql(who, item, may)
        await self._is_explained(who, item, may)
        await self._looks_through_links(item)
        if item in FILES:
            await self._downloads(who, item, may)
        await self._uploads(who, item, may)

    async def _looks_through_the_actions(self, who: str, item: str, may: dict[Deed, Code | None]) -> None:
        vault, actor, reads = self.vault, self.people[who], may[Deed.READ] is None
        if item in FOLDERS:
            folder = FolderId(self.ids[item])
            (node,) = await browse.folders(vault, actor, [folder])
            (page,) = await browse.folder_pages(vault, actor, [FolderPageKey(folder, 10)])
            states = watch.file_status(vault, actor, folder_id=folder)
        else:
            file = FileId(self.ids[item])
            (node,) = await browse.files(vault, actor, [file])
            (page,) = await browse.file_collections(vault, actor, [VersionPageKey(file, 10)])
            states = watch.file_status(vault, actor, file_id=file)
        assert (node is not None, page is not None) == (reads, reads)
        async with aclosing(states):
            if item in FILES:
                assert await code_of(anext(states)) == may[Deed.READ]
            elif not reads:
                assert await code_of(anext(states)) == Code.NOT_FOUND
        if node is not None:
            (able,) = await browse.capabilities(vault, actor, [node])
            assert able == {deed: code is None for deed, code in may.items()}

    async def _looks_through_graphql(self, who: str, item: str, may: dict[Deed, Code | None]) -> None:
        context = Context(self.vault, self.people[who])
        operation = self.engine.operation(Ask(NODE, None, {"id": self.ids[item]}))
        answer = (await self.engine.run(operation, context)).body
        assert "errors" not in answer
        node = answer["data"]["node"]
        if may[Deed.READ] is not None:
            assert node is None
            return
        told = (Deed.READ, Deed.DOWNLOAD, Deed.COMMENT, Deed.EDIT, Deed.SHARE, Deed.DELETE)
        able = {f"can{deed.value.title()}": may[deed] is None for deed in told}
        assert node == {"id": self.ids[item], "capabilities": able}

    async def _is_explained(self, who: str, item: str, may: dict[Deed, Code | None]) -> None:
        told = await shared.explain(self.vault, self.people["alice"], self.ids[item], self.people[who].user_id)
        assert {deed: one.allowed for deed, one in told.decisions.items()} == {d: c is None for d, c in may.items()}
        held = self.model.held(who, item)
        given = [place for place in self.model.way(item) if (place, who) in self.model.shares]
        self.seen.kinds.add((bool(given), self.model.in_trash(item), held is not None and item not in given))
        assert told.reading.role == (held[0] if held else None)
        via = told.reading.via
        assert (via is None) == (held is None or who == "alice")
        assert via is None or via.item_id in {self.ids[place] for place in self.model.way(item)}

    async def _looks_through_links(self, item: str) -> None:
        for name, made in self.links.items():
            seen = visit.visit(self.vault, HERE, made.token or "", None, self.ids[item])
            assert await code_of(seen) == (None if self.model.opened(name, item) else Code.NOT_FOUND)
            if item in FILES:
                holder = Actor(made.link.id, HERE, soon())  # type: ignore[arg-type]  # as a link's own addresses are made
                self.seen.links += self.model.opened(name, item)
                assert await self._content(holder, item) == (200 if self.model.opened(name, item) else 404)

    async def _downloads(self, who: str, item: str, may: dict[Deed, Code | None]) -> None:
        actor, file = self.people[who], FileId(self.ids[item])
        assert await code_of(download.link(self.vault, actor, file)) == may[Deed.DOWNLOAD]
        statuses = {None: 200, Code.NOT_FOUND: 404, Code.FORBIDDEN: 403}
        assert await self._content(actor, item) == statuses[may[Deed.DOWNLOAD]]

    async def _content(self, holder: Actor, item: str) -> int:
        """The status of an address that was once given out, whatever its holder may do now."""
        url = download.address(self.vault, holder, FileId(self.ids[item]), 1).url
        return (await self.door.get(url)).status_code

    async def _uploads(self, who: str, item: str, may: dict[Deed, Code | None]) -> None:
        actor = self.people[who]
        if item in FOLDERS:
            wanted = upload.Wanted(folder_id=FolderId(self.ids[item]), name=f"n{next(self.count)}", size_bytes=1)
        else:
            wanted = upload.Wanted(file_id=FileId(self.ids[item]), size_bytes=1)
        try:
            begun = await upload.begin(self.vault, actor, wanted)
        except VaultError as error:
            assert error.code == may[Deed.EDIT]
        else:
            assert may[Deed.EDIT] is None
            await upload.abort(self.vault, actor, begun.id)


async def test_every_way_in_agrees_with_the_model(vault: Vault, newcomer) -> None:
    app = Starlette(routes=content.routes(), exception_handlers={VaultError: problem})
    app.state.vault = vault
    seen = SimpleNamespace(grants=0, looks=0, links=0, kinds=set())

    class Here(Sharing):
        """The machine for this loop."""

    Here.loop, Here.vault, Here.newcomer, Here.seen = asyncio.get_running_loop(), vault, staticmethod(newcomer), seen
    Here.engine = Engine(schema.executable(), introspection=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as door:
        Here.door = door
        await asyncio.to_thread(run_state_machine_as_test, Here, settings=STEPS)
    assert seen.looks > len(PEOPLE) * len(ITEMS)
    assert seen.grants > 0
    assert (True, False, True) in seen.kinds  # what reached somebody from a folder above
