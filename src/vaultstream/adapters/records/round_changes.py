"""What the sweeper remembers of its rounds: since when the rules are what they are, and how far the scrub has come."""

from collections.abc import Mapping
from datetime import datetime

from vaultstream import table
from vaultstream.adapters.records.attributes import Item, to_attributes
from vaultstream.adapters.records.changes import CHANGED_UNDERNEATH, Change
from vaultstream.adapters.records.moments import moment


def know_signatures(engine: str, since: datetime) -> Change:
    """The scanners have these rules from now on."""
    return _put(table.signatures().attributes() | {"engine": engine, "since": moment(since)})


def plan_scrub(places: Mapping[str, str], next_at: datetime) -> Change:
    """The scrub goes on at that time, in each shard behind these places."""
    return _put(table.scrub().attributes() | {"places": dict(places), "next_at": moment(next_at)})


def _put(item: Item) -> Change:
    return Change("Put", {"Item": to_attributes(item)}, CHANGED_UNDERNEATH)
