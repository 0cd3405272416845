"""The short way of a known answer, before the app: it says what the long one says, and lets nobody else pass."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC
from typing import Any

import httpx
import orjson
import pytest
from asking import EVENTS, GRAPHQL, Person, enveloped
from caches import patient
from clocks import Ahead, moved
from doors import serving
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from vaultstream.adapters.budgets import Bill
from vaultstream.adapters.cache import trust
from vaultstream.adapters.vault import Vault
from vaultstream.budgets import Allowance, Standing
from vaultstream.gql.spending import told
from vaultstream.http import known_first
from vaultstream.http.auth import Authenticator
from vaultstream.http.envelope import Envelope
from vaultstream.http.graphql import GraphQLEndpoint
from vaultstream.http.graphql_answers import Known
from vaultstream.local.probes import free_port
from vaultstream.pipelined import Pipelined

_POINTS = st.integers(1, 2**40)
STANDINGS = st.builds(Standing, _POINTS, _POINTS, st.datetimes(timezones=st.just(UTC)))
PAGE = "query ($id: ID!) { folder(id: $id) { name owner { displayName } children(first: 25) { edges { cursor } } } }"


class Short:
    """A door that is served, and how often it was reached past what is known."""

    def __init__(self, vault: Vault) -> None:
        self.ahead = Ahead()
        self.vault = moved(vault, self.ahead)
        endpoint = GraphQLEndpoint(self.vault, Authenticator(self.vault), introspection=True, graphiql=False)
        self.envelope: Envelope = enveloped(self.vault, endpoint)
        self.envelope._app = self
        self._endpoint = endpoint
        self.passed = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        self.passed += scope["type"] == "http"
        await self._endpoint(scope, receive, send)

    async def answer(self, person: Person, body: bytes, *, is_short: bool, **headers: str) -> httpx.Response:
        """What somebody is told, by the way that is said."""
        before = self.passed
        self.envelope.recall = self._endpoint.recall if is_short else None
        answer = await person.post(body, **headers)
        assert self.passed - before == (not is_short)
        return answer


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    with patient():
        yield


@pytest.fixture
async def short(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Short:
    assert await vault.cache.world() is not None
    for name in ("_RENEW_SECONDS", "LEASE_SECONDS"):  # what was read now is fresh for as long as a test lasts
        monkeypatch.setattr(trust, name, 60.0)
    monkeypatch.setattr(known_first, "_REST_SECONDS", 60.0)
    return Short(vault)


@pytest.fixture
async def ann(short: Short, alice: Person) -> AsyncIterator[Person]:
    async with serving(short.envelope, free_port()) as url, httpx.AsyncClient(base_url=url) as client:
        yield Person(client, alice.token)


@given(
    requested=st.integers(1, 10_000),
    actual=st.integers(1, 10_000),
    standing=STANDINGS,
    before=STANDINGS,
    text=st.text() | st.just('"remaining":'),
)
def test_how_its_asker_stands_is_told_as_of_a_new_answer(
    requested: int, actual: int, standing: Standing, before: Standing, text: str
) -> None:
    def body(standing: Standing) -> bytes:
        return orjson.dumps({"data": {"a": text}, "extensions": {"cost": told(requested, actual, standing)}})

    at_its_limit = replace(standing, limit=before.limit)
    bill = Bill("user:x", 1, Allowance(1, 1), (), (), b"")
    assert Known.of(body(before), actual, bill).body(standing) == body(at_its_limit)


async def test_the_short_way_says_what_the_long_one_says(short: Short, ann: Person) -> None:
    body = orjson.dumps({"query": PAGE, "variables": {"id": await ann.folder(f"short {secrets.token_hex(4)}")}})
    await ann.post(body)
    for accept in (GRAPHQL, "application/json", "*/*"):
        for more in ({}, {"X_Request_Id": "of-the-sender"}, {"Content_Type": "application/json; charset=utf-8"}):
            answers = [await short.answer(ann, body, is_short=way, Accept=accept, **more) for way in (True, False)]
            assert len({answer.headers["x-request-id"] for answer in answers}) == (1 if "X_Request_Id" in more else 2)
            assert told_alike(answers[0]) == told_alike(answers[1])


def told_alike(answer: httpx.Response) -> Any:
    """All of an answer but what is another each time."""
    headers = [each for each in answer.headers.raw if each[0] not in {b"date", b"content-length", b"x-request-id"}]
    body = answer.json()
    cost = body["extensions"]["cost"]
    assert (cost.pop("remaining") <= cost["limit"], len(cost.pop("resetAt"))) == (True, 29)
    assert int(answer.headers["content-length"]) == len(answer.content)
    return answer.status_code, headers, body


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Accept": EVENTS}, 200),
        ({"Accept": "text/html"}, 406),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Encoding": "gzip"}, 415),
        ({"Authorization": "Bearer not-a-token"}, 401),
        ({"Authorization": "Basic x"}, 401),
        ({"Authorization": ""}, 401),
    ],
)
async def test_whoever_would_be_refused_is_refused_though_the_answer_is_known(
    short: Short, ann: Person, headers: dict[str, str], status: int
) -> None:
    body = orjson.dumps({"query": "{ viewer { id } }"})
    await ann.post(body)
    await short.answer(ann, body, is_short=True)
    passed = short.passed
    assert (await ann.post(body, **headers)).status_code == status
    assert short.passed == passed + 1


async def test_a_sign_in_that_has_ended_is_over_though_the_answer_is_known(short: Short, ann: Person) -> None:
    body = orjson.dumps({"query": "{ viewer { id } }"})
    await ann.post(body)
    await short.answer(ann, body, is_short=True)
    recall, passed = short.envelope.recall, short.passed
    short.ahead.move(days=1)
    await ann.post(body)  # its token is looked at again: by the signer's own clock it is good
    assert (recall is not None, short.passed) == (True, passed + 1)


class SameHead:
    """A person's connection on which the head is the same each time, to the byte, and is not read again."""

    def __init__(
        self, short: Short, person: Person, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._short = short
        self._lines = [f"{name}: {value}" for name, value in person.headers.items()]
        self._reader = reader
        self._writer = writer

    async def ask(self, query: str, *, is_short: bool, **variables: str) -> Any:
        """The answer, by the way that is said."""
        body, passed = orjson.dumps({"query": query, "variables": variables}), self._short.passed
        lines = ["POST /graphql HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *self._lines, "", ""]
        self._writer.write("\r\n".join(lines).encode() + body)
        async with asyncio.timeout(60):
            head = await self._reader.readuntil(b"\r\n\r\n")
            answer = await self._reader.readexactly(int(re.findall(rb"content-length: (\d+)", head)[0]))
        assert self._short.passed - passed == (not is_short)
        return int(head.split(b" ")[1]), orjson.loads(answer)


@pytest.fixture
async def same(short: Short, ann: Person) -> AsyncIterator[SameHead]:
    url = ann.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    yield SameHead(short, ann, reader, writer)
    writer.close()


async def test_with_the_head_from_before_each_answer_is_as_true_as_a_new_one(ann: Person, same: SameHead) -> None:
    folder_ids = [await ann.folder(f"same {number} {secrets.token_hex(4)}") for number in range(2)]

    async def shown(folder_id: str, *, is_short: bool) -> Any:
        status, answer = await same.ask(PAGE, is_short=is_short, id=folder_id)
        assert (status, list(answer)) == (200, ["data", "extensions"])
        return answer["data"]["folder"]

    first = [await shown(each, is_short=False) for each in folder_ids]
    assert first[0]["name"] != first[1]["name"]
    for _ in range(2):
        assert [await shown(each, is_short=True) for each in folder_ids] == first
    await ann.folder("inner", folder_ids[1])
    assert len((await shown(folder_ids[1], is_short=False))["children"]["edges"]) == 1
    assert await shown(folder_ids[0], is_short=True) == first[0]


async def test_a_sign_in_that_has_ended_is_over_though_its_head_came_before(short: Short, same: SameHead) -> None:
    for is_short in (False, True, True):
        assert (await same.ask("{ viewer { id } }", is_short=is_short))[0] == 200
    short.ahead.move(days=1)
    await same.ask("{ viewer { id } }", is_short=False)


async def test_a_budget_that_is_spent_is_spent_though_the_head_came_before(
    same: SameHead, pipelined: Pipelined
) -> None:
    text = "{ viewer { id } }"
    (_, answer), _ = await same.ask(text, is_short=False), await same.ask(text, is_short=True)
    budget = f"budget:user:{answer['data']['viewer']['id']}"
    await pipelined.call("HSET", budget, "level", -(10**12))  # so that what comes back meanwhile is nothing
    assert (await same.ask(text, is_short=False))[0] == 429
    await pipelined.call("DEL", budget)
    status, answer = await same.ask(text, is_short=True)
    cost = answer["extensions"]["cost"]
    assert (status, cost["remaining"]) == (200, cost["limit"] - cost["actual"])
