"""What was said on files, for those who may read them: by id in batches, and in pages, the newest last."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from vaultstream import cursors, dependencies, table
from vaultstream.actions import browse
from vaultstream.actions.together import together
from vaultstream.actor import Actor
from vaultstream.adapters.records import comment_items, items
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.vault import Vault
from vaultstream.comments import Comment
from vaultstream.files import File
from vaultstream.ids import CommentId, FileId, commented_file

_PAGE_MAX = 100
_Said = tuple[str, Comment]  # the sort key of a comment, and it


@dataclass(frozen=True, slots=True)
class CommentPageKey:
    """Which comments on a file: the first so many (1 to 100) after a cursor."""

    file_id: FileId
    first: int
    after: str | None = None


@dataclass(frozen=True, slots=True)
class CommentPage:
    """A file with some of the comments on it in the order of time, and the cursor of each."""

    file: File
    comments: tuple[Comment, ...]
    cursors: tuple[str, ...]
    has_next: bool


async def comments(vault: Vault, actor: Actor, ids: Sequence[CommentId]) -> list[Comment | None]:
    """Comments on files that the actor may read, in two round trips; None for every other."""
    file_ids = list(dict.fromkeys(map(commented_file, ids)))
    dependencies.read_now()
    found, seen = await asyncio.gather(
        vault.reads.items([comment_items.key_of(wanted) for wanted in ids], comment_items.comment_from),
        browse.files(vault, actor, file_ids),
    )
    readable = {file.id for file in seen if file is not None}
    return [comment if comment and comment.file_id in readable else None for comment in found]


async def pages(vault: Vault, actor: Actor, keys: Sequence[CommentPageKey]) -> list[CommentPage | None]:
    """A page of each file's comments; None where the actor may not read it. One Query a file, all at once."""
    return await together(_page(vault, actor, key) for key in keys)


async def _page(vault: Vault, actor: Actor, key: CommentPageKey) -> CommentPage | None:
    """The first page holds the file's own item, which sorts before what was said on it."""
    limit = min(key.first, _PAGE_MAX) + 1
    file, said = await (_first(vault, key.file_id, limit) if key.after is None else _later(vault, key, limit))
    if file is None or await browse.readable(vault, actor, [file]) == [None]:
        return None
    page = said[: limit - 1]
    marks = tuple(cursors.encode(place) for place, _ in page)
    return CommentPage(file, tuple(comment for _, comment in page), marks, len(said) >= limit)


async def _first(vault: Vault, file_id: FileId, limit: int) -> tuple[File | None, Sequence[_Said]]:
    pk = table.file(file_id).pk
    found = await vault.reads.collection(pk, _file_or_comment, until=table.COMMENT_END, limit=limit + 1)
    file = found[0][1] if found else None
    return (file, _comments(found[1:])) if isinstance(file, File) else (None, [])


async def _later(vault: Vault, key: CommentPageKey, limit: int) -> tuple[File | None, Sequence[_Said]]:
    file_key, after = table.file(key.file_id), cursors.decode(key.after or "", prefix=table.COMMENT)
    dependencies.read_now()
    return await asyncio.gather(
        vault.reads.item(file_key, items.file_from),
        vault.reads.collection(
            file_key.pk, comment_items.comment_from, after=after, until=table.COMMENT_END, limit=limit
        ),
    )


def _file_or_comment(item: Item) -> File | Comment:
    is_comment = item[table.SK].startswith(table.COMMENT)
    return comment_items.comment_from(item) if is_comment else items.file_from(item)


def _comments(found: Sequence[tuple[str, File | Comment]]) -> list[_Said]:
    return [(place, it) for place, it in found if isinstance(it, Comment)]
