"""One round over what fell due of one kind: each is tried, what fails is left for the next round, lateness is told."""

import logging
from collections.abc import Awaitable, Callable

from vaultstream import table
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.records.moments import time_of
from vaultstream.adapters.vault import Vault
from vaultstream.errors import VaultError
from vaultstream.metrics import WORK_OVERDUE_SECONDS

log = logging.getLogger(__name__)

_BATCH = 50  # of each shard


async def each(vault: Vault, kind: str, deed: Callable[[Item], Awaitable[None]]) -> None:
    """Do the deed to every item of a kind that fell due, the oldest first; one that fails holds up no other."""
    overdue_seconds = 0.0
    for shard in table.due_shards(kind):
        for item in await vault.records.due(shard, vault.now(), _BATCH):
            due_at = time_of(item[table.GSI3.sk].partition("#")[0])
            overdue_seconds = max(overdue_seconds, (vault.now() - due_at).total_seconds())
            try:
                await deed(item)
            except VaultError as error:
                log.warning("%s is left for the next round: %s", item[table.PK], error.code)
            except Exception:
                log.exception("%s is left for the next round", item[table.PK])
    vault.meters.set(WORK_OVERDUE_SECONDS, overdue_seconds, kind)
