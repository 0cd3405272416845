"""Changes of the keys under which the audit log seals what is personal."""

from datetime import datetime

from vaultstream import table
from vaultstream.adapters.records.attributes import to_attributes
from vaultstream.adapters.records.changes import Change, changed_underneath
from vaultstream.adapters.records.moments import moment


def add(subject: str, wrapped: bytes) -> Change:
    """A person's key, if they have none and were not erased."""
    item = table.person_key(subject).attributes() | {"wrapped": wrapped}
    request = {"Item": to_attributes(item), "ConditionExpression": "attribute_not_exists(PK)"}
    return Change("Put", request, changed_underneath())


def erase(subject: str, at: datetime) -> Change:
    """The key goes; that it did stays, so that none is made anew."""
    item = table.person_key(subject).attributes() | {"erased_at": moment(at)}
    return Change("Put", {"Item": to_attributes(item)}, changed_underneath())
