"""Where a person came from: sealed for that person before it is linked, erased with their key, the chain unharmed."""

import asyncio
import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.actions import checkpoint, evidence, personal
from vaultstream.adapters.vault import Vault
from vaultstream.audit_proof import Prover, public_key_of
from vaultstream.audit_seals import ERASED, KEY_BYTES, seal, unseal
from vaultstream.events import Event, EventName
from vaultstream.workers.audit import handle_batch

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(texts, st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES), st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES))
def test_only_the_persons_own_key_and_field_open_what_was_sealed(text: str, key: bytes, other: bytes):
    sealed = seal(key, "ip", text)
    assert seal(key, "ip", text) == sealed
    assert unseal(key, "ip", sealed) == text
    if text and key != other:
        assert unseal(other, "ip", sealed) == ERASED
        assert unseal(key, "agent", sealed) == ERASED
        assert unseal(None, "ip", sealed) == ERASED
        assert seal(other, "ip", text) != sealed


def an_event(vault: Vault, subject: str, ip: str = "192.0.2.7") -> Event:
    return Event(
        vault.unique(), EventName.DOWNLOAD_BEGUN, vault.now(), subject, "req", item_id="file_1", ip=ip, agent="curl/8"
    )


def a_person() -> str:
    return f"user_{os.urandom(6).hex()}"


async def recorded(vault: Vault, events: list[Event]) -> list[Event]:
    """The events as they stand in the log, after the worker."""
    await vault.commit([], events)
    await handle_batch(vault, events)
    head = (await vault.audit_log.head()).seq
    rows = await vault.audit_log.rows(after=0, until=head, limit=1000)
    by_id = {row.event.id: row.event for row in rows}
    return [by_id[event.id] for event in events]


async def test_nothing_of_it_is_in_the_log_and_all_of_it_can_be_read_while_the_key_is_there(vault: Vault):
    alice, bob = a_person(), a_person()
    events = [an_event(vault, alice), an_event(vault, bob), an_event(vault, "worker:scan", ip="")]

    kept = await recorded(vault, events)

    assert "192.0.2.7" not in "".join(event.to_json() for event in kept)
    assert kept[0].ip != kept[1].ip
    opened = await personal.opened(vault, kept)
    assert [(event.ip, event.agent) for event in opened] == [(event.ip, event.agent) for event in events]
    assert await personal.seals_of(vault, [alice], "192.0.2.7") == [kept[0].ip]


async def test_erasing_one_person_hides_theirs_alone_and_the_chain_is_still_proved(vault: Vault):
    alice, bob = a_person(), a_person()
    kept = await recorded(vault, [an_event(vault, alice), an_event(vault, bob)])

    await personal.erase(vault, alice)
    await personal.erase(vault, alice)

    opened = await personal.opened(vault, kept)
    assert [event.ip for event in opened] == [ERASED, "192.0.2.7"]
    (later,) = await recorded(vault, [an_event(vault, alice)])
    assert (later.ip, later.agent) == (ERASED, ERASED)
    erasures = await vault.audit_log.named(EventName.AUDIT_PERSON_ERASED)
    assert [event.details for event in erasures if event.details["person"] == alice] == [{"person": alice}]

    end = await checkpoint.take(vault)
    prover = Prover(public_key_of((await vault.notary.public_key()).encode()))
    async for page in evidence.lines(vault, end):
        for line in page:
            prover.take(line.encode())
    assert prover.finish().last == end.seq


async def test_several_workers_that_meet_a_person_at_once_agree_on_one_key(vault: Vault):
    person = a_person()
    event = an_event(vault, person)
    every = await asyncio.gather(*(personal.sealed(vault, [event]) for _ in range(5)))
    assert len({sealed.ip for (sealed,) in every}) == 1


async def test_a_wrapped_key_moved_to_another_person_opens_nothing(vault: Vault):
    wrapped = await vault.person_keys.new("user_1")
    with pytest.raises(Exception, match="keys cannot be had"):
        await vault.person_keys.unwrap("user_2", wrapped)
    assert len(await vault.person_keys.unwrap("user_1", wrapped)) == KEY_BYTES


async def test_an_event_delivered_twice_is_sealed_the_same(vault: Vault):
    event = an_event(vault, a_person())
    (first,), (second,) = await personal.sealed(vault, [event]), await personal.sealed(vault, [replace(event)])
    assert first == second
