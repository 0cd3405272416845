"""Items are read past botocore's model of them: what comes of it is what botocore and boto3 would have made."""

import zlib
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import aioboto3
import orjson
import pytest
from aiobotocore.session import AioSession
from boto3.dynamodb.types import Binary, TypeDeserializer
from faults import Answer, Call, Fault, Faults, Forward
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from vaultstream import table
from vaultstream.adapters import clients
from vaultstream.adapters.records import Records
from vaultstream.adapters.records.attributes import Item, from_attributes, to_attributes
from vaultstream.errors import Code, VaultError
from vaultstream.settings import Settings

VALUES = st.recursive(
    st.one_of(st.text(), st.integers(-(10**37), 10**37), st.booleans(), st.binary(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(min_size=1), inner.filter(lambda value: value is not None), max_size=4),
    ),
    max_leaves=12,
)
ITEMS = st.dictionaries(st.text(min_size=1), VALUES.filter(lambda value: value is not None), max_size=6)


def by_boto3(value: Any) -> Any:
    """What boto3 made, with our words for numbers and bytes."""
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, Binary):
        return bytes(value)
    if isinstance(value, list):
        return [by_boto3(each) for each in value]
    if isinstance(value, dict):
        return {name: by_boto3(each) for name, each in value.items()}
    return value


def over_the_wire(attributes: Any) -> Any:
    """The same as JSON has it, bytes as base64."""
    return orjson.loads(orjson.dumps(attributes, default=lambda value: b64encode(value).decode()))


def encodable(item: Item) -> bool:
    try:
        orjson.dumps(to_attributes(item), default=lambda value: b64encode(value).decode())
    except TypeError:  # a lone surrogate: JSON has none, so neither has the table
        return False
    return True


@given(ITEMS.filter(encodable))
def test_what_is_read_is_what_was_written_and_what_boto3_would_read(item: Item) -> None:
    attributes = to_attributes(item)
    assert from_attributes(attributes) == item
    assert from_attributes(over_the_wire(attributes)) == item
    theirs = {name: by_boto3(TypeDeserializer().deserialize(each)) for name, each in attributes.items()}
    assert from_attributes(attributes) == theirs


@pytest.mark.parametrize("kind", ["SS", "NS", "BS"])
def test_what_the_table_never_holds_is_not_read(kind: str) -> None:
    with pytest.raises(KeyError):
        from_attributes({"names": {kind: ["1"]}})


@pytest.fixture(scope="module")
async def both(settings: Settings, vault: object) -> AsyncIterator[tuple[Any, Any]]:
    """Our client of this module's table, and botocore's."""
    async with lean(settings) as ours, stock(settings) as theirs:
        yield ours, theirs


@asynccontextmanager
async def stock(where: Settings) -> AsyncIterator[Any]:
    """A client with botocore's own parsers."""
    session = aioboto3.Session(
        botocore_session=AioSession(),
        aws_access_key_id=where.access_key_id,
        aws_secret_access_key=where.secret_access_key.reveal(),
    )
    async with session.client("dynamodb", region_name=where.region, endpoint_url=where.endpoint_dynamodb) as client:
        yield client


@asynccontextmanager
async def lean(where: Settings) -> AsyncIterator[Any]:
    async with clients.client(clients.session(where), where, "dynamodb") as client:
        yield client


@tried(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(ITEMS.filter(encodable), min_size=1, max_size=4))
async def test_every_kind_of_read_answers_as_botocore_does(
    settings: Settings, both: tuple[Any, Any], items: list[Item]
) -> None:
    ours, theirs = both
    keys = [to_attributes(table.Key("LEAN", f"#{number}").attributes()) for number in range(len(items))]
    for key, item in zip(keys, items, strict=True):
        await ours.put_item(TableName=settings.table, Item=to_attributes({"value": item}) | key)
    of_all = {"KeyConditionExpression": "PK = :pk", "ExpressionAttributeValues": {":pk": {"S": "LEAN"}}}
    nothing = to_attributes(table.Key("LEAN", "#none").attributes())
    asked: list[tuple[str, dict[str, Any]]] = [
        ("get_item", {"TableName": settings.table, "Key": keys[0]}),
        ("get_item", {"TableName": settings.table, "Key": nothing}),
        ("query", {"TableName": settings.table, "ReturnConsumedCapacity": "INDEXES", "Limit": 2} | of_all),
        ("scan", {"TableName": settings.table}),
        ("batch_get_item", {"RequestItems": {settings.table: {"Keys": keys}}}),
    ]
    for verb, request in asked:
        answer, expected = await getattr(ours, verb)(**request), await getattr(theirs, verb)(**request)
        assert plain(answer) == plain(expected)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer with its items read, in an order that does not depend on the server's mood."""
    kept = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    if "Item" in kept:
        kept["Item"] = from_attributes(kept["Item"])
    if "Items" in kept:
        kept["Items"] = [from_attributes(item) for item in kept["Items"]]
    if "LastEvaluatedKey" in kept:
        kept["LastEvaluatedKey"] = from_attributes(kept["LastEvaluatedKey"])
    for name, items in kept.get("Responses", {}).items():
        kept["Responses"][name] = sorted(map(from_attributes, items), key=lambda item: item[table.SK])
    return kept


def with_body(change: Any, *, crc: bool) -> Fault:
    """The true answer with another body; with `crc` its checksum is the new body's, or else of what was sent first."""

    async def answer(call: Call, forward: Forward) -> Answer:
        true = await forward(call)
        body = change(true.body)
        kept = [(name, value) for name, value in true.headers if name.lower() not in {"x-amz-crc32", "content-length"}]
        digest = zlib.crc32(body if crc else true.body)
        return replace(true, headers=[*kept, ("x-amz-crc32", f"{digest}")], body=body)

    return answer


@pytest.mark.parametrize(
    ("change", "crc"),
    [
        (lambda body: body.replace(b"}", b" }", 1), False),
        (lambda _: b"<html>a proxy's own page</html>", True),
        (lambda body: body[:-1], True),
    ],
)
async def test_an_answer_that_was_damaged_on_its_way_is_no_answer(
    settings: Settings, vault: object, change: Any, *, crc: bool
) -> None:
    async with (
        Faults(settings.endpoint_dynamodb) as faults,
        lean(replace(settings, endpoint_dynamodb=faults.url)) as client,
    ):
        records = Records(client, settings.table)
        assert await records.item(table.Key("LEAN", "#none")) is None
        faults.plan("GetItem", with_body(change, crc=crc))
        with pytest.raises(VaultError) as refused:
            await records.item(table.Key("LEAN", "#none"))
        assert refused.value.code is Code.UNAVAILABLE
        faults.heal()
        assert await records.item(table.Key("LEAN", "#none")) is None
