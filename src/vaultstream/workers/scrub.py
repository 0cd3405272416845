"""The integrity scrub: opens stored versions one after another, again and again, and tells of what no longer opens.

Every frame that is read authenticates; where all of a version is read, its digest is compared with that of its scan.
"""

import hashlib
import logging
import random
from collections.abc import Mapping
from datetime import timedelta

from vaultstream import table
from vaultstream.actions import opening, process
from vaultstream.adapters.records import version_items
from vaultstream.adapters.records.moments import time_of
from vaultstream.adapters.records.round_changes import plan_scrub
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import EventName
from vaultstream.metrics import SCRUBBED
from vaultstream.versions import StoredVersion

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=10)
BYTES_MAX = 64 << 20  # of one version in one go; of a larger one, a range somewhere in it
_EACH = 2  # of each shard in one go


async def sweep(vault: Vault) -> None:
    """Look at the next few versions, where it is time to; where one round over all of them ends, another begins."""
    plan = await vault.records.item(table.scrub())
    if plan is not None and time_of(plan["next_at"]) > vault.now():
        return
    places: Mapping[str, str] = plan["places"] if plan is not None else {}
    reached: dict[str, str] = {}
    for shard in table.due_shards(version_items.SCANNED):
        found = await vault.records.following(shard, places.get(shard), _EACH)
        for item in found:
            await check(vault, version_items.stored_version_from(item))
            reached[shard] = item[table.GSI3.sk]
    await vault.commit([plan_scrub(reached, vault.now() + EVERY)])


async def check(vault: Vault, stored: StoredVersion) -> None:
    """Open a version and tell whoever owns it when it cannot be; one that cannot be reached now is left for later."""
    if not stored.version.tiering.is_readable(vault.now()):
        return
    try:
        is_sound = await _is_sound(vault, stored)
    except VaultError as error:
        if error.code is not Code.UNREADABLE:
            log.warning("version %s is left for the next round: %s", stored.version.id, error.code)
            return
        is_sound = False
    vault.meters.count(SCRUBBED, "sound" if is_sound else "damaged")
    if not is_sound:
        await _tell(vault, stored)


async def _is_sound(vault: Vault, stored: StoredVersion) -> bool:
    version, body = stored.version, stored.body
    start = random.randrange(max(1, body.plain_bytes - BYTES_MAX + 1))  # noqa: S311  # which part is no secret
    stop = min(body.plain_bytes, start + BYTES_MAX)
    digest = hashlib.sha256()
    async for piece in opening.plaintext(vault, version.id, body, start, stop):
        digest.update(piece)
    is_whole = stop - start == body.plain_bytes
    return not is_whole or version.sha256 in {None, digest.hexdigest()}


async def _tell(vault: Vault, stored: StoredVersion) -> None:
    """An event, if the version is still there: what was purged meanwhile has lost nothing."""
    version = stored.version
    found = await process.load(vault, version.file_id, version.number)
    if found is not None and found[1].version.id == version.id:
        told = process.worker_event(vault, "scrub", EventName.VERSION_DAMAGED, "scrub")
        await vault.commit([], [told(*found)])
        log.error("version %s no longer opens", version.id)
