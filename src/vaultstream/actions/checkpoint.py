"""Checkpoints of the audit log: where its chain stands, signed and put where nobody can remove it."""

from datetime import timedelta

from vaultstream.adapters.audit_log import KeptCheckpoint
from vaultstream.adapters.vault import Vault
from vaultstream.audit_proof import Checkpoint

EVERY = timedelta(minutes=5)  # how much may be made anew, at the most, by who may write the database and no key
KEPT_FOR = timedelta(days=3653)


async def take(vault: Vault) -> KeptCheckpoint | None:
    """Sign where the chain stands, and keep that; the last one stays good where nothing happened since.

    None for a log without a row. Raises AuditUnavailable or UNAVAILABLE.
    """
    head = await vault.audit_log.head()
    last = await vault.audit_log.last_checkpoint()
    if last is not None and last.seq == head.seq:
        return last
    if head.seq == 0:
        return None
    at = vault.now()
    checkpoint = Checkpoint(vault.settings.vault_id, head.seq, head.digest, at)
    line = checkpoint.line(await vault.notary.sign(checkpoint.text().encode()))
    await vault.checkpoints.keep(f"checkpoints/{head.seq:019d}.json", line.encode(), at + KEPT_FOR)
    await vault.audit_log.add_checkpoint(head.seq, at, line)
    return KeptCheckpoint(head.seq, at, line)


async def take_if_due(vault: Vault) -> None:
    """Take one where the last is older than that."""
    last = await vault.audit_log.last_checkpoint()
    if last is None or vault.now() - last.at >= EVERY:
        await take(vault)
