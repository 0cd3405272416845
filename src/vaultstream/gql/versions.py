"""Versions of a file in the contract, and what was found out about each."""

from datetime import datetime
from typing import Annotated

import strawberry

from vaultstream import versions
from vaultstream.actions import download
from vaultstream.gql import states
from vaultstream.gql.by_key import by_key
from vaultstream.gql.context import Info
from vaultstream.gql.nodes import FileLater, Node
from vaultstream.gql.pages import PageInfo
from vaultstream.gql.scalars import URL, ByteSize, Sha256
from vaultstream.gql.users import User
from vaultstream.ids import FileId, UserId
from vaultstream.tiers import StorageTier

_LARGEST_PX = 1 << 30


@strawberry.type(description="Somebody's word for a version that nobody could look into.")
class Release:
    """Read from `vaultstream.versions.Release`."""

    at: datetime = strawberry.field(description="When it was let out.")
    reason: str = strawberry.field(description="Why.")

    @by_key(
        lambda loaders: loaders.users,
        description="Who let it out; null for somebody who is not for you to see.",
        graphql_type=User | None,
    )
    def by(self: versions.Release) -> UserId:
        """As let out."""
        return self.by


@strawberry.type(description="The scan of one version.")
class Scan:
    """Read from `vaultstream.versions.Scan`."""

    status: states.ScanStatus = strawberry.field(description="How far it has come.")
    signature: str | None = strawberry.field(description="The name of what was found, when INFECTED.")
    engine: str | None = strawberry.field(description="The scanner and the version of its rules.")
    reason: str | None = strawberry.field(description="Why it is UNSCANNABLE or FAILED.")
    finished_at: datetime | None = strawberry.field(description="When the verdict was reached.")
    release: Release | None = strawberry.field(description="Who let it out although it is UNSCANNABLE; null if nobody.")


@strawberry.type(description="The thumbnails of one version.")
class Thumbnail:
    """Read from the `vaultstream.versions.Version` whose thumbnails these are."""

    @strawberry.field(description="How far they have come.", graphql_type=states.ThumbnailStatus)
    def status(self: versions.Version) -> versions.ThumbnailStatus:
        """The state of all sizes together."""
        return self.thumbnail.status

    @strawberry.field(description="Why there is none, when FAILED or UNSUPPORTED.")
    def reason(self: versions.Version) -> str | None:
        """The worker's words."""
        return self.thumbnail.reason

    @strawberry.field(
        description="A signed address that shows it for a few minutes; null until READY.", graphql_type=URL | None
    )
    def url(
        self: versions.Version,
        info: Info,
        size: Annotated[
            int | None,
            strawberry.argument(
                description="The edge in pixels of the square that it should fill; none for the largest."
            ),
        ] = None,
    ) -> str | None:
        """Signed for the viewer alone."""
        context = info.context
        return download.thumbnail_url(context.vault, context.actor, self, _LARGEST_PX if size is None else size)

    @strawberry.field(description="The width of the largest size in pixels; null until READY.")
    def width(self: versions.Version) -> int | None:
        """As rendered, not as asked for."""
        return max((size.width for size in self.thumbnail.sizes), default=None)

    @strawberry.field(description="The height of the largest size in pixels; null until READY.")
    def height(self: versions.Version) -> int | None:
        """As rendered, not as asked for."""
        return max((size.height for size in self.thumbnail.sizes), default=None)


@strawberry.type(description="Where the bytes of one version are kept, and whether they can be read now.")
class StorageState:
    """Read from the `vaultstream.versions.Version` whose bytes these are."""

    @strawberry.field(description="The storage class.", graphql_type=states.StorageTier)
    def tier(self: versions.Version) -> StorageTier:
        """Where the bytes are."""
        return self.tiering.tier

    @strawberry.field(description="Since when they have been there.")
    def changed_at(self: versions.Version) -> datetime:
        """They begin where they were stored."""
        return self.tiering.changed_at or self.created_at

    @strawberry.field(description="Whether they can be read now.", graphql_type=states.RestoreStatus)
    def restore(self: versions.Version, info: Info) -> versions.RestoreStatus:
        """Archived bytes are restored before they are read."""
        return self.tiering.at(info.context.vault.now()).restore

    @strawberry.field(description="By when a restore that is in progress is expected to be over.")
    def restore_expected_at(self: versions.Version) -> datetime | None:
        """Null unless there is one."""
        return self.tiering.expected_at

    @strawberry.field(description="Until when a restored copy can be read.")
    def restored_until(self: versions.Version, info: Info) -> datetime | None:
        """Null unless there is one."""
        return self.tiering.at(info.context.vault.now()).restored_until


@strawberry.type(description="One version of a file. Its contents never change.")
class FileVersion(Node):
    """Read from `vaultstream.versions.Version`."""

    number: int = strawberry.field(description="Counts from 1 within the file.")
    size_bytes: ByteSize = strawberry.field(description="The length of the contents.")
    sha256: Sha256 | None = strawberry.field(
        name="sha256", description="The digest of the contents, known once all of them were read."
    )
    content_type: str = strawberry.field(description="The media type.")
    label: str | None = strawberry.field(description="A name that somebody gave this version.")
    created_at: datetime = strawberry.field(description="When it was stored.")
    scan: Scan = strawberry.field(description="Its scan.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Whether this noun is shown as this type."""
        return isinstance(obj, versions.Version)

    @by_key(lambda loaders: loaders.files, description="The file whose version this is.", graphql_type=FileLater)
    def file(self: versions.Version) -> FileId:
        """It is known where this came from it."""
        return self.file_id

    @by_key(
        lambda loaders: loaders.users,
        description="Who stored it; null for somebody who is not for you to see.",
        graphql_type=User | None,
    )
    def created_by(self: versions.Version) -> UserId:
        """As stored."""
        return self.created_by

    @strawberry.field(description="Its thumbnails.", graphql_type=Thumbnail)
    def thumbnail(self: versions.Version) -> versions.Version:
        """The thumbnails are read from the version."""
        return self

    @strawberry.field(description="Where its bytes are.", graphql_type=StorageState)
    def storage(self: versions.Version) -> versions.Version:
        """The state is read from the version."""
        return self


@strawberry.type(description="One version in a list.")
class FileVersionEdge:
    """Read from `pages.Entry`."""

    cursor: str = strawberry.field(description="Where it stands: pass it as `after`.")
    node: FileVersion = strawberry.field(description="The version.")


@strawberry.type(description="A page of a file's versions, the newest first.")
class FileVersionConnection:
    """Read from `pages.Listing`."""

    edges: list[FileVersionEdge] = strawberry.field(description="The versions.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
