"""A file, what is above it, and people to whom it is given and from whom it is taken while a clock moves on."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from clocks import Ahead, MovedVault, moved

from tests.actions.growing import stored
from tests.actions.sharing_world import email_of
from vaultstream import access
from vaultstream.access import Deed
from vaultstream.actions import account, amend, arrange, download, link, organize, reach, share, token, trash, visit
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.errors import VaultError
from vaultstream.events import Event, EventName
from vaultstream.exposure import Span
from vaultstream.exposure_facts import Way
from vaultstream.ids import ItemId, LinkId, share_id
from vaultstream.shares import Role
from vaultstream.tokens import AccessToken, Scope
from vaultstream.versions import ScanStatus
from vaultstream.workers import sweep
from vaultstream.workers.audit import handle_batch

STEP = timedelta(minutes=2)
FOLDERS = ("a", "b", "c")
Access = tuple[str, Role, bool]  # who it is, what they are to the file, and whether they may only look


@dataclass
class Seen:
    """What was so at a moment, asked of what enforces it."""

    at: datetime
    access: set[Access]


@dataclass
class World:
    """b lies in a, c beside it, the file in b; all of it is alice's."""

    vault: MovedVault
    people: dict[str, Actor]
    items: dict[str, ItemId]
    links: list[LinkId] = field(default_factory=list)
    tokens: list[AccessToken] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    read: list[tuple[datetime, str]] = field(default_factory=list)

    @property
    def alice(self) -> Actor:
        return self.people["alice"]

    async def do(self, deed: str, item: str, who: str, role: Role, end: int | None) -> None:
        """One deed, which may be refused; then what is so afterwards, and after a while too."""
        at = None if end is None else self.vault.now() + end * STEP
        with suppress(VaultError, IndexError):  # refused, or of a link or token that was never made
            await getattr(self, f"_{deed}")(item, who, role, at)
        for _ in range(2):
            self.vault.ahead.by += STEP / 2
            await self.look()

    async def look(self) -> None:
        """Ask who may read the file now."""
        vault, found = self.vault, set[Access]()
        (file,) = await reach.load(vault, [self.items["file"]])
        assert file is not None
        for person in self.people.values():
            found |= await self._role_of(person)
        for one in self.tokens:
            known = await token.load(vault, one.user_id, one.id)
            if known is not None and known.holds(vault.now()):
                program = Actor(one.user_id, self.alice.origin, one.expires_at, one.grant)
                found |= await self._role_of(program)
        (lineage,) = await reach.lineages(vault, self.alice, [file])
        for link_id in self.links:
            known_link = await link.load(vault, link_id)
            if known_link is not None:
                decision = access.decide_link(known_link, Deed.READ, lineage, vault.now())
                found |= {(link_id, Role.VIEWER, known_link.terms.view_only)} if decision.allowed else set()
        self.seen.append(Seen(vault.now(), found))

    async def _role_of(self, actor: Actor) -> set[Access]:
        (file,) = await reach.load(self.vault, [self.items["file"]])
        assert file is not None
        (lineage,) = await reach.lineages(self.vault, actor, [file])
        role = access.decide(actor.user_id, Deed.READ, lineage, self.vault.now()).role
        return set() if role is None else {(actor.id, role, False)}

    async def _give(self, item: str, who: str, role: Role, at: datetime | None) -> None:
        wanted = share.Wanted(self.items[item], await email_of(self.vault, self.people[who]), role, at)
        await share.grant(self.vault, self.alice, wanted)

    async def _change(self, item: str, who: str, role: Role, at: datetime | None) -> None:
        wanted = share_id(self.items[item], self.people[who].user_id)
        await share.update(self.vault, self.alice, wanted, role=role, expires_at=at, if_version=None)

    async def _take(self, item: str, who: str, _role: Role, _at: datetime | None) -> None:
        await share.revoke(self.vault, self.alice, share_id(self.items[item], self.people[who].user_id))

    async def _move(self, item: str, who: str, _role: Role, _at: datetime | None) -> None:
        """To one of the folders, or up to the top."""
        to = self.items[{"bob": "c", "carol": "a"}.get(who, "top")]
        if item == "file":
            await arrange.move_file(self.vault, self.alice, self.items["file"], to)
        else:
            await organize.move_folder(self.vault, self.alice, self.items[item], to)

    async def _throw_away(self, item: str, _who: str, _role: Role, _at: datetime | None) -> None:
        await trash.throw_away(self.vault, self.alice, self.items[item])

    async def _restore(self, item: str, _who: str, _role: Role, _at: datetime | None) -> None:
        await trash.restore(self.vault, self.alice, self.items[item])

    async def _link(self, item: str, who: str, role: Role, at: datetime | None) -> None:
        starts_at = self.vault.now() + STEP if who == "bob" else None
        wanted = link.Wanted(self.items[item], starts_at=starts_at, expires_at=at, view_only=role is Role.COMMENTER)
        self.links.append((await link.create(self.vault, self.alice, wanted)).link.id)

    async def _amend(self, _item: str, _who: str, role: Role, at: datetime | None) -> None:
        terms = amend.NewTerms(expires_at=at, view_only=role is Role.VIEWER)
        await amend.link(self.vault, self.alice, self.links[-1], terms, amend.NewPassword())

    async def _unlink(self, _item: str, _who: str, _role: Role, _at: datetime | None) -> None:
        await link.revoke(self.vault, self.alice, self.links[-1])

    async def _token(self, item: str, who: str, _role: Role, at: datetime | None) -> None:
        end = at or self.vault.now() + timedelta(days=30)
        wanted = token.Wanted("program", [Scope.READ], end, self.items["b" if item == "file" else item])
        self.tokens.append((await token.create(self.vault, self.people[who], wanted)).token)

    async def _untoken(self, _item: str, _who: str, _role: Role, _at: datetime | None) -> None:
        last = self.tokens[-1]
        owner = next(one for one in self.people.values() if one.user_id == last.user_id)
        await token.revoke(self.vault, owner, last.id)

    async def _sweep(self, _item: str, _who: str, _role: Role, _at: datetime | None) -> None:
        await sweep._shares(self.vault)

    async def _read(self, _item: str, who: str, role: Role, _at: datetime | None) -> None:
        """By a person, or by the newest link."""
        vault, file_id = self.vault, self.items["file"]
        if role is Role.MANAGER:
            content, subject = await visit.content(vault, self.links[-1], self.alice.origin, file_id, 1), self.links[-1]
        else:
            person = self.people[who]
            content, subject = await download.open(vault, person, file_id, 1), person.user_id
        await content.record(0, 5)
        self.read.append((vault.now(), subject))

    def did(self, since: datetime, until: datetime) -> Counter[str]:
        """How often each has read the file in a time."""
        return Counter(subject for at, subject in self.read if since <= at < until)


DEEDS = tuple(name.removeprefix("_") for name in vars(World) if name[:1] == "_" and name[1:2] not in "_r")
DEEDS += ("restore", "read")


async def new_world(vault: Vault, people: dict[str, Actor], ahead: Ahead) -> World:
    later = moved(vault, ahead)
    alice = people["alice"]
    top = (await account.viewer(later, alice.user_id)).root_folder_id
    items: dict[str, ItemId] = {"top": top}
    for name, parent in (("a", "top"), ("b", "a"), ("c", "top")):
        items[name] = (await organize.create_folder(later, alice, items[parent], name)).id
    items["file"] = (await stored(later, alice, items["b"], "f", b"hello", scan=ScanStatus.CLEAN)).id
    return World(later, people, items)


async def recorded(vault: Vault) -> None:
    """All that waits is in the log."""
    await handle_batch(vault, [Event(vault.unique(), EventName.AUDIT_READ, vault.now(), "nobody", "req")])


def told_at(spans: tuple[Span, ...], moment: datetime) -> set[Access]:
    """What a report says was so at a moment: of each the best that it tells."""
    best: dict[tuple[str, bool], Role] = {}
    for span in spans:
        if span.since <= moment < span.until:
            given = span.given
            who = ((given.token_id if given.way is Way.TOKEN else None) or given.holder, given.view_only)
            best[who] = max(given.role, best.get(who, Role.VIEWER))
    return {(who, role, view_only) for (who, view_only), role in best.items()}
