"""The audit log for an auditor, as evidence or as a table; that it was taken is recorded before its first byte."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from enum import StrEnum

from vaultstream import audit_csv
from vaultstream.actions import auditing, deeds, evidence
from vaultstream.actor import Actor
from vaultstream.adapters.audit_log import KeptCheckpoint
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import EventName


class Form(StrEnum):
    """NDJSON proves itself (schema/audit-chain.md); CSV is for spreadsheets."""

    NDJSON = "ndjson"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Export:
    """The rows up to the last one that a checkpoint vouches for; `read` may be called once."""

    until: int
    read: Callable[[], AsyncGenerator[bytes]]


async def opened(vault: Vault, actor: Actor, form: Form, *, after: int = 0) -> Export:
    """The rows after this one, up to the newest checkpoint, which is some minutes old; personal fields stay sealed.

    What left the vault unsealed could not be erased any more. Raises FORBIDDEN, INVALID, NOT_FOUND before there is a
    checkpoint, and UNAVAILABLE.
    """
    await auditing.require_auditor(vault, actor)
    end = await vault.audit_log.last_checkpoint()
    if end is None:
        raise VaultError(Code.NOT_FOUND, "The log has no checkpoint yet: try again in some minutes.")
    if after > end.seq:
        raise VaultError(Code.INVALID, f"The last row that can be exported is {end.seq}.", path=("after",))
    return Export(end.seq, lambda: _read(vault, actor, form, end, after))


async def _read(vault: Vault, actor: Actor, form: Form, end: KeptCheckpoint, after: int) -> AsyncGenerator[bytes]:
    name, until = EventName.AUDIT_EXPORTED, end.seq
    told = deeds.by_person(vault, actor, name, None, after=after, until=until, form=form.value)
    await vault.commit([], [told])
    async for piece in written(vault, form, end, after=after):
        yield piece


async def written(vault: Vault, form: Form, end: KeptCheckpoint, *, after: int = 0) -> AsyncGenerator[bytes]:
    """The rows up to a checkpoint, some at a time; the caller has recorded it. Raises AuditUnavailable."""
    if form is Form.NDJSON:
        async for lines in evidence.lines(vault, end, after=after):
            if lines:
                yield "".join(f"{line}\n" for line in lines).encode()
        return
    yield audit_csv.heading().encode()
    async for rows in evidence.chain(vault, end, after=after):
        yield audit_csv.table(rows).encode()
