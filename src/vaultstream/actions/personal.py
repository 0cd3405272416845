"""Where people came from, in the audit log: sealed for each person, opened while they have a key, erased with it."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from vaultstream import table
from vaultstream.actions import deeds
from vaultstream.adapters.records import person_changes
from vaultstream.adapters.vault import Vault
from vaultstream.audit_seals import ERASED, seal, unseal
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName

_Keys = Mapping[str, bytes | None]  # None: erased


async def sealed(vault: Vault, events: Sequence[Event]) -> list[Event]:
    """The events with address and agent sealed for whoever did the deed; of a person who was erased nothing is kept.

    A link's visitors have the link for a person: nothing else is known of them.
    """
    subjects = {event.subject for event in events if event.ip or event.agent}
    keys = await _keys(vault, subjects)
    if missing := [subject for subject in subjects if subject not in keys]:
        await asyncio.gather(*(_make(vault, subject) for subject in missing))
        keys = await _keys(vault, subjects)
    return [_sealed(event, keys) for event in events]


async def opened(vault: Vault, events: Sequence[Event]) -> list[Event]:
    """The events with what can still be read of it."""
    keys = await _keys(vault, {event.subject for event in events if event.ip or event.agent})
    return [
        replace(
            event,
            ip=unseal(keys.get(event.subject), "ip", event.ip),
            agent=unseal(keys.get(event.subject), "agent", event.agent),
        )
        for event in events
    ]


async def seals_of(vault: Vault, subjects: Iterable[str], ip: str) -> list[str]:
    """How this address is recorded for each of these people, as far as they have a key."""
    keys = await _keys(vault, set(subjects))
    return [seal(key, "ip", ip) for key in keys.values() if key is not None]


async def erase(vault: Vault, subject: str) -> None:
    """Drop a person's key: what is recorded of where they came from is noise from now on, and no more is recorded.

    Copies of the table hold the wrapped key for as long as they are kept (point-in-time recovery: 35 days).
    Twice is once.
    """
    item = await vault.records.item(table.person_key(subject))
    if item is not None and "erased_at" in item:
        return
    event = deeds.by_operator(vault, EventName.AUDIT_PERSON_ERASED, person=subject)
    await vault.commit([person_changes.erase(subject, vault.now())], [event])


async def _keys(vault: Vault, subjects: set[str]) -> dict[str, bytes | None]:
    """The keys of those who have or had one."""
    named = sorted(subjects)
    items = await vault.records.items([table.person_key(subject) for subject in named])
    found = {subject: item for subject, item in zip(named, items, strict=True) if item is not None}
    wrapped = {subject: bytes(item["wrapped"]) for subject, item in found.items() if "erased_at" not in item}
    plain = await asyncio.gather(*(vault.person_keys.unwrap(subject, key) for subject, key in wrapped.items()))
    return dict.fromkeys(found) | dict(zip(wrapped, plain, strict=True))


async def _make(vault: Vault, subject: str) -> None:
    key = await vault.person_keys.new(subject)
    try:
        await vault.records.commit([person_changes.add(subject, key)])
    except VaultError as error:
        if error.code is not Code.CONFLICT:  # somebody else made it: theirs is the one
            raise


def _sealed(event: Event, keys: _Keys) -> Event:
    if not event.ip and not event.agent:
        return event
    key = keys[event.subject]
    if key is None:
        return replace(event, ip=ERASED, agent=ERASED)
    return replace(event, ip=seal(key, "ip", event.ip), agent=seal(key, "agent", event.agent))
