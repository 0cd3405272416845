"""The audit worker killed again and again, wherever it is: what was acknowledged is in the log once, in a chain."""

import asyncio
import multiprocessing
import random
import secrets
from multiprocessing.synchronize import Event as Signal

from vaultstream.actions import checkpoint, evidence
from vaultstream.adapters.vault import Vault, opened
from vaultstream.audit_proof import Prover, public_key_of
from vaultstream.events import Event, EventName
from vaultstream.settings import Settings
from vaultstream.workers.audit import handle_batch

KILLS = 8
AT_ONCE = 5  # events of one transaction
LIFE_SECONDS = 0.3  # at most, after its first batch: it ends wherever it is then

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


def carry(settings: Settings, begun: Signal) -> None:
    """What a worker's process does: it is told that there is something, and takes all that waits."""

    async def work() -> None:
        async with opened(settings) as vault:
            while True:
                await handle_batch(vault, [told(vault)])
                begun.set()

    asyncio.run(work())


def told(vault: Vault) -> Event:
    return Event(vault.unique(), EventName.DOWNLOAD_BEGUN, vault.now(), "user_1", "req_1", item_id="file_busy")


async def test_a_worker_killed_at_random_points_leaves_each_deed_in_the_chain_once(vault: Vault, settings: Settings):
    seed = secrets.randbits(32)
    chance, acknowledged = random.Random(seed), list[str]()

    async def be_busy() -> None:
        while True:
            events = [told(vault) for _ in range(AT_ONCE)]
            await vault.commit([], events)
            acknowledged.extend(event.id for event in events)

    busy = asyncio.create_task(be_busy())
    for _ in range(KILLS):
        begun = _processes.Event()
        worker = _processes.Process(target=carry, args=(settings, begun), daemon=True)
        worker.start()
        assert await asyncio.to_thread(begun.wait, 30)
        await asyncio.sleep(chance.uniform(0, LIFE_SECONDS))
        worker.kill()
        await asyncio.to_thread(worker.join)
    busy.cancel()
    await asyncio.gather(busy, return_exceptions=True)
    carried = await vault.audit_log.head()
    await handle_batch(vault, [told(vault)])

    end = await checkpoint.take(vault)
    assert end is not None
    rows = await vault.audit_log.rows(after=0, until=end.seq, limit=end.seq)
    ids = [row.event.id for row in rows]
    assert 0 < carried.seq < len(ids), seed  # some by those who were killed, and not all
    assert len(set(ids)) == len(ids), seed
    assert set(acknowledged) <= set(ids), seed  # the last that was sent may be there too, though nobody was told
    assert len(ids) - len(acknowledged) in (0, AT_ONCE), seed
    prover = Prover(public_key_of((await vault.notary.public_key()).encode()))
    async for page in evidence.lines(vault, end):
        for line in page:
            prover.take(line.encode())
    assert prover.finish().rows == len(ids), seed
