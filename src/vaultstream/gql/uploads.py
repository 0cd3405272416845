"""Uploads in the contract: begun and watched here, their bytes sent over tus."""

from asyncio import Future
from datetime import datetime
from typing import Annotated

import strawberry

from vaultstream import files as file_nouns
from vaultstream import uploads
from vaultstream import versions as version_nouns
from vaultstream.actions import upload as deeds
from vaultstream.errors import Code, VaultError
from vaultstream.gql import files, states
from vaultstream.gql.context import Info
from vaultstream.gql.errors import UserError
from vaultstream.gql.nodes import Node, file_id, folder_id, upload_id
from vaultstream.gql.outcomes import ERRORS, IDEMPOTENCY_KEY, INPUT, Outcome, outcome
from vaultstream.gql.scalars import URL, ByteSize, Sha256
from vaultstream.gql.versions import FileVersion
from vaultstream.ids import UploadId
from vaultstream.uploads import UploadStatus


@strawberry.type(description="A version on its way in. Send its bytes to `url` with any tus 1.0 client.")
class Upload(Node):
    """Read from `vaultstream.uploads.Upload`."""

    expires_at: datetime = strawberry.field(description="When it is given up unless it is finished.")
    status: states.UploadStatus = strawberry.field(description="How far it has come.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Whether this noun is shown as this type."""
        return isinstance(obj, uploads.Upload)

    @strawberry.field(description="Where its bytes go (tus).", graphql_type=URL)
    def url(self: uploads.Upload, info: Info) -> str:
        """Absolute."""
        return f"{info.context.vault.settings.public_url.rstrip('/')}/uploads/{self.id}"

    @strawberry.field(
        description="The length of the contents; null while it is not known.", graphql_type=ByteSize | None
    )
    def size_bytes(self: uploads.Upload) -> int | None:
        """As declared."""
        return self.length_bytes

    @strawberry.field(description="How many bytes are stored for good.", graphql_type=ByteSize)
    def offset_bytes(self: uploads.Upload) -> int:
        """What a client that lost its way goes on from."""
        return self.progress.offset_bytes

    @strawberry.field(
        description="The file that it makes or adds to; null while that is not there yet.",
        graphql_type=files.File | None,
    )
    def file(self: uploads.Upload, info: Info) -> "Future[file_nouns.File | None]":
        """Load the file."""
        return info.context.loaders.files.load(self.target.file_id)

    @strawberry.field(description="What it has become; null until DONE.", graphql_type=FileVersion | None)
    async def version(self: uploads.Upload, info: Info) -> version_nouns.Version | None:
        """Load the version."""
        if self.status is not UploadStatus.DONE:
            return None
        return await files.version(info, self.target.version_id)


async def loaded(info: Info, wanted: UploadId) -> uploads.Upload | None:
    """The upload; None where it is not for the viewer to see."""
    try:
        return await deeds.find(info.context.vault, info.context.actor, wanted)
    except VaultError as error:
        if error.code in {Code.NOT_FOUND, Code.UPLOAD_GONE}:
            return None
        raise


@strawberry.input(description="What is to come: `folderId` and `name` for a new file, or `fileId` for a new version.")
class UploadBeginInput:
    """What `uploadBegin` takes."""

    folder_id: strawberry.ID | None = strawberry.field(
        description="The folder of a new file; where it is not given, your top folder, or the one a token is bound to.",
        default=None,
    )
    file_id: strawberry.ID | None = strawberry.field(description="The file of a new version.", default=None)
    name: str | None = strawberry.field(
        description="The name of a new file: at most 255 characters, no slash.", default=None
    )
    size_bytes: ByteSize | None = strawberry.field(
        description="The length of the contents, where it is known: it is set aside from your quota.", default=None
    )
    content_type: str | None = strawberry.field(description="The media type.", default=None)
    sha256: Sha256 | None = strawberry.field(
        name="sha256",
        description="The digest of the contents: what does not match is refused at the end.",
        default=None,
    )
    idempotency_key: str | None = strawberry.field(description=IDEMPOTENCY_KEY, default=None)


@strawberry.type(description="What uploadBegin did.")
class UploadBeginPayload:
    """Read from `outcomes.Outcome`."""

    made: Upload | None = strawberry.field(name="upload", description="The upload; null where it was not begun.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.input(description="An upload to give up.")
class UploadAbortInput:
    """What `uploadAbort` takes."""

    upload_id: strawberry.ID = strawberry.field(description="The upload.")


@strawberry.type(description="What uploadAbort did.")
class UploadAbortPayload:
    """Read from `outcomes.Outcome`."""

    made: Upload | None = strawberry.field(name="upload", description="The upload, ABORTED; null if unchanged.")
    errors: list[UserError] = strawberry.field(description=ERRORS)


def _wanted(asked: UploadBeginInput) -> deeds.Wanted:
    return deeds.Wanted(
        folder_id=folder_id(asked.folder_id) if asked.folder_id is not None else None,
        file_id=file_id(asked.file_id) if asked.file_id is not None else None,
        name=asked.name,
        size_bytes=asked.size_bytes,
        content_type=asked.content_type,
        sha256=asked.sha256,
        idempotency_key=asked.idempotency_key,
    )


@strawberry.type
class UploadMutations:
    """What can be done to uploads."""

    @strawberry.mutation(
        description="Begin an upload: name, quota and permission are settled before the first byte is sent.",
        graphql_type=UploadBeginPayload,
    )
    async def upload_begin(
        self,
        info: Info,
        wanted: Annotated[UploadBeginInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[uploads.Upload]:
        """One transaction."""

        async def deed() -> uploads.Upload:
            return await deeds.begin(info.context.vault, info.context.actor, _wanted(wanted))

        return await outcome(info, deed())

    @strawberry.mutation(
        description="Give an upload up: its name and what it had set aside are free again.",
        graphql_type=UploadAbortPayload,
    )
    async def upload_abort(
        self,
        info: Info,
        wanted: Annotated[UploadAbortInput, strawberry.argument(name="input", description=INPUT)],
    ) -> Outcome[uploads.Upload]:
        """One transaction."""

        async def deed() -> uploads.Upload:
            return await deeds.abort(info.context.vault, info.context.actor, upload_id(wanted.upload_id))

        return await outcome(info, deed())
