"""Every request is paid before it runs; what it did not need comes back, and who has nothing left is told when."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import orjson
import pytest
from asking import EVENTS, GRAPHQL, Person
from doors import serving
from sockets import talking

from vaultstream.adapters.budgets import Budgets
from vaultstream.adapters.vault import Vault
from vaultstream.budgets import Allowance, Standing
from vaultstream.gql.spending import told
from vaultstream.http.auth import Authenticator
from vaultstream.http.graphql import GraphQLEndpoint
from vaultstream.local.probes import free_port
from vaultstream.pipelined import Pipelined

PAGE = "{ viewer { rootFolder { children(first: 100) { edges { node { id } } } } } }"  # 203 points, 3 for an empty one
VIEWER = "{ viewer { id } }"
ABORT = 'mutation { uploadAbort(input: {uploadId: "x"}) { errors { code } } }'
FOLLOW = 'subscription { fileStatus(fileId: "file_x") { at } }'
LINK = """{ shareLink(token: "x") { children(first: 100) { edges { node { name } } } } }"""


@pytest.fixture
async def poor_door(vault: Vault, pipelined: Pipelined) -> AsyncIterator[GraphQLEndpoint]:
    """A door where everybody has 210 points, and gets one back each second; a guest has 21."""
    await _forget(pipelined)
    poor = replace(vault, budgets=Budgets(pipelined, Allowance(210, 1), vault.meters))
    yield GraphQLEndpoint(poor, Authenticator(poor), introspection=True, graphiql=False)
    await _forget(pipelined)


async def _forget(redis: Pipelined) -> None:
    await redis.call("DEL", "none", *await redis.call("KEYS", "budget:*"))


@pytest.fixture
async def pauper(poor_door: GraphQLEndpoint, alice: Person) -> AsyncIterator[Person]:
    """Alice at that door."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(poor_door), base_url="http://test") as client:
        yield Person(client, alice.token)


async def broke(pauper: Person) -> None:
    """Less than a page is left."""
    for _ in range(10):
        await pauper.ask(VIEWER)


async def test_what_was_not_there_is_given_back(pauper: Person) -> None:
    cost = (await pauper.ask(PAGE))["extensions"]["cost"]
    assert (cost["requested"], cost["actual"], cost["limit"]) == (203, 3, 210)
    assert 207 <= cost["remaining"] <= 210


async def test_a_mutation_is_paid_whatever_comes_of_it(pauper: Person) -> None:
    cost = (await pauper.ask(ABORT))["extensions"]["cost"]
    assert (cost["requested"], cost["actual"]) == (12, 12)


async def test_work_is_paid_where_it_was_done_and_only_there(pauper: Person) -> None:
    scan = "children(first: 1, where: {kind: FILE}, orderBy: {field: SIZE}) { edges { node { id } } }"
    cost = (await pauper.ask("{ viewer { rootFolder { " + scan + " } } }"))["extensions"]["cost"]
    assert (cost["requested"], cost["actual"]) == (35, 33)
    cost = (await pauper.ask('{ folder(id: "folder_x") { ' + scan + " } }"))["extensions"]["cost"]
    assert (cost["requested"], cost["actual"]) == (34, 1)
    skipped = scan.replace("{ edges", "@skip(if: true) { edges")
    cost = (await pauper.ask("{ viewer { rootFolder { " + skipped + " } } }"))["extensions"]["cost"]
    assert (cost["requested"], cost["actual"]) == (35, 2)


async def test_what_broke_off_is_paid_in_full_and_what_did_not_begin_is_not(pauper: Person) -> None:
    wrong = "query ($n: Int!) { viewer { id rootFolder { children(first: $n) { edges { node { id } } } } } }"
    broke_off = (await pauper.ask(wrong, n=0))["extensions"]["cost"]
    assert broke_off["requested"] == broke_off["actual"] == 5
    not_begun = (await pauper.ask(wrong, n=None))["extensions"]["cost"]
    assert (not_begun["requested"], not_begun["actual"]) == (203, 1)


async def test_one_may_ask_how_one_stands(pauper: Person) -> None:
    asked = await pauper.data("{ rateLimit { limit remaining resetAt cost } viewer { id } }")
    assert (asked["rateLimit"]["limit"], asked["rateLimit"]["cost"]) == (210, 2)
    assert 206 <= asked["rateLimit"]["remaining"] <= 208


def test_every_moment_is_told_in_the_same_length() -> None:
    lengths = set()
    for moment in (datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)):
        lengths.add(len(str(told(1, 1, Standing(210, 9, moment))["resetAt"])))
    assert len(lengths) == 1  # else the length of two equal answers would differ


async def test_who_has_too_little_left_is_told_what_to_do_and_nothing_runs(
    pauper: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await broke(pauper)
    ran: list[object] = []
    monkeypatch.setattr("vaultstream.gql.queries.browse.viewer", lambda *asked: ran.append(asked))
    for answer in (await pauper.post({"query": PAGE}), await pauper.get(query=PAGE)):
        assert answer.status_code == 429
        seconds = int(answer.headers["retry-after"])
        assert 1 <= seconds <= 3
        assert answer.json()["errors"][0]["extensions"] == {"code": "RATE_LIMITED", "retryAfterSeconds": seconds}
        cost = answer.json()["extensions"]["cost"]
        assert (cost["requested"], cost["actual"], cost["limit"]) == (203, 0, 210)
        assert "data" not in answer.json()
    assert ran == []


async def test_what_was_read_before_is_paid_again(pauper: Person) -> None:
    costs = [(await pauper.ask(ABORT))["extensions"]["cost"]["remaining"] for _ in range(5)]
    assert costs[0] - costs[4] >= 4 * 12 - 5


async def test_a_stream_tells_the_same(pauper: Person) -> None:
    await broke(pauper)
    answer = await pauper.post({"query": PAGE}, Accept=EVENTS)
    assert "RATE_LIMITED" in answer.text
    assert answer.text.endswith("event: complete\ndata:\n\n")


async def test_a_socket_is_paid_for_like_all_else(poor_door: GraphQLEndpoint, alice: Person) -> None:
    async with serving(poor_door, free_port()) as url, talking(url) as talk:
        await talk.init(alice.token)
        await talk.subscribe("a", PAGE)
        assert (await talk.hear())["payload"]["extensions"]["cost"]["actual"] == 3
        assert (await talk.hear())["type"] == "complete"
        for _ in range(10):
            await talk.subscribe("b", VIEWER)
            assert [(await talk.hear())["type"], (await talk.hear())["type"]] == ["next", "complete"]
        await talk.subscribe("c", PAGE)
        refused = await talk.hear()
        assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "RATE_LIMITED")


async def test_a_subscription_is_paid_when_it_begins(pauper: Person) -> None:
    for _ in range(20):
        assert "NOT_FOUND" in (await pauper.post({"query": FOLLOW}, Accept=EVENTS)).text
    assert (await pauper.ask(VIEWER))["extensions"]["cost"]["remaining"] <= 200


async def test_what_will_not_run_is_paid_by_its_length(pauper: Person) -> None:
    text = "{" + " " * 32_000  # 33 points
    statuses = [(await pauper.post({"query": text})).status_code for _ in range(8)]
    assert (statuses[0], statuses[-1]) == (400, 429)
    assert 6 <= statuses.count(400) <= 7


async def test_guests_of_one_address_share_a_tenth(poor_door: GraphQLEndpoint) -> None:
    transport = httpx.ASGITransport(poor_door, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"Accept": GRAPHQL}) as guest:
        refused = await guest.post("/graphql", json={"query": LINK})
        assert refused.status_code == 429
        assert "shorter pages" in refused.json()["errors"][0]["message"]
        short = await guest.get("/graphql", params={"query": LINK.replace("100", "5")})
        assert orjson.loads(short.content)["extensions"]["cost"]["limit"] == 21
