"""Who has what: the shares and links of an item, what was shared with a person, and why they may what they may."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vaultstream import access, cursors, table
from vaultstream.access import Decision, Deed, Lineage
from vaultstream.actions import browse, reach
from vaultstream.actions.together import together
from vaultstream.actor import Actor
from vaultstream.adapters.records import link_items, share_items
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.ids import ItemId, ShareId, UserId, grantee_of, shared_item
from vaultstream.links import ShareLink
from vaultstream.shares import Share

SHARES = "share_"  # a page of an item's shares goes on after a share's id
WITH_ME = "GRANT#"
LINKS = table.LINK


@dataclass(frozen=True, slots=True)
class PageKey:
    """Which shares or links of an item: the first so many (1 to 100) after a cursor."""

    item_id: ItemId
    first: int
    after: str | None = None


@dataclass(frozen=True, slots=True)
class SharePage:
    """Shares with the cursor of each; those that reach the item from above it come after its own."""

    shares: tuple[Share, ...]
    cursors: tuple[str, ...]
    has_next: bool


@dataclass(frozen=True, slots=True)
class LinkPage:
    """Links with the cursor of each, the oldest first."""

    links: tuple[ShareLink, ...]
    cursors: tuple[str, ...]
    has_next: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one person may do to an item, and why: the very decisions that are enforced."""

    item_id: ItemId
    user_id: UserId
    decisions: Mapping[Deed, Decision]

    @property
    def reading(self) -> Decision:
        """The decision on which all others rest."""
        return self.decisions[Deed.READ]


async def explain(vault: Vault, actor: Actor, item_id: ItemId, user_id: UserId) -> Explanation:
    """What a person may do to an item, for who may share it. Somebody who is not there may do nothing.

    Raises NOT_FOUND, or FORBIDDEN to who may see the item but not share it.
    """
    known = await reach.lineage(vault, actor, item_id, Deed.READ)
    now = vault.now()
    standing = access.decide(actor.user_id, Deed.READ, known, now).role
    if standing is None or standing < access.NEEDS[Deed.SHARE]:
        raise VaultError(Code.FORBIDDEN, "You may see this item, but not who else may.")
    access.require_scope(actor.grant, Deed.SHARE)
    (theirs,) = await reach.lineages(vault, Actor(user_id, actor.origin, actor.expires_at), [known.item])
    decisions = {deed: access.decide(user_id, deed, theirs, now) for deed in Deed}
    return Explanation(item_id, user_id, decisions)


async def share_pages(vault: Vault, actor: Actor, keys: Sequence[PageKey]) -> list[SharePage | None]:
    """Shares on each item and on what is above it: all of them for who may share it, one's own for everybody else;
    None where the item may not be seen.
    """
    known = await _lineages(vault, actor, keys)
    return await together(_share_page(vault, actor, key, known.get(key.item_id)) for key in keys)


async def link_pages(vault: Vault, actor: Actor, keys: Sequence[PageKey]) -> list[LinkPage | None]:
    """Links to each item, for who may share it; none for everybody else, None where it may not be seen."""
    known = await _lineages(vault, actor, keys)
    return await together(_link_page(vault, actor, key, known.get(key.item_id)) for key in keys)


async def with_me(vault: Vault, actor: Actor, first: int, after: str | None) -> SharePage:
    """What was shared with the actor and still may be seen, the newest first: found by an index, decided anew."""
    pk, limit = table.persons_things(actor.user_id), first + 1
    before = cursors.decode(after, prefix=WITH_ME) if after else None
    seen: list[tuple[str, Share]] = []
    while len(seen) < limit:
        found = await vault.records.things(pk, prefix=WITH_ME, before=before, limit=limit)
        seen += await _still(vault, actor, found)
        if len(found) < limit:
            break
        before = found[-1][table.GSI1.sk]
    page = seen[:first]
    marks = tuple(cursors.encode(place) for place, _ in page)
    return SharePage(tuple(share for _, share in page), marks, len(seen) > first)


async def _still(vault: Vault, actor: Actor, found: Sequence[Item]) -> list[tuple[str, Share]]:
    """Those shares of the index that are there, hold, and let their item be seen."""
    kept = await vault.reads.items([table.Key(item[table.PK], item[table.SK]) for item in found], _placed)
    now = vault.now()
    holding = [
        known
        for known, item in zip(kept, found, strict=True)
        if known is not None and known[0] == item[table.GSI1.sk] and known[1].holds(now)
    ]
    items = await reach.load(vault, [share.item_id for _, share in holding])
    seen = await browse.readable(vault, actor, items)
    return [pair for pair, item in zip(holding, seen, strict=True) if item is not None]


def _placed(item: Item) -> tuple[str, Share]:
    """A share, and where it stands in the index."""
    return item[table.GSI1.sk], share_items.share_from(item)


async def _lineages(vault: Vault, actor: Actor, keys: Sequence[PageKey]) -> dict[ItemId, Lineage]:
    found = await reach.load(vault, [key.item_id for key in keys])
    lineages = await reach.lineages(vault, actor, [item for item in found if item is not None])
    now = vault.now()
    return {
        lineage.item.id: lineage
        for lineage in lineages
        if access.decide(actor.user_id, Deed.READ, lineage, now).allowed
    }


async def _share_page(vault: Vault, actor: Actor, key: PageKey, lineage: Lineage | None) -> SharePage | None:
    if lineage is None:
        return None
    limit, now = key.first + 1, vault.now()
    if access.decide(actor.user_id, Deed.SHARE, lineage, now).allowed:
        found = await _all_shares(vault, lineage, key.after, limit)
    else:
        own = list(lineage.holding(now))
        found = own[_place_after([share.id for share in own], key.after) :]
    page = tuple(found[: key.first])
    return SharePage(page, tuple(cursors.encode(share.id) for share in page), len(found) > key.first)


def _place_after(ids: Sequence[ShareId], after: str | None) -> int:
    if after is None:
        return 0
    share_id = cursors.decode(after, prefix=SHARES)
    return next((at + 1 for at, one in enumerate(ids) if one == share_id), 0)


async def _all_shares(vault: Vault, lineage: Lineage, after: str | None, limit: int) -> list[Share]:
    """The item's own shares first, then those on each folder above it; one Query for each, all at once."""
    places: list[ItemId] = [lineage.item.id, *(folder.id for folder in lineage.above)]
    past = ""
    if after is not None:
        share_id = ShareId(cursors.decode(after, prefix=SHARES))
        if shared_item(share_id) not in places:
            raise VaultError(Code.INVALID, "The item has moved: begin with the first page.", path=("after",))
        places = places[places.index(shared_item(share_id)) :]
        past = grantee_of(share_id)
    asked = (_shares_on(vault, place, past if at == 0 else "", limit) for at, place in enumerate(places))
    return [share for found in await together(asked) for share in found][:limit]


async def _shares_on(vault: Vault, item_id: ItemId, past: str, limit: int) -> list[Share]:
    """So many shares on one item after this grantee; those that have run out do not count."""
    pk, after, now = table.item(item_id).pk, table.GRANT + past, vault.now()
    shares: list[Share] = []
    while len(shares) < limit:
        asked = limit - len(shares)
        found = await vault.reads.collection(
            pk, share_items.share_from, after=after, until=table.GRANT_END, limit=asked
        )
        shares += [share for _, share in found if share.holds(now)]
        if len(found) < asked:
            break
        after = found[-1][0]
    return shares


async def _link_page(vault: Vault, actor: Actor, key: PageKey, lineage: Lineage | None) -> LinkPage | None:
    if lineage is None:
        return None
    if not access.decide(actor.user_id, Deed.SHARE, lineage, vault.now()).allowed:
        return LinkPage((), (), has_next=False)
    after = cursors.decode(key.after, prefix=LINKS) if key.after else LINKS
    pk = table.item(key.item_id).pk
    limit = key.first + 1
    found = await vault.reads.collection(pk, link_items.link_from, after=after, until=table.LINK_END, limit=limit)
    page = found[: key.first]
    marks = tuple(cursors.encode(place) for place, _ in page)
    return LinkPage(tuple(link for _, link in page), marks, len(found) > key.first)
