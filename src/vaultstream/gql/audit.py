"""The audit log in the contract: events for auditors, an item's own history, and the newest checkpoint."""

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from vaultstream.actions import auditing
from vaultstream.actions.auditing import AuditPage
from vaultstream.adapters.audit_log import KeptCheckpoint
from vaultstream.audit_chain import Row, canonical
from vaultstream.audit_query import AuditWhere as Where
from vaultstream.errors import Code, VaultError
from vaultstream.events import Decision, EventName
from vaultstream.gql.context import Info
from vaultstream.gql.nodes import Node
from vaultstream.gql.pages import After, First, Listing, PageInfo, listing, turn
from vaultstream.gql.scalars import Sha256
from vaultstream.ids import ItemId

_KEPT = {Code.FORBIDDEN, Code.NOT_FOUND}


@strawberry.enum(description="Whether the vault let a deed happen.")
class AuditDecision(Enum):
    """As `vaultstream.events.Decision`."""

    ALLOWED = strawberry.enum_value("ALLOWED", description="It happened.")
    DENIED = strawberry.enum_value("DENIED", description="It was refused.")


@strawberry.type(description="One deed, as it was recorded for good.")
class AuditEvent(Node):
    """Read from `vaultstream.audit_chain.Row`."""

    received_at: datetime = strawberry.field(description="When it became part of the log.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Whether this noun is shown as this type."""
        return isinstance(obj, Row)

    @strawberry.field(description="Its number in the chain, which has no gap, in decimal digits.")
    def seq(self: Row) -> str:
        """Text: it outgrows 32 bits."""
        return f"{self.seq}"

    @strawberry.field(name="hash", description="The digest of the chain up to it: schema/audit-chain.md.")
    def digest(self: Row) -> Sha256:
        """In hexadecimal."""
        return Sha256(self.digest.hex())

    @strawberry.field(description="When it was done.")
    def at(self: Row) -> datetime:
        """By the clock of whoever recorded it."""
        return self.event.at

    @strawberry.field(description="What was done, as in `file.renamed`: schema/events has each.")
    def action(self: Row) -> str:
        """The event's name."""
        return self.event.name.value

    @strawberry.field(description="Who did it: the id of a person or link, a worker (`worker:scan`), or `operator`.")
    def actor(self: Row) -> str:
        """The subject."""
        return self.event.subject

    @strawberry.field(description="The folder or file it was done to; null where it was to none.")
    def item_id(self: Row) -> strawberry.ID | None:
        """It may be gone."""
        return strawberry.ID(self.event.item_id) if self.event.item_id else None

    @strawberry.field(description="Which version of a file; null where it was none in particular.")
    def version_number(self: Row) -> int | None:
        """As recorded."""
        return self.event.version_number

    @strawberry.field(
        description="From which address: empty where none is known, and in an item's history; `erased` where its "
        "person was."
    )
    def ip(self: Row) -> str:
        """Unsealed."""
        return self.event.ip

    @strawberry.field(description="By which program, in its own words; as `ip`.")
    def agent(self: Row) -> str:
        """Unsealed."""
        return self.event.agent

    @strawberry.field(description="The id of the request, as in its answer's X-Request-Id.")
    def request_id(self: Row) -> str:
        """As recorded."""
        return self.event.request_id

    @strawberry.field(description="Whether it was let happen.", graphql_type=AuditDecision)
    def decision(self: Row) -> AuditDecision:
        """As recorded."""
        return AuditDecision[self.event.decision.name]

    @strawberry.field(description="Why it was refused; null where it was not.")
    def reason(self: Row) -> str | None:
        """As recorded."""
        return self.event.reason

    @strawberry.field(description="What else is known of it, as the text of a JSON object.")
    def details(self: Row) -> str:
        """By each event's own schema."""
        return canonical(dict(self.event.details))


@strawberry.type(description="One event in a list.")
class AuditEventEdge:
    """Read from `pages.Entry`."""

    cursor: str = strawberry.field(description="Where it stands: pass it as `after`.")
    node: AuditEvent = strawberry.field(description="The event.")


@strawberry.type(description="A page of events.")
class AuditEventConnection:
    """Read from `pages.Listing`."""

    edges: list[AuditEventEdge] = strawberry.field(description="The events.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@strawberry.type(description="Where the chain of the audit log stood, signed.")
class AuditCheckpoint:
    """Read from a kept checkpoint and the public key."""

    @strawberry.field(description="The number of the chain's last row then, in decimal digits.")
    def seq(self: tuple[KeptCheckpoint, str]) -> str:
        """Text: it outgrows 32 bits."""
        return f"{self[0].seq}"

    @strawberry.field(description="When it was signed.")
    def at(self: tuple[KeptCheckpoint, str]) -> datetime:
        """As signed."""
        return self[0].at

    @strawberry.field(
        description="The checkpoint with its signature, as `vaultstream audit verify --checkpoint` takes it."
    )
    def line(self: tuple[KeptCheckpoint, str]) -> str:
        """As kept."""
        return self[0].line

    @strawberry.field(description="The public key that verifies it, in PEM.")
    def public_key(self: tuple[KeptCheckpoint, str]) -> str:
        """KMS's."""
        return self[1]


@strawberry.input(description="Which events: those of which all that is given is true.")
class AuditWhere:
    """Becomes `vaultstream.audit_query.AuditWhere`."""

    actor: str | None = strawberry.field(description="Done by this person, link or worker.", default=None)
    item_id: strawberry.ID | None = strawberry.field(description="Done to this folder or file.", default=None)
    actions: list[str] | None = strawberry.field(description="One of these, as in `file.renamed`.", default=None)
    since: datetime | None = strawberry.field(description="Done at this moment or later.", default=None)
    until: datetime | None = strawberry.field(description="Done before this moment.", default=None)
    decision: AuditDecision | None = strawberry.field(description="Let happen, or refused.", default=None)
    ip: str | None = strawberry.field(
        description="From this address, by people who were not erased: of at most 1000 people who acted in that time.",
        default=None,
    )
    detail: str | None = strawberry.field(
        description='A condition on the details, in SQL/JSON path: `$.after == "a"`, `$.size_bytes > 1000`.',
        default=None,
    )


_Where = Annotated[AuditWhere | None, strawberry.argument(description="Only some of them.")]


@strawberry.type
class AuditQueries:
    """What an auditor can ask."""

    @strawberry.field(
        description="The audit log, the newest first. FORBIDDEN to all but auditors, and recorded itself.",
        graphql_type=AuditEventConnection,
    )
    async def audit_events(self, info: Info, first: First, after: After = None, where: _Where = None) -> Listing[Row]:
        """One statement."""
        asked, context = turn(first, after, prefix=auditing.CURSOR), info.context
        ip = where.ip if where else None
        page = await auditing.events(context.vault, context.actor, _where(where), asked.first, asked.after, ip=ip)
        return listing(page.rows, page.cursors, asked, has_next=page.has_next)

    @strawberry.field(
        description="The newest checkpoint of the audit log; null before the first. FORBIDDEN to all but auditors.",
        graphql_type=AuditCheckpoint | None,
    )
    async def audit_checkpoint(self, info: Info) -> tuple[KeptCheckpoint, str] | None:
        """As kept."""
        return await auditing.last_checkpoint(info.context.vault, info.context.actor)


async def loaded(info: Info, wanted: str) -> Row | None:
    """The event; None to all but auditors."""
    try:
        return await auditing.find(info.context.vault, info.context.actor, wanted.removeprefix("event_"))
    except VaultError as error:
        if error.code in _KEPT:
            return None
        raise


async def history_of(info: Info, item_id: ItemId, first: int, after: str | None) -> Listing[Row]:
    """A page of what was done to an item; nothing to who may not share it."""
    asked, context = turn(first, after, prefix=auditing.CURSOR), info.context
    try:
        page = await auditing.history(context.vault, context.actor, item_id, asked.first, asked.after)
    except VaultError as error:
        if error.code not in _KEPT:
            raise
        page = AuditPage((), (), has_next=False)
    return listing(page.rows, page.cursors, asked, has_next=page.has_next)


def _where(given: AuditWhere | None) -> Where:
    if given is None:
        return Where()
    try:
        names = [EventName(name) for name in given.actions or ()]
    except ValueError:
        raise VaultError(Code.INVALID, "There is no such action.", path=("where", "actions")) from None
    return Where(
        subject=given.actor,
        item_id=given.item_id,
        names=names,
        since=given.since,
        until=given.until,
        decision=Decision[given.decision.name] if given.decision else None,
        detail=given.detail,
    )
