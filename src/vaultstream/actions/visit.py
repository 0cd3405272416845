"""What whoever holds a link may see and take: decided anew at each step, and recorded under the link's name."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from vaultstream import access, table
from vaultstream.access import Deed
from vaultstream.actions import browse, deeds, download, packing, reach
from vaultstream.actions import link as links
from vaultstream.actions.browse import FolderPage, FolderPageKey
from vaultstream.actions.packing import Source, Zip
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.records import sharing_changes
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import EventName
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FileId, FolderId, ItemId, LinkId, UserId, kind_of
from vaultstream.links import ShareLink
from vaultstream.zip_names import zip_name

GUESSES_MAX = 10
GUESSES_SPAN = timedelta(minutes=5)
_CLOSED = "There is no such link, or it is not open."


@dataclass(frozen=True, slots=True)
class Visit:
    """An open link, and the folder or file under it that is looked at."""

    link: ShareLink
    item: Folder | File
    origin: Origin
    token: str = field(repr=False)

    @property
    def can_download(self) -> bool:
        """Whether the link gives the contents: a file's, or a folder's in a zip."""
        return not self.link.terms.view_only


def closed() -> VaultError:
    """The one answer for a token that is none, a link that is over or not begun, and an item that is gone."""
    return VaultError(Code.NOT_FOUND, _CLOSED)


def wrong_password() -> VaultError:
    """The answer to a password that is missing or wrong."""
    return VaultError(Code.FORBIDDEN, "This link asks for its password.", path=("password",))


async def visit(
    vault: Vault, origin: Origin, token: str, password: str | None = None, item_id: ItemId | None = None
) -> Visit:
    """What the link leads to, or what lies under it.

    Raises NOT_FOUND for a token that opens nothing now, FORBIDDEN for a password that is missing or wrong, LIMITED
    after too many wrong ones, from wherever they came.
    """
    link = await _by_token(vault, token)
    if link.password_hash is not None:
        await _require_password(vault, origin, link, link.password_hash, password)
    item = await _reached(vault, link, item_id or link.item_id, Deed.READ)
    return Visit(link, item, origin, token)


async def page(vault: Vault, seen: Visit, first: int, after: str | None) -> FolderPage | None:
    """Some of what a folder holds, by name; None for a file. The visit has decided that it may be seen."""
    if not isinstance(seen.item, Folder):
        return None
    owner = Actor(seen.item.owner_id, seen.origin, vault.now())
    (found,) = await browse.folder_pages(vault, owner, [FolderPageKey(seen.item.id, first, after)])
    return found


async def ticket(vault: Vault, origin: Origin, token: str, password: str | None, item_id: ItemId | None) -> str:
    """A short-lived signed address of a file's contents, or of a zip of what a folder holds. It counts as one
    download, however often it is used.

    Raises EXPIRED when all downloads of the link were used, and what `visit` and `download.link` raise.
    """
    seen = await visit(vault, origin, token, password, item_id)
    item, link = seen.item, seen.link
    if not seen.can_download:
        raise VaultError(Code.FORBIDDEN, "This link is for viewing only.")
    holder = _holder(vault, link, origin)
    if isinstance(item, Folder):
        event = deeds.by_person(vault, holder, EventName.DOWNLOAD_LINKED, item.id, zipped=True)
        await vault.commit([sharing_changes.count_download(link)], [event])
        return download.zip_address(vault, holder, [item.id], zip_name([item])).url
    await download.require_open(vault, holder, item, item.current)
    event = deeds.by_person(
        vault, holder, EventName.DOWNLOAD_LINKED, item.id, version_number=item.current.number, inline=False
    )
    await vault.commit([sharing_changes.count_download(link)], [event])
    return download.address(vault, holder, item.id, item.current.number).url


def thumbnail_url(vault: Vault, seen: Visit, edge_px: int) -> str | None:
    """A signed address of a file's thumbnail, also where the link is for viewing only; None while there is none."""
    if not isinstance(seen.item, File):
        return None
    return download.thumbnail_url(vault, _holder(vault, seen.link, seen.origin), seen.item.current, edge_px)


async def content(
    vault: Vault,
    link_id: LinkId,
    origin: Origin,
    file_id: FileId,
    number: int | None = None,
    *,
    thumbnail_edge: int | None = None,
) -> download.Content:
    """The content that a signed address names (the current version for None), if the link by which it was given out
    still leads there.
    """
    link = await _by_id(vault, link_id)
    file = await _reached(vault, link, file_id, Deed.READ if thumbnail_edge is not None else Deed.DOWNLOAD)
    stored = await browse.stored_version(vault, file, number) if isinstance(file, File) else None
    if stored is None or not isinstance(file, File):
        raise closed()
    return await download.content(vault, _holder(vault, link, origin), file, stored, thumbnail_edge=thumbnail_edge)


async def opened_zip(vault: Vault, link_id: LinkId, origin: Origin, wanted: Sequence[ItemId], name: str) -> Zip:
    """The zip that a signed address names, if the link by which it was given out still leads to any of it."""

    async def item(item_id: ItemId) -> Folder | File:
        return await _reached(vault, await _by_id(vault, link_id), item_id, Deed.DOWNLOAD)

    async def children(folder_id: FolderId, after: str | None) -> FolderPage:
        owner = Actor((await item(folder_id)).owner_id, origin, vault.now())
        (found,) = await browse.folder_pages(vault, owner, [FolderPageKey(folder_id, packing.PAGE, after)])
        if found is None:
            raise closed()
        return found

    async def content_of(file_id: FileId) -> download.Content:
        return await content(vault, link_id, origin, file_id)

    source = Source(item, children, content_of)
    await packing.require_some(source, wanted)
    return Zip(name, partial(packing.packed, source, wanted, vault.now()))


async def _by_id(vault: Vault, link_id: LinkId) -> ShareLink:
    link = await links.load(vault, link_id) if kind_of(link_id) == "link" else None
    if link is None:
        raise closed()
    return link


async def _by_token(vault: Vault, token: str) -> ShareLink:
    pointer = await vault.records.item(table.link_token(links.digest(token)))
    link = await links.load(vault, LinkId(pointer["link_id"])) if pointer else None
    if link is None or not link.holds(vault.now()):
        raise closed()
    return link


async def _reached(vault: Vault, link: ShareLink, item_id: ItemId, deed: Deed) -> Folder | File:
    (item,) = await reach.load(vault, [item_id])
    if item is None:
        raise closed()
    owner = Actor(item.owner_id, Origin(""), vault.now())
    (lineage,) = await reach.lineages(vault, owner, [item])
    decision = access.decide_link(link, deed, lineage, vault.now())
    if decision.role is None:
        raise closed()
    if not decision.allowed:
        raise VaultError(Code.FORBIDDEN, f"This cannot be done by this link: {decision.why}.")
    return item


async def _require_password(vault: Vault, origin: Origin, link: ShareLink, kept: str, given: str | None) -> None:
    """A guess is counted before it is looked at, so that many at once are no way around the limit."""
    if given is None:
        raise wrong_password()
    await _count_guess(vault, link)
    if len(given.encode("utf-8", "replace")) <= links.PASSWORD_BYTES_MAX and await vault.passwords.matches(kept, given):
        await _forgive(vault, link)
        return
    holder = _holder(vault, link, origin)
    event = deeds.by_person(vault, holder, EventName.LINK_REFUSED, link.item_id, refused="wrong password")
    await vault.commit([], [event])
    raise wrong_password()


async def _count_guess(vault: Vault, link: ShareLink) -> None:
    now = vault.now()
    try:
        await vault.commit([sharing_changes.begin_guesses(link, now, now + GUESSES_SPAN)])
    except VaultError as error:
        if error.code is not Code.CONFLICT:
            raise
        await vault.commit([sharing_changes.count_guess(link, GUESSES_MAX)])


async def _forgive(vault: Vault, link: ShareLink) -> None:
    """A right password is let in even where its guess cannot be taken back: another span may have begun."""
    try:
        await vault.commit([sharing_changes.forgive_guess(link)])
    except VaultError as error:
        if error.code is not Code.CONFLICT:
            raise


def _holder(vault: Vault, link: ShareLink, origin: Origin) -> Actor:
    """Whoever holds the link, as the audit log names them: nobody of this id was ever given anything."""
    return Actor(UserId(link.id), origin, vault.now())
