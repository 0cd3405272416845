"""The integrity scrub opens everything in turn, tells of what no longer opens, and of nothing else."""

from dataclasses import replace

from tests.actions.test_quarantine import scanned, state, told_of
from tests.clocks import Ahead, moved
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.events import EventName
from vaultstream.ids import FileId
from vaultstream.metrics import SCRUBBED
from vaultstream.workers import scrub


async def findings(vault: Vault, file_id: FileId) -> int:
    return len(await told_of(vault, file_id, EventName.VERSION_DAMAGED))


def looked_at(vault: Vault) -> float:
    return sum(vault.meters.numbers(SCRUBBED).values())


async def test_all_are_looked_at_in_turn_and_then_again(vault: Vault, alice: Actor) -> None:
    files = [await scanned(vault, alice, b"%d" % number) for number in range(9)]
    bodies = {(await state(vault, file_id)).body.object_key for file_id in files}
    ahead = Ahead()
    later = moved(vault, ahead)
    before = looked_at(vault)
    await scrub.sweep(later)
    once = looked_at(vault) - before
    assert 0 < once <= 8
    await scrub.sweep(later)
    assert looked_at(vault) - before == once, "it is not time yet"
    for _ in range(12):
        ahead.move(minutes=11)
        await scrub.sweep(later)
    assert looked_at(vault) - before >= 2 * len(bodies)
    assert sum([await findings(vault, file_id) for file_id in files]) == 0


async def test_what_no_longer_opens_or_is_another_content_is_told_of(vault: Vault, alice: Actor) -> None:
    sound, bent, gone, other = [await scanned(vault, alice, b"content %d" % n) for n in range(4)]
    body = (await state(vault, bent)).body
    sealed = bytearray(await vault.blobs.whole(body.object_key))
    sealed[20] ^= 1
    await vault.blobs.put(body.object_key, sealed)
    await vault.blobs.delete((await state(vault, gone)).body.object_key)
    for file_id in (sound, bent, gone):
        await scrub.check(vault, await state(vault, file_id))
    assert [await findings(vault, file_id) for file_id in (sound, bent, gone, other)] == [0, 1, 1, 0]


async def test_a_digest_that_is_another_is_told_of(vault: Vault, alice: Actor) -> None:
    file_id = await scanned(vault, alice, b"what was scanned")
    stored = await state(vault, file_id)
    await scrub.check(vault, replace(stored, version=replace(stored.version, sha256="0" * 64)))
    assert await findings(vault, file_id) == 1
