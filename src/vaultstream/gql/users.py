"""People in the contract."""

from datetime import datetime

import strawberry

from vaultstream import users
from vaultstream.actions import auditing
from vaultstream.gql.by_key import by_key
from vaultstream.gql.context import Info
from vaultstream.gql.nodes import FolderLater, Node
from vaultstream.gql.scalars import ByteSize
from vaultstream.ids import FolderId

Known = users.User | users.Acquaintance


@strawberry.type(description="What a person's files take of their quota; the kinds and what is left add up to it.")
class StorageUsage:
    """Read from `vaultstream.users.Storage`."""

    quota_bytes: ByteSize = strawberry.field(description="All that this person may store.")
    left_bytes: ByteSize = strawberry.field(description="What may still be stored.")
    live_bytes: ByteSize = strawberry.field(description="Taken by current versions.")
    version_bytes: ByteSize = strawberry.field(description="Taken by older versions.")
    trash_bytes: ByteSize = strawberry.field(
        description="Taken by files that were thrown away, with all their versions. What lies in a folder that was "
        "thrown away goes on counting as what it was, until it is purged."
    )
    reserved_bytes: ByteSize = strawberry.field(description="Set aside for uploads that are under way.")


@strawberry.type(description="A person.")
class User(Node):
    """Read from `vaultstream.users.User`, or for others from what is seen of them."""

    email: str | None = strawberry.field(
        description="The verified e-mail address; null where you share nothing with this person."
    )
    display_name: str = strawberry.field(description="What others see.")
    created_at: datetime = strawberry.field(description="When this person first came.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Whether this noun is shown as this type."""
        return isinstance(obj, users.User | users.Acquaintance)

    @strawberry.field(
        description="What their files take; null for everybody but you.", graphql_type=StorageUsage | None
    )
    def storage(self: Known) -> users.Storage | None:
        """One's own alone."""
        return self.storage if isinstance(self, users.User) else None

    @by_key(
        lambda loaders: loaders.folders,
        description="Their top folder, which holds all that is theirs; null for everybody but you.",
        graphql_type=FolderLater | None,
    )
    def root_folder(self: Known) -> FolderId | None:
        """One's own alone."""
        return self.root_folder_id if isinstance(self, users.User) else None

    @strawberry.field(
        description="Whether they may read the audit log; false for everybody but you, and for programs. Others are "
        "answered FORBIDDEN by `auditEvents` and `auditCheckpoint`."
    )
    async def is_auditor(self: Known, info: Info) -> bool:
        """One's own alone."""
        vault, actor = info.context.vault, info.context.actor
        return self.id == actor.user_id and await auditing.is_auditor(vault, actor)
