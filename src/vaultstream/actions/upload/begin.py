"""Begin an upload: access, a claimed name, reserved quota and a new data key, in one transaction."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from vaultstream import names, quota, table
from vaultstream.access import Deed
from vaultstream.actions import account, deeds, once, reach
from vaultstream.actions.upload.finish import find
from vaultstream.actions.upload.receive import receive
from vaultstream.actor import Actor
from vaultstream.adapters.records import changes, items
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import EventName
from vaultstream.ids import FileId, FolderId, UploadId, VersionId, version_id
from vaultstream.uploads import Target, Upload, UploadStatus
from vaultstream.versions import encryption_context

_CONTENT_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,63}/[a-z0-9!#$&^_.+-]{1,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_METADATA_BYTES_MAX = 4096
UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the sender asks for: a new file (`folder_id`, None for their top folder, and `name`), or a new version
    of `file_id`. `size_bytes` is None while it is not known; `metadata` is tus's own header, echoed as it came.
    `copy_of` is the version whose bytes they are, where the vault itself is the sender.
    """

    folder_id: FolderId | None = None
    file_id: FileId | None = None
    name: str | None = None
    size_bytes: int | None = None
    content_type: str | None = None
    sha256: str | None = None
    idempotency_key: str | None = None
    metadata: str = ""
    copy_of: VersionId | None = None


async def begin(vault: Vault, actor: Actor, wanted: Wanted) -> Upload:
    """An upload that takes bytes; one of no bytes at all is stored at once.

    Raises NOT_FOUND, FORBIDDEN, INVALID, NAME_TAKEN, QUOTA_EXCEEDED or TOO_LARGE; then nothing was changed.
    """
    wanted = _lawful(vault, wanted)
    asked = (wanted.folder_id, wanted.file_id, wanted.name, wanted.size_bytes, wanted.sha256, wanted.copy_of)
    print_ = once.fingerprint("uploadBegin", *asked)
    if earlier := await once.answered(vault, actor, wanted.idempotency_key, print_):
        return await _with_no_bytes(vault, actor, await find(vault, actor, UploadId(earlier)))
    target = await _target(vault, actor, wanted)
    upload = await _prepared(vault, actor, wanted, target)
    remembered = once.remembering(vault, actor, wanted.idempotency_key, print_, upload.id)
    event = deeds.by_person(
        vault, actor, EventName.UPLOAD_BEGUN, target.file_id, upload_id=upload.id, size_bytes=wanted.size_bytes
    )
    made = [*remembered, changes.add_upload(upload), *_claims(vault, upload)]
    await vault.commit(made, [event])
    return await _with_no_bytes(vault, actor, upload)


async def _with_no_bytes(vault: Vault, actor: Actor, upload: Upload) -> Upload:
    """An upload of no bytes stored at once, also where that failed the first time: nobody has a byte to send for it."""
    if upload.length_bytes != 0 or upload.status is not UploadStatus.RECEIVING:
        return upload
    return await receive(vault, actor, upload.id, 0, _no_bytes())


async def _no_bytes() -> AsyncIterator[bytes]:
    """A body that ends at once."""
    return
    yield b""


def _lawful(vault: Vault, wanted: Wanted) -> Wanted:
    size_max = vault.settings.upload_bytes_max
    if wanted.size_bytes is not None and not 0 <= wanted.size_bytes <= size_max:
        raise VaultError(Code.TOO_LARGE, f"A file has 0 to {size_max} bytes.", path=("sizeBytes",))
    if wanted.sha256 is not None and not _SHA256.fullmatch(wanted.sha256):
        raise VaultError(Code.INVALID, "A SHA-256 digest is 64 lower-case hex digits.", path=("sha256",))
    if (wanted.file_id is None) == (wanted.name is None):
        raise VaultError(Code.INVALID, "Give a name for a new file, or the id of a file for a new version.")
    if len(wanted.metadata) > _METADATA_BYTES_MAX:
        raise VaultError(Code.INVALID, f"Upload metadata has at most {_METADATA_BYTES_MAX} bytes.")
    return wanted


async def _target(vault: Vault, actor: Actor, wanted: Wanted) -> Target:
    """Where the bytes are to be seen, if the actor may put them there."""
    content_type = (wanted.content_type or "").strip().lower()
    if not _CONTENT_TYPE.fullmatch(content_type):
        content_type = UNKNOWN_TYPE
    if wanted.file_id is not None:
        return await _new_version(vault, actor, wanted.file_id, content_type)
    folder_id = wanted.folder_id or await _top(vault, actor)
    name = names.lawful(wanted.name or "")
    folder = await reach.folder(vault, actor, folder_id, Deed.EDIT)
    await _require_free(vault, folder.id, name)
    file_id = FileId(vault.new_id("file"))
    new = version_id(file_id, vault.unique())
    return Target(file_id, new, folder.id, folder.owner_id, name, content_type, new_file=True)


async def _top(vault: Vault, actor: Actor) -> FolderId:
    """Where the actor's tree begins: a program's may be the folder to which it is bound."""
    bound = actor.grant.folder_id if actor.grant else None
    return bound or (await account.viewer(vault, actor.user_id)).root_folder_id


async def _new_version(vault: Vault, actor: Actor, file_id: FileId, content_type: str) -> Target:
    file = await reach.file(vault, actor, file_id, Deed.EDIT)
    new = version_id(file.id, vault.unique())
    return Target(file.id, new, file.parent_id, file.owner_id, file.name, content_type, new_file=False)


async def _require_free(vault: Vault, folder_id: FolderId, name: str) -> None:
    """An early answer before a key is made; the transaction's own condition is what decides."""
    item = await vault.records.item(table.entry(folder_id, names.fold(name)))
    if item is not None and item["kind"] != items.CLAIM:
        raise changes.name_taken(name)


async def _prepared(vault: Vault, actor: Actor, wanted: Wanted, target: Target) -> Upload:
    now = vault.now()
    _, header = await vault.keys.new(encryption_context(vault.settings.vault_id, target.version_id))
    return Upload(
        id=UploadId(vault.new_id("upload")),
        user_id=actor.user_id,
        target=target,
        header=header,
        created_at=now,
        expires_at=now + timedelta(seconds=vault.settings.upload_ttl_seconds),
        length_bytes=wanted.size_bytes,
        declared_sha256=wanted.sha256,
        metadata=wanted.metadata,
        reserved_bytes=wanted.size_bytes or 0,
    )


def _claims(vault: Vault, upload: Upload) -> list[changes.Change]:
    """What an upload sets aside while it is under way: bytes of the owner's quota, and a new file's name."""
    claims = []
    if upload.reserved_bytes:
        claims.append(changes.move_quota(upload.target.owner_id, quota.reserve(upload.reserved_bytes)))
    if upload.target.new_file:
        claims.append(changes.claim_name(upload, vault.now()))
    return claims
