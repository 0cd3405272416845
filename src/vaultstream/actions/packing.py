"""A zip of files and folders, written while it is read: each file is decided, recorded and opened at its turn."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

from vaultstream.actions.browse import FolderPage
from vaultstream.actions.download import Content
from vaultstream.errors import Code, VaultError
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FileId, FolderId, ItemId
from vaultstream.zip_names import PATH_BYTES_MAX, SKIPPED, Names
from vaultstream.zip_writer import ZipWriter

ENTRIES_MAX = 20_000  # what a zip holds or leaves out: of each a kilobyte or so is kept until its end
PAGE = 100  # of a folder, looked at in one Query
_HEADING = "These were left out of this zip:\n\n"
_TOO_LONG = f"Its path would be longer than {PATH_BYTES_MAX} bytes, which not every system can unpack."
_FULL = f"\nA zip holds {ENTRIES_MAX} files and folders at most. Download what is missing folder by folder.\n"
# What is wrong with one file or folder; where it is anything else there can be no zip.
_ITS_OWN = frozenset({Code.NOT_FOUND, Code.FORBIDDEN, Code.NOT_SCANNED, Code.INFECTED, Code.UNREADABLE, Code.ARCHIVED})


@dataclass(frozen=True, slots=True)
class Source:
    """The way to what goes in, for whoever takes it. Each call decides anew, and raises why not."""

    item: Callable[[ItemId], Awaitable[Folder | File]]
    page: Callable[[FolderId, str | None], Awaitable[FolderPage]]
    content: Callable[[FileId], Awaitable[Content]]


@dataclass(frozen=True, slots=True)
class Zip:
    """What a zip's URL stands for. `read()` gives it once; nothing of it is made before."""

    name: str
    read: Callable[[], AsyncGenerator[bytes, None]]


@dataclass(frozen=True, slots=True)
class _Found:
    """A place in the zip, and what goes there; where that is None, why it is left out."""

    path: str
    item: Folder | File | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """What the zip could not have, a line for each, told at its end."""

    lines: list[str] = field(default_factory=list)

    def note(self, path: str, why: str) -> None:
        self.lines.append(f"{path}: {why}\n")


async def require_some(source: Source, wanted: Sequence[ItemId]) -> None:
    """Raise why the last of these cannot be had, where none of them can."""
    for item_id in wanted:
        try:
            await source.item(item_id)
        except VaultError as error:
            if error.code not in _ITS_OWN or item_id == wanted[-1]:
                raise
        else:
            return


async def packed(source: Source, wanted: Sequence[ItemId], at: datetime) -> AsyncGenerator[bytes, None]:
    """The zip, some frames at a time. What cannot be had is named in it at the end, with the reason.

    Raises UNREADABLE for a file that turns out to be damaged after its first piece was given, so that none looks
    whole that is not; UNAVAILABLE.
    """
    left_out, count = _LeftOut(), 0
    with ZipWriter() as zipped:
        async with aclosing(_walk(source, wanted)) as ways:
            async for found in ways:
                if (count := count + 1) > ENTRIES_MAX:
                    left_out.lines.append(_FULL)
                    break
                async with aclosing(_entry(source, zipped, found, left_out)) as pieces:
                    async for piece in pieces:
                        if piece:
                            yield piece
        if left_out.lines:
            with zipped.file(SKIPPED, at, 0) as write:
                write("".join([_HEADING, *left_out.lines]).encode())
        zipped.finish()
        yield zipped.take()


async def _entry(source: Source, zipped: ZipWriter, found: _Found, left_out: _LeftOut) -> AsyncGenerator[bytes, None]:
    """One entry. A file's first piece is opened before anything is written, so that a damaged one can be left out."""
    if isinstance(found.item, Folder):
        zipped.folder(found.path, found.item.updated_at)
        yield zipped.take()
        return
    if found.item is None:
        left_out.note(found.path, found.why)
        return
    try:
        content = await source.content(found.item.id)
        body = content.read(0, content.size_bytes)
        piece = await anext(body, b"")
    except VaultError as error:
        left_out.note(found.path, _its_own(error))
        return
    async with aclosing(body):
        await content.record(0, content.size_bytes)
        with zipped.file(found.path, found.item.updated_at, content.size_bytes) as write:
            write(piece)
            yield zipped.take()
            async for piece in body:
                write(piece)
                yield zipped.take()
    yield zipped.take()


async def _walk(source: Source, wanted: Sequence[ItemId]) -> AsyncGenerator[_Found, None]:
    """All that was chosen and what lies below it, a page of a folder at a time."""
    top = Names(SKIPPED)
    for item_id in wanted:
        try:
            item = await source.item(item_id)
        except VaultError as error:
            yield _Found(item_id, None, _its_own(error))
            continue
        async with aclosing(_below(source, item, "", top)) as ways:
            async for found in ways:
                yield found


async def _below(source: Source, item: Folder | File, place: str, names: Names) -> AsyncGenerator[_Found, None]:
    """An item in this place, and all that is in it. What is in a person's top folder, which has no name, goes here."""
    is_root = isinstance(item, Folder) and item.is_root
    path = place if is_root else place + names.place(item.name)
    if len(path.encode()) >= PATH_BYTES_MAX:
        yield _Found(path, None, _TOO_LONG)
        return
    if isinstance(item, File):
        yield _Found(path, item)
        return
    if not is_root:
        path, names = f"{path}/", Names()
        yield _Found(path, item)
    try:
        async with aclosing(_children(source, item.id)) as children:
            async for child in children:
                async with aclosing(_below(source, child, path, names)) as ways:
                    async for found in ways:
                        yield found
    except VaultError as error:
        yield _Found(path, None, _its_own(error))


async def _children(source: Source, folder_id: FolderId) -> AsyncGenerator[Folder | File, None]:
    after: str | None = None
    while True:
        page = await source.page(folder_id, after)
        for child in page.children:
            yield child
        if not page.has_next:
            return
        after = page.cursors[-1]


def _its_own(error: VaultError) -> str:
    """What is wrong with one file or folder; raises the error where it is more than that."""
    if error.code not in _ITS_OWN:
        raise error
    return error.message
