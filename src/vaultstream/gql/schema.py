"""The whole contract, put together from its nouns."""

from functools import cache

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from vaultstream.gql import errors
from vaultstream.gql.audit import AuditEvent
from vaultstream.gql.batches import declare_batches
from vaultstream.gql.comments import Comment, CommentMutations
from vaultstream.gql.file_mutations import FilePlaceMutations
from vaultstream.gql.files import File, FileMutations
from vaultstream.gql.folders import Folder, FolderMutations
from vaultstream.gql.items import Capabilities
from vaultstream.gql.link_update import ShareLinkUpdateMutation
from vaultstream.gql.links import ShareLink, ShareLinkMutations
from vaultstream.gql.live import Subscription
from vaultstream.gql.quarantine import QuarantineMutations
from vaultstream.gql.queries import Query
from vaultstream.gql.scalars import SCALARS
from vaultstream.gql.shares import Share, ShareMutations
from vaultstream.gql.storage import StorageMutations
from vaultstream.gql.tokens import AccessToken, AccessTokenMutations
from vaultstream.gql.trash import TrashMutations
from vaultstream.gql.uploads import Upload, UploadMutations
from vaultstream.gql.users import User
from vaultstream.gql.version_mutations import VersionMutations
from vaultstream.gql.versions import FileVersion, Scan, StorageState, Thumbnail
from vaultstream.gql.zips import ZipMutations


@strawberry.type(description="What can be done. Each mutation answers with what it made, or with errors as data.")
class Mutation(
    FolderMutations,
    UploadMutations,
    FileMutations,
    CommentMutations,
    FilePlaceMutations,
    ShareMutations,
    ShareLinkMutations,
    ShareLinkUpdateMutation,
    TrashMutations,
    VersionMutations,
    QuarantineMutations,
    ZipMutations,
    AccessTokenMutations,
    StorageMutations,
):
    """Every noun's mutations."""


LASTING = (File, Folder, FileVersion, Scan, Thumbnail, StorageState, User, Capabilities, Share, ShareLink, Comment)
"""Types of nouns that come from the cache, so that the same value is shown again and again."""


@cache
def _built(*, sort_schema: bool) -> strawberry.Schema:
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[
            User,
            Share,
            ShareLink,
            Folder,
            File,
            FileVersion,
            Upload,
            Comment,
            AccessToken,
            AuditEvent,
            *sorted(set(errors.USER_ERRORS.values()), key=str),
        ],
        config=StrawberryConfig(scalar_map=SCALARS, sort_schema=sort_schema),
    )


@cache
def executable() -> GraphQLSchema:
    """The schema as graphql-core runs it; built once for the process."""
    made = _built(sort_schema=False)._schema  # noqa: SLF001  # it has no public name
    declare_batches(made, lasting=LASTING)
    return made


def sdl() -> str:
    """The contract as text in the order of names, as it stands in `schema/schema.graphql`."""
    return _built(sort_schema=True).as_str() + "\n"
