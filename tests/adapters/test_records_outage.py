"""The table under AWS's own failures: what is tried again, what is reported, and that nothing is written twice."""

import asyncio
import json
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError
from faults import (
    Call,
    Fault,
    Faults,
    Forward,
    aws_error,
    cancelled,
    cut_after,
    faulty,
    held_until,
    lost,
    refused,
    taking_only,
)

from vaultstream import quota, table
from vaultstream.actions import account
from vaultstream.actor import Actor
from vaultstream.adapters.records import Records, changes
from vaultstream.adapters.records.attributes import to_attributes
from vaultstream.adapters.records.changes import Change
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName
from vaultstream.settings import Settings
from vaultstream.table import Key

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def put(key: Key, code: Code = Code.NAME_TAKEN) -> Change:
    """Any item at all, if it was not there."""
    item = to_attributes(key.attributes())
    condition = "attribute_not_exists(PK)"
    return Change("Put", {"Item": item, "ConditionExpression": condition}, VaultError(code, code.value))


async def refusal(awaitable: Awaitable[object]) -> VaultError:
    with pytest.raises(VaultError) as caught:
        await awaitable
    return caught.value


@pytest.fixture(scope="module")
async def hasty(settings: Settings) -> AsyncIterator[tuple[Faults, Records]]:
    async with faulty(settings, "dynamodb") as (faults, client):
        yield faults, Records(client, settings.table)


@pytest.fixture
def wire(hasty: tuple[Faults, Records]) -> tuple[Faults, Records]:
    """The table behind a proxy, asked once: how often the client itself tries again is not at issue."""
    hasty[0].heal()
    return hasty


@pytest.fixture
async def patient(settings: Settings) -> AsyncIterator[tuple[Faults, Records]]:
    """The same with as many attempts as the vault's own client makes."""
    async with faulty(settings, "dynamodb", attempts=4) as (faults, client):
        yield faults, Records(client, settings.table)


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """The bounds between which each wait was drawn; all are drawn at the lower one, and so take no time."""
    drawn: list[tuple[float, float]] = []

    def lowest(low: float, high: float) -> float:
        drawn.append((low, high))
        return low

    monkeypatch.setattr("random.uniform", lowest)
    return drawn


async def test_conflicts_that_pass_are_not_seen(wire: tuple[Faults, Records], vault: Vault) -> None:
    faults, records = wire
    faults.plan("TransactWriteItems", cancelled("None", "TransactionConflict"), times=3)
    await records.commit([put(Key("CONFLICT#1", "a")), put(Key("CONFLICT#1", "b"))])
    assert faults.calls["TransactWriteItems"] == 4
    assert len(await vault.records.collection("CONFLICT#1", limit=9)) == 2


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("TransactionConflict", Code.CONFLICT),
        ("ThrottlingError", Code.UNAVAILABLE),
        ("ProvisionedThroughputExceeded", Code.UNAVAILABLE),
    ],
)
async def test_what_cancels_every_time_is_reported_as_what_it_is(
    wire: tuple[Faults, Records], vault: Vault, reason: str, code: Code
) -> None:
    faults, records = wire
    faults.plan("TransactWriteItems", cancelled(reason))
    assert (await refusal(records.commit([put(Key("ENDLESS#1", reason))]))).code is code
    assert faults.calls["TransactWriteItems"] == 8
    assert await vault.records.item(Key("ENDLESS#1", reason)) is None


async def test_the_longest_wait_doubles_with_each_try(
    wire: tuple[Faults, Records], waits: list[tuple[float, float]]
) -> None:
    faults, records = wire
    faults.plan("TransactWriteItems", cancelled("TransactionConflict"), times=5)
    await records.commit([put(Key("WAITS#1", "a"))])
    assert waits == [(0, 0.02), (0, 0.04), (0, 0.08), (0, 0.16), (0, 0.32)]


async def test_a_failed_condition_outweighs_a_conflict_beside_it(wire: tuple[Faults, Records]) -> None:
    faults, records = wire
    faults.plan("TransactWriteItems", cancelled("TransactionConflict", "None", "ConditionalCheckFailed"))
    wanted = [put(Key("BOTH#1", code), code) for code in (Code.STALE, Code.UPLOAD_BUSY, Code.QUOTA_EXCEEDED)]
    assert (await refusal(records.commit(wanted))).code is Code.QUOTA_EXCEEDED
    assert faults.calls["TransactWriteItems"] == 1


async def test_a_failure_without_a_reason_that_we_know_is_not_hidden(wire: tuple[Faults, Records]) -> None:
    faults, records = wire
    for fault in (cancelled("ItemCollectionSizeLimitExceeded"), aws_error("ValidationException")):
        faults.plan("*", fault, times=1)
        with pytest.raises(ClientError):
            await records.commit([put(Key("HIDDEN#1", "a"))])
    faults.plan("*", aws_error("ResourceNotFoundException"), times=1)
    with pytest.raises(ClientError):
        await records.item(Key("HIDDEN#1", "a"))


async def test_a_refusal_does_not_drag_earlier_ones_along(wire: tuple[Faults, Records]) -> None:
    """One exception raised many times would hold on to the frames of them all."""
    faults, records = wire
    depths = []
    for fault in (cancelled("TransactionConflict"), cancelled("ConditionalCheckFailed")):
        faults.heal()
        faults.plan("*", fault)
        change = Change("Put", put(Key("FRAMES#1", "a")).request, changes.CHANGED_UNDERNEATH)
        errors = await asyncio.gather(*(refusal(records.commit([change])) for _ in range(3)))
        depths.append({len(traceback.extract_tb(error.__traceback__)) for error in errors})
        assert len(set(map(id, errors))) == 3
    assert all(len(depth) == 1 for depth in depths)


async def test_a_lost_answer_writes_once(patient: tuple[Faults, Records], vault: Vault, alice: Actor) -> None:
    faults, records = patient
    faults.plan("TransactWriteItems", lost, times=1)
    event = Event(vault.unique(), EventName.FOLDER_CREATED, vault.now(), alice.user_id, "request-1")
    reserve = changes.move_quota(alice.user_id, quota.reserve(7))
    await records.commit([reserve, put(Key("LOST#1", alice.user_id))], [event])
    assert faults.calls["TransactWriteItems"] == 2
    assert (await account.viewer(vault, alice.user_id)).storage.reserved_bytes == 7


async def test_a_lost_answer_after_conflicts_writes_once(
    patient: tuple[Faults, Records], vault: Vault, alice: Actor
) -> None:
    faults, records = patient
    faults.plan("TransactWriteItems", cancelled("TransactionConflict"), times=2)
    faults.plan("TransactWriteItems", lost, times=1)
    await records.commit([changes.move_quota(alice.user_id, quota.reserve(7))])
    assert faults.calls["TransactWriteItems"] == 4
    assert (await account.viewer(vault, alice.user_id)).storage.reserved_bytes == 7


async def test_each_commit_has_a_token_of_its_own_and_keeps_it(patient: tuple[Faults, Records]) -> None:
    faults, records = patient
    tokens: list[str] = []

    async def noting(call: Call, forward: Forward) -> None:
        tokens.append(json.loads(call.body)["ClientRequestToken"])
        await forward(call)

    for name in ("a", "b"):
        faults.plan("TransactWriteItems", noting, times=2)
        await records.commit([put(Key("TOKEN#1", name))])
    assert tokens[0] == tokens[1] != tokens[2] == tokens[3]


VERBS: dict[str, Callable[[Records], Awaitable[object]]] = {
    "commit": lambda records: records.commit([put(Key("DOWN#1", "a"))]),
    "item": lambda records: records.item(Key("DOWN#1", "a")),
    "items": lambda records: records.items([Key("DOWN#1", f"{n}") for n in range(150)]),
    "collection": lambda records: records.collection("DOWN#1", limit=3),
    "due": lambda records: records.due("DUE#TEST#0", NOW, 3),
    "undelivered": lambda records: records.undelivered(table.outbox_shards()[0], "01", 3),
    "delivered": lambda records: records.delivered(["01KDVDNA000000000000000000"]),
    "ping": lambda records: records.ping(),
}


@pytest.mark.parametrize(
    "fault",
    [
        refused,
        cut_after(1),
        aws_error("ThrottlingException"),
        aws_error("ProvisionedThroughputExceededException"),
        aws_error("RequestLimitExceeded"),
        aws_error("InternalServerError", 500),
        aws_error("ServiceUnavailable", 503),
    ],
    ids=["refused", "cut", "throttled", "no capacity", "too many", "500", "503"],
)
async def test_a_table_that_cannot_be_had_is_unavailable_by_every_verb(
    wire: tuple[Faults, Records], vault: Vault, fault: Fault
) -> None:
    faults, records = wire
    faults.plan("*", fault)
    errors = await asyncio.gather(*(refusal(verb(records)) for verb in VERBS.values()))
    assert {error.code for error in errors} == {Code.UNAVAILABLE}
    await vault.records.ping()


@pytest.mark.parametrize(
    "fault", [refused, aws_error("ThrottlingException"), cut_after(1)], ids=["refused", "throttled", "cut"]
)
async def test_one_failure_is_mended_unseen_by_every_verb(patient: tuple[Faults, Records], fault: Fault) -> None:
    _, records = patient
    faults = patient[0]
    for operation in ("TransactWriteItems", "GetItem", "BatchGetItem", "Query", "BatchWriteItem"):
        faults.plan(operation, fault, times=1)
    await asyncio.gather(*(verb(records) for name, verb in VERBS.items() if name != "commit"))
    await records.commit([put(Key("MENDED#1", f"{id(fault)}"))])


@pytest.mark.parametrize(("taken", "calls"), [(1, 4), (33, 4), (50, 2), (99, 2)])
async def test_keys_that_a_batch_left_out_are_asked_for_again(
    wire: tuple[Faults, Records], vault: Vault, taken: int, calls: int
) -> None:
    faults, records = wire
    pk = f"LEFT#{taken}"
    keys = [Key(pk, f"{n:03d}") for n in range(100)]
    await vault.records.commit([put(key) for key in keys])
    faults.plan("BatchGetItem", taking_only(taken), times=3)
    found = await records.items(keys[::-1])
    assert found == [key.attributes() for key in keys[::-1]]
    assert faults.calls["BatchGetItem"] == calls


async def test_keys_that_every_batch_leaves_out_make_the_table_unavailable(wire: tuple[Faults, Records]) -> None:
    faults, records = wire
    faults.plan("*", taking_only(0))
    read, struck = records.items([Key("LEFT#0", "a")]), records.delivered(["01KDVDNA000000000000000000"])
    errors = await asyncio.gather(refusal(read), refusal(struck))
    assert [error.code for error in errors] == [Code.UNAVAILABLE] * 2
    assert faults.calls == {"BatchGetItem": 8, "BatchWriteItem": 8}


async def test_deliveries_that_a_batch_left_out_are_struck_off_again(
    wire: tuple[Faults, Records], vault: Vault
) -> None:
    faults, records = wire
    events = [Event(vault.unique(), EventName.USER_CREATED, vault.now(), "user_1", "request-1") for _ in range(30)]
    await vault.records.commit([], events)
    faults.plan("BatchWriteItem", taking_only(4), times=3)
    await records.delivered([event.id for event in events])
    assert await vault.records.items([table.outbox(event.id) for event in events]) == [None] * 30


async def test_slow_reads_do_not_hold_up_the_others(wire: tuple[Faults, Records], vault: Vault) -> None:
    faults, records = wire
    gate = asyncio.Event()
    faults.plan("GetItem", held_until(gate), times=1)
    slow = asyncio.create_task(records.item(Key("SLOW#1", "a")))
    await faults.called("GetItem")
    assert await records.item(Key("SLOW#1", "b")) is None
    assert not slow.done()
    gate.set()
    assert await slow is None


async def test_a_request_that_is_called_off_leaves_the_table_usable(wire: tuple[Faults, Records]) -> None:
    faults, records = wire
    gate = asyncio.Event()
    faults.plan("GetItem", held_until(gate), times=1)
    slow = asyncio.create_task(records.item(Key("SLOW#1", "a")))
    await faults.called("GetItem")
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    gate.set()
    await records.ping()
