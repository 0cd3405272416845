"""Documents over a real Redis: found by their hash and no other, bounded, and missed by nobody when Redis is gone."""

import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from hashlib import sha256

import pytest
from redis.asyncio import Redis
from wires import Wire

from vaultstream.adapters import documents as module
from vaultstream.adapters.documents import DOCUMENT_BYTES_MAX, SharedDocuments
from vaultstream.pipelined import Pipelined


def hashed(text: str) -> tuple[str, str]:
    return sha256(text.encode()).hexdigest(), text


def new() -> tuple[str, str]:
    return hashed(f"{{ a{secrets.token_hex(8)}: __typename }}")


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as redis:
        await redis.delete(*[key async for key in redis.scan_iter("{documents}:*")] or ["none"])
        yield redis


@asynccontextmanager
async def behind_a_wire(redis_url: str) -> AsyncIterator[tuple[Wire, SharedDocuments]]:
    address, _, _ = redis_url.rpartition("@")[2].partition("/")
    async with (
        Wire("127.0.0.1", int(address.partition(":")[2])) as wire,
        aclosing(
            Pipelined.from_url(redis_url.replace(address, f"127.0.0.1:{wire.port}"), timeout_seconds=0.25)
        ) as pipelined,
    ):
        yield wire, SharedDocuments(pipelined)


async def test_what_one_process_kept_another_finds(redis: Redis, pipelined: Pipelined) -> None:
    digest, text = hashed(f'{{ a: node(id: "{secrets.token_hex(8)}é") {{ id }} }}')
    assert await SharedDocuments(pipelined).find(digest) is None
    await SharedDocuments(pipelined).keep(digest, text)
    other = SharedDocuments(pipelined)
    assert await other.find(digest) == text
    await redis.flushdb()
    assert await other.find(digest) == text  # it has it at hand


async def test_a_text_under_a_hash_not_its_own_is_not_found(redis: Redis, pipelined: Pipelined) -> None:
    digest, _ = new()
    await redis.set(f"{{documents}}:{digest}", "{ viewer { id } }")
    assert await SharedDocuments(pipelined).find(digest) is None


async def test_a_text_goes_a_week_after_its_last_use(redis: Redis, pipelined: Pipelined) -> None:
    digest, text = new()
    await SharedDocuments(pipelined).keep(digest, text)
    key = f"{{documents}}:{digest}"
    await redis.expire(key, 10)
    assert await SharedDocuments(pipelined).find(digest) == text
    assert 7 * 24 * 3600 - 60 < await redis.ttl(key) <= 7 * 24 * 3600
    assert await redis.ttl("{documents}:used") > 0


async def test_the_least_recently_used_go_first(
    redis: Redis, pipelined: Pipelined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_DOCUMENTS_MAX", 3)
    kept = [new() for _ in range(3)]
    for age, (digest, text) in enumerate(kept):
        await SharedDocuments(pipelined).keep(digest, text)
        await redis.zadd("{documents}:used", {digest: age})
    assert await SharedDocuments(pipelined).find(kept[0][0]) is not None
    await SharedDocuments(pipelined).keep(*new())
    found = [await SharedDocuments(pipelined).find(digest) is not None for digest, _ in kept]
    assert found == [True, False, True]
    assert len([key async for key in redis.scan_iter("{documents}:*")]) == 4  # three of them and their index


async def test_a_long_text_is_not_kept(redis: Redis, pipelined: Pipelined) -> None:
    longest, longer = hashed("x" * DOCUMENT_BYTES_MAX), hashed("x" * (DOCUMENT_BYTES_MAX + 1))
    await SharedDocuments(pipelined).keep(*longest)
    await SharedDocuments(pipelined).keep(*longer)
    assert await SharedDocuments(pipelined).find(longest[0]) is not None
    assert await SharedDocuments(pipelined).find(longer[0]) is None


async def test_no_more_are_at_hand_than_fit(
    redis: Redis, pipelined: Pipelined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_HERE_MAX", 2)
    documents = SharedDocuments(pipelined)
    kept = [new() for _ in range(3)]
    for digest, text in kept:
        await documents.keep(digest, text)
    assert list(documents._here) == [digest for digest, _ in kept[1:]]


@pytest.mark.parametrize("fault", ["refused", "cut", "slow"])
async def test_without_redis_only_what_is_at_hand_is_found(
    redis_url: str, redis: Redis, pipelined: Pipelined, fault: str
) -> None:
    elsewhere, here = new(), new()
    await SharedDocuments(pipelined).keep(*elsewhere)
    async with behind_a_wire(redis_url) as (wire, documents):
        match fault:
            case "refused":
                wire.refuse()
            case "cut":
                wire.cut_every(down=2)
            case "slow":
                wire.bytes_per_second = 20
        await documents.keep(*here)
        assert await documents.find(here[0]) == here[1]
        assert await documents.find(elsewhere[0]) is None


async def test_a_document_that_this_process_knows_is_kept_again_for_the_others(
    redis: Redis, pipelined: Pipelined
) -> None:
    documents, (digest, text) = SharedDocuments(pipelined), new()
    await documents.keep(digest, text)
    await redis.flushdb()
    await documents.keep(digest, text)
    assert await SharedDocuments(pipelined).find(digest) == text
