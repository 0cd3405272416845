"""People: made at their first sign-in, known afterwards by their verified e-mail address."""

from vaultstream import table
from vaultstream.actions import deeds
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.records import changes, items
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import EventName
from vaultstream.folders import Folder
from vaultstream.ids import FolderId, UserId
from vaultstream.users import Storage, User

_EMAIL_BYTES_MAX = 320
_NAME_CHARACTERS_MAX = 200


async def sign_in(vault: Vault, email: str, display_name: str, origin: Origin) -> UserId:
    """The id of the person with this verified address; who comes for the first time gets a vault of their own."""
    if not email or len(email.encode()) > _EMAIL_BYTES_MAX or "@" not in email:
        raise VaultError(Code.UNAUTHENTICATED, "The sign-in service gave no usable e-mail address.")
    claim = await vault.records.item(table.email_claim(email))
    if claim is None:
        await _welcome(vault, email, display_name[:_NAME_CHARACTERS_MAX] or email, origin)
        claim = await vault.records.item(table.email_claim(email))
    if claim is None:
        raise VaultError(Code.UNAVAILABLE, "The account is not ready yet: try again.")
    return UserId(claim["user_id"])


async def viewer(vault: Vault, user_id: UserId) -> User:
    """The person's own account."""
    user = await vault.reads.item(table.user(user_id), items.user_from)
    if user is None:
        raise VaultError(Code.UNAUTHENTICATED, "This account is gone: sign in again.")
    return user


async def _welcome(vault: Vault, email: str, display_name: str, origin: Origin) -> None:
    now = vault.now()
    user_id, folder_id = UserId(vault.new_id("user")), FolderId(vault.new_id("folder"))
    storage = Storage(quota_bytes=vault.settings.default_quota_bytes)
    user = User(user_id, email, display_name, folder_id, storage, now)
    root = Folder(folder_id, user_id, None, "", now, now)
    event = deeds.by_person(vault, Actor(user_id, origin, now), EventName.USER_CREATED, folder_id)
    try:
        await vault.commit([changes.claim_email(email, user_id), changes.add_user(user), changes.add(root)], [event])
    except VaultError as error:
        # Two first requests of one person may race; the claim lets one through, and both then read it.
        if error.code is not Code.CONFLICT:
            raise
