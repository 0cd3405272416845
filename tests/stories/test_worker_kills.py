"""Workers, and what draws for them, are killed in the middle: each file ends in its one state, and is told of once."""

import asyncio
import random
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import corpus
import psutil
import pyvips
from asking import Person
from behind import audited, settled
from contents import Source, kept
from dev_stack import DevStack
from vault_use import bring, children

from vaultstream.adapters import clients
from vaultstream.events import WORKERS
from vaultstream.local.provision_messages import queue_name

STRIKES = ("workers", "workers", "nursery", "child")
BACK_SECONDS = 2
PAUSE_SECONDS = 0.5
_SECONDS_MAX = 60.0


async def test_each_file_ends_in_one_state_and_is_told_of_once(stack: DevStack, alice: Person, tmp_path: Path) -> None:
    folder_id = await alice.folder(f"struck {secrets.token_hex(6)}")
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    picture = pyvips.Image.black(5000, 5000, bands=3).pngsave_buffer(compression=1)
    async with _coming_back_soon(stack):
        calm = kept(tmp_path / "calm 0.txt", "text/plain", b"A short letter.\n")
        await asyncio.to_thread(bring, stack.url, alice.token, calm, folder_id)
        await settled(stack)  # by now every queue was asked anew: a question keeps the time that was set when it came
        for number, victim in enumerate(chance.sample(STRIKES, len(STRIKES))):
            for source in _sources(tmp_path, number, picture):
                await asyncio.to_thread(bring, stack.url, alice.token, source, folder_id)
            await asyncio.to_thread(_strike, stack, victim, chance.uniform(0, PAUSE_SECONDS))
        await settled(stack)

    files = await children(alice, folder_id)
    ends = Counter(
        (name.split()[0], file["scan"]["status"], file["thumbnail"]["status"]) for name, file in files.items()
    )
    rounds = len(STRIKES)
    assert ends == {
        ("calm", "CLEAN", "READY"): 1,
        ("picture", "CLEAN", "READY"): rounds,
        ("text", "CLEAN", "READY"): rounds,
        ("virus", "INFECTED", "PENDING"): rounds,
    }, seed
    rows = await audited(
        stack,
        "item_id = ANY($1) AND (name = 'version.scanned' OR name = 'version.thumbnail')",
        [file["id"] for file in files.values()],
    )
    assert set(Counter((row["item_id"], row["name"]) for row in rows).values()) == {1}, seed
    assert Counter(row["name"] for row in rows) == {
        "version.scanned": 3 * rounds + 1,
        "version.thumbnail": 2 * rounds + 1,
    }


@asynccontextmanager
async def _coming_back_soon(stack: DevStack) -> AsyncIterator[None]:
    """What was handed to the dead, or to their last question, comes back after a moment and not after minutes."""
    settings = stack.settings
    async with clients.client(clients.session(settings), settings, "sqs") as sqs:

        async def set_back(seconds: dict[str, int]) -> None:
            for name, back in seconds.items():
                url = (await sqs.get_queue_url(QueueName=queue_name(settings.queue_prefix, name)))["QueueUrl"]
                await sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": f"{back}"})

        await set_back({worker.name: BACK_SECONDS for worker in WORKERS})
        try:
            yield
        finally:
            await set_back({worker.name: worker.visibility_seconds for worker in WORKERS})


def _sources(folder: Path, number: int, picture: bytes) -> list[Source]:
    """A picture that takes a while to be drawn, a text and a virus."""
    return [
        kept(folder / f"text {number}.txt", "text/plain", b"A short letter.\n"),
        kept(folder / f"virus {number}.com", "application/octet-stream", corpus.EICAR),
        kept(folder / f"picture {number}.png", "image/png", picture),
    ]


def _strike(stack: DevStack, victim: str, after_seconds: float) -> None:
    """Kill at a random moment; what draws, while it does."""
    if victim == "workers":
        time.sleep(after_seconds)
        stack.kill_and_wait("workers")
        return
    workers, until = stack.part("workers"), time.monotonic() + _SECONDS_MAX
    while not _struck(workers, victim):
        assert time.monotonic() < until, "nothing is drawn"


def _struck(workers: psutil.Process, victim: str) -> bool:
    try:
        for nursery in workers.children():
            for child in nursery.children():
                (nursery if victim == "nursery" else child).kill()
                return True
    except psutil.NoSuchProcess:  # it was done
        pass
    return False
