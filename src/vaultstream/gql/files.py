"""Files in the contract: what is shown of them, and what can be done to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import strawberry

from vaultstream import comments as comment_nouns
from vaultstream import files, table, versions
from vaultstream.actions import download, process
from vaultstream.actions.browse import FileCollection, VersionPageKey
from vaultstream.actions.download import Link
from vaultstream.errors import not_found
from vaultstream.gql import comments, lookahead
from vaultstream.gql.context import Info
from vaultstream.gql.errors import UserError
from vaultstream.gql.items import Item
from vaultstream.gql.nodes import file_id
from vaultstream.gql.outcomes import ERRORS, INPUT, Outcome, outcome
from vaultstream.gql.pages import After, First, Listing, Turn, listing, turn
from vaultstream.gql.scalars import URL, ByteSize
from vaultstream.gql.versions import FileVersion, FileVersionConnection, Scan, StorageState, Thumbnail
from vaultstream.ids import FileId, VersionId, file_of

_VERSIONS = table.VERSION
_VERSION_NUMBER = "Which of its versions; the current one where it is not given."


@strawberry.type(description="A file: a name in a folder, and the versions that were stored under it.")
class File(Item):
    """Read from `vaultstream.files.File`."""

    tags: list[str] = strawberry.field(description="Words that people put on it.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Whether this noun is shown as this type."""
        return isinstance(obj, files.File)

    @strawberry.field(description="The length of the current version.", graphql_type=ByteSize)
    def size_bytes(self: files.File) -> int:
        """Plaintext."""
        return self.current.size_bytes

    @strawberry.field(description="The media type of the current version.")
    def content_type(self: files.File) -> str:
        """As declared or as found."""
        return self.current.content_type

    @strawberry.field(description="The version that is shown under its name.", graphql_type=FileVersion)
    def current_version(self: files.File) -> versions.Version:
        """The file holds it."""
        return self.current

    @strawberry.field(description="The scan of the current version.", graphql_type=Scan)
    def scan(self: files.File) -> versions.Scan:
        """Of the current version."""
        return self.current.scan

    @strawberry.field(description="The thumbnails of the current version.", graphql_type=Thumbnail)
    def thumbnail(self: files.File) -> versions.Version:
        """Of the current version."""
        return self.current

    @strawberry.field(description="Where the bytes of the current version are.", graphql_type=StorageState)
    def storage(self: files.File) -> versions.Version:
        """Of the current version."""
        return self.current

    @strawberry.field(description="Its versions, the newest first.", graphql_type=FileVersionConnection)
    async def versions(self: files.File, info: Info, first: First, after: After = None) -> Listing[versions.Version]:
        """One Query, unless the file was loaded together with this page."""
        asked = turn(first, after, prefix=_VERSIONS)
        page = await _page(info, self.id, asked)
        if page is None:
            raise not_found("file")
        return listing(page.versions, page.cursors, asked, has_next=page.has_next)

    @strawberry.field(description="What people said on it, the newest last.", graphql_type=comments.CommentConnection)
    async def comments(
        self: files.File, info: Info, first: First, after: After = None
    ) -> Listing[comment_nouns.Comment]:
        """One Query, unless the file was loaded together with this page."""
        asked = turn(first, after, prefix=table.COMMENT)
        page = await comments.page(info, self.id, asked)
        if page is None:
            raise not_found("file")
        return listing(page.comments, page.cursors, asked, has_next=page.has_next)


async def loaded(info: Info, wanted: FileId) -> files.File | None:
    """The file, together with the page of versions or comments that is asked of it; None where it may not be seen."""
    asked = lookahead.page_of(info, "versions", prefix=_VERSIONS)
    if asked is None and (said := lookahead.page_of(info, "comments", prefix=table.COMMENT)) is not None:
        found = await comments.page(info, wanted, said)
        return found.file if found else None
    if asked is None:
        return await info.context.loaders.files.load(wanted)
    page = await _page(info, wanted, asked)
    return page.file if page else None


async def version(info: Info, wanted: VersionId) -> versions.Version | None:
    """The version, if its file may be seen: the current one at once, an older one by paging back to it."""
    file = await info.context.loaders.files.load(file_of(wanted))
    if file is None or file.current.id == wanted:
        return file.current if file else None
    asked: Turn | None = Turn(100, None)
    while asked is not None and (page := await _page(info, file.id, asked)) is not None:
        if found := _with_id(page.versions, wanted):
            return found
        asked = Turn(100, page.cursors[-1]) if page.has_next else None
    return None


def _with_id(found: Sequence[versions.Version], wanted: VersionId) -> versions.Version | None:
    return next((one for one in found if one.id == wanted), None)


async def _page(info: Info, wanted: FileId, asked: Turn) -> FileCollection | None:
    return await info.context.loaders.file_collection(VersionPageKey(wanted, asked.first, asked.after))


@strawberry.input(description="What to download.")
class DownloadCreateInput:
    """What `downloadCreate` takes."""

    file_id: strawberry.ID = strawberry.field(description="The file.")
    version_number: int | None = strawberry.field(description=_VERSION_NUMBER, default=None)


@strawberry.type(description="What downloadCreate did.")
class DownloadCreatePayload:
    """Read from `outcomes.Outcome`."""

    errors: list[UserError] = strawberry.field(description=ERRORS)

    @strawberry.field(
        description="A signed address that gives the contents, ranges of them too, until it expires.",
        graphql_type=URL | None,
    )
    def url(self: Outcome[Link]) -> str | None:
        """Null where there are errors."""
        return self.made.url if self.made else None

    @strawberry.field(description="When the address expires.")
    def expires_at(self: Outcome[Link]) -> datetime | None:
        """Null where there are errors."""
        return self.made.expires_at if self.made else None


@strawberry.input(description="Which scan to run again.")
class ScanRetryInput:
    """What `scanRetry` takes."""

    file_id: strawberry.ID = strawberry.field(description="The file.")
    version_number: int | None = strawberry.field(description=_VERSION_NUMBER, default=None)


@strawberry.type(description="What scanRetry did.")
class ScanRetryPayload:
    """Read from `outcomes.Outcome`."""

    made: File | None = strawberry.field(name="file", description="The file, its scan PENDING; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.input(description="Which thumbnails to render again.")
class ThumbnailRetryInput:
    """What `thumbnailRetry` takes."""

    file_id: strawberry.ID = strawberry.field(description="The file.")
    version_number: int | None = strawberry.field(description=_VERSION_NUMBER, default=None)


@strawberry.type(description="What thumbnailRetry did.")
class ThumbnailRetryPayload:
    """Read from `outcomes.Outcome`."""

    made: File | None = strawberry.field(name="file", description="The file, its thumbnail PENDING; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.input(description="A version whose thumbnails somebody waits for.")
class ThumbnailHastenInput:
    """What `thumbnailHasten` takes."""

    file_id: strawberry.ID = strawberry.field(description="The file.")
    version_number: int | None = strawberry.field(description=_VERSION_NUMBER, default=None)


@strawberry.type(description="What thumbnailHasten did.")
class ThumbnailHastenPayload:
    """Read from `outcomes.Outcome`."""

    made: File | None = strawberry.field(
        name="file", description="The file as it is; null if it is not for you to see."
    )
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.type
class FileMutations:
    """What can be done to files."""

    @strawberry.mutation(
        description="A short-lived signed address of a version's contents. Only what was scanned and found clean.",
        graphql_type=DownloadCreatePayload,
    )
    async def download_create(
        self,
        info: Info,
        wanted: Annotated[DownloadCreateInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[Link]:
        """Decided and recorded now; what the address gives is decided again when it is used."""

        async def deed() -> Link:
            file, context = file_id(wanted.file_id), info.context
            return await download.link(context.vault, context.actor, file, wanted.version_number)

        return await outcome(info, deed())

    @strawberry.mutation(description="Scan a version again.", graphql_type=ScanRetryPayload)
    async def scan_retry(
        self,
        info: Info,
        wanted: Annotated[ScanRetryInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[files.File]:
        """The scan becomes PENDING, and its worker is told."""

        async def deed() -> files.File:
            file, context = file_id(wanted.file_id), info.context
            return await process.retry_scan(context.vault, context.actor, file, wanted.version_number)

        return await outcome(info, deed())

    @strawberry.mutation(description="Render a version's thumbnails again.", graphql_type=ThumbnailRetryPayload)
    async def thumbnail_retry(
        self,
        info: Info,
        wanted: Annotated[ThumbnailRetryInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[files.File]:
        """The thumbnail becomes PENDING, and its worker is told."""

        async def deed() -> files.File:
            file, context = file_id(wanted.file_id), info.context
            return await process.retry_thumbnail(context.vault, context.actor, file, wanted.version_number)

        return await outcome(info, deed())

    @strawberry.mutation(
        description="Render a version's thumbnails before those of others that wait, since somebody looks at it now. "
        "Nothing happens unless they are PENDING.",
        graphql_type=ThumbnailHastenPayload,
    )
    async def thumbnail_hasten(
        self,
        info: Info,
        wanted: Annotated[ThumbnailHastenInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[files.File]:
        """The worker is told by a queue of its own."""

        async def deed() -> files.File:
            file, context = file_id(wanted.file_id), info.context
            return await process.hasten_thumbnail(context.vault, context.actor, file, wanted.version_number)

        return await outcome(info, deed())
