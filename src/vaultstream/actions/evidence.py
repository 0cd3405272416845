"""The audit log as evidence: every row of the chain with its checkpoints, as lines that prove themselves."""

from collections.abc import AsyncIterator

from vaultstream.adapters.audit_log import KeptCheckpoint
from vaultstream.adapters.vault import Vault
from vaultstream.audit_chain import Row, canonical
from vaultstream.audit_proof import Run, runs_of
from vaultstream.events import EventName

_PAGE = 500  # rows that are made text in one go, while nothing else runs
_CHECKPOINTS_MAX = 10_000  # of a page; there are some hundred a day at the most


async def lines(vault: Vault, end: KeptCheckpoint, *, after: int = 0) -> AsyncIterator[list[str]]:
    """The export in pages: first the checkpoint of its last row, the others from `after` on, then the rows.

    Personal fields stay sealed. Raises AuditUnavailable.
    """
    yield [end.line]
    seq = max(after, 1) - 1
    while others := await vault.audit_log.checkpoints(after=seq, before=end.seq, limit=_CHECKPOINTS_MAX):
        yield [other.line for other in others]
        seq = others[-1].seq
    gone = await _gone(vault)
    seq = after
    async for rows in chain(vault, end, after=after):
        page: list[str] = []
        for row in rows:
            while (run := gone.get(seq + 1)) is not None and row.seq > run.last:
                page.append(run.line())
                seq = run.last
            page.append(canonical(row.plain()))
            seq = row.seq
        yield page


async def chain(vault: Vault, end: KeptCheckpoint, *, after: int = 0) -> AsyncIterator[list[Row]]:
    """The rows in pages. Where the end itself is missing they end before it: whoever verifies it is told so."""
    while after < end.seq and (rows := await vault.audit_log.rows(after=after, until=end.seq, limit=_PAGE)):
        yield rows
        after = rows[-1].seq


async def _gone(vault: Vault) -> dict[int, Run]:
    """What went with its month, by its first row."""
    told = await vault.audit_log.named(EventName.AUDIT_MONTH_DROPPED)
    return {run.first: run for event in told for run in runs_of(event.details)}
