"""Mentions: from e-mail addresses to people who may see what they are mentioned on."""

from collections.abc import Sequence

from vaultstream import access, table
from vaultstream.access import Deed, Lineage
from vaultstream.adapters.records import share_items
from vaultstream.adapters.vault import Vault
from vaultstream.comments import MENTIONS_MAX
from vaultstream.errors import Code, VaultError
from vaultstream.ids import UserId


async def people(vault: Vault, lineage: Lineage, emails: Sequence[str]) -> tuple[UserId, ...]:
    """The people with these addresses, each once. INVALID where one of them is nobody, or may not see the item:
    the answer is the same, so that it tells no stranger's address.
    """
    wanted = list(dict.fromkeys(email.strip().casefold() for email in emails))
    if len(wanted) > MENTIONS_MAX:
        raise _refused(f"Mention at most {MENTIONS_MAX} people.")
    if any(not 0 < len(email.encode("utf-8", "surrogatepass")) <= 320 or not email.isprintable() for email in wanted):
        raise _refused("Mention people by their e-mail addresses.")
    claims = await vault.records.items([table.email_claim(email) for email in wanted])
    found = [UserId(claim["user_id"]) for claim in claims if claim is not None]
    if len(found) < len(wanted) or not await _all_may_read(vault, lineage, found):
        raise _refused("Mention people who may see the file.")
    return tuple(found)


async def _all_may_read(vault: Vault, lineage: Lineage, user_ids: Sequence[UserId]) -> bool:
    places = (lineage.item.id, *(folder.id for folder in lineage.above))
    keys = [table.grant(place, user_id) for user_id in user_ids for place in places]
    shares = tuple(share_items.share_from(item) for item in await vault.records.items(keys) if item is not None)
    theirs = Lineage(lineage.item, lineage.above, shares)  # each person's decision counts their own shares only
    now = vault.now()
    return all(access.decide(user_id, Deed.READ, theirs, now).allowed for user_id in user_ids)


def _refused(message: str) -> VaultError:
    return VaultError(Code.INVALID, message, path=("mentions",))
