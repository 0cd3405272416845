"""Whole answers that are given again: by one question to Redis, as true as new ones, and paid for like them."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from asking import GRAPHQL, Person, enveloped
from caches import patient, several, uncached
from doors import serving
from redis.exceptions import ConnectionError as LineError

from vaultstream.actions import organize
from vaultstream.actor import Actor
from vaultstream.adapters.budgets import Budgets
from vaultstream.adapters.cache import Answers
from vaultstream.adapters.vault import Vault
from vaultstream.budgets import Allowance
from vaultstream.dependencies import Dependencies
from vaultstream.http.auth import Authenticator
from vaultstream.http.graphql import GraphQLEndpoint
from vaultstream.http.graphql_door import Door
from vaultstream.ids import FolderId
from vaultstream.local.probes import free_port
from vaultstream.metrics import CACHE_LOOKUPS
from vaultstream.pipelined import Pipelined
from vaultstream.pipelined.line import Line
from vaultstream.settings import Settings

PAGE = """query ($id: ID!) { folder(id: $id) { name owner { displayName } children(first: 25) { edges { node {
  id name capabilities { canEdit canShare } ... on File { thumbnail { status url(size: 64) } version: sizeBytes }
} } } } }"""
Calls = list[str]


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    with patient():
        yield


@pytest.fixture
def endpoint(vault: Vault) -> GraphQLEndpoint:
    return GraphQLEndpoint(vault, Authenticator(vault), introspection=True, graphiql=False)


@pytest.fixture(params=["served", "in process"])
async def near(
    request: pytest.FixtureRequest, vault: Vault, endpoint: GraphQLEndpoint
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of that door in this process: what it does can be counted. Served, what is known goes the short way."""
    if request.param == "served":
        async with serving(enveloped(vault, endpoint), free_port()) as url, httpx.AsyncClient(base_url=url) as client:
            yield client
    else:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(endpoint), base_url="http://test") as client:
            yield client


@pytest.fixture
def ann(near: httpx.AsyncClient, alice: Person) -> Person:
    return Person(near, alice.token)


@pytest.fixture
def ben(near: httpx.AsyncClient, bob: Person) -> Person:
    return Person(near, bob.token)


@pytest.fixture
async def ann_herself(door: Door, alice: Person) -> Actor:
    return await door.actor(
        {"type": "http", "headers": [], "client": None}, alice.headers | {"authorization": f"Bearer {alice.token}"}
    )


def looked_up(vault: Vault) -> dict[str, float]:
    """How often answers were looked for, by what came of it."""
    numbers = vault.meters._numbers
    return {
        labels[1]: n for (metric, labels), n in numbers.items() if metric is CACHE_LOOKUPS and labels[0] == "response"
    }


async def is_kept(vault: Vault, ask: Callable[[], Awaitable[Any]]) -> bool:
    """Whether the second time it is known."""
    await ask()
    before = looked_up(vault).get("hit", 0)
    await ask()
    return looked_up(vault).get("hit", 0) == before + 1


async def test_a_known_answer_asks_redis_once_and_the_table_nothing(
    vault: Vault, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_id = await ann.folder(f"known {secrets.token_hex(4)}")
    first = await ann.ask(PAGE, id=folder_id)
    await ann.ask(PAGE, id=folder_id)
    writes: Calls = []
    calls: Calls = []
    send, call = Line._send, vault.records._call

    def sent(line: Line) -> None:
        writes.append("write")
        send(line)

    async def called(verb: str, **request: Any) -> Any:
        calls.append(verb)
        return await call(verb, **request)

    monkeypatch.setattr(Line, "_send", sent)
    monkeypatch.setattr(vault.records, "_call", called)
    monkeypatch.setattr(vault.cache.trust, "_read_at", type(vault.cache.trust._read_at).now())  # type: ignore[union-attr]  # it was read
    again = await ann.ask(PAGE, id=folder_id)
    monkeypatch.undo()
    assert again["data"] == first["data"]
    assert (writes, calls) == (["write"], [])


async def test_what_any_process_writes_is_in_the_next_answer(
    vault: Vault, settings: Settings, ann: Person, ann_herself: Actor
) -> None:
    folder_id = await ann.folder(f"changing {secrets.token_hex(4)}")
    async with several(settings, 2) as processes:
        for number in range(6):
            async with asyncio.timeout(60):
                while await vault.cache.world() is None:  # noqa: ASYNC110  # shut by another process
                    await asyncio.sleep(0.05)
            assert await is_kept(vault, lambda: ann.ask(PAGE, id=folder_id))
            wire, writer = processes[number % 2]
            if number == 4:
                wire.refuse()
            await organize.create_folder(writer, ann_herself, FolderId(folder_id), f"{number}")
            shown = (await ann.data(PAGE, id=folder_id))["folder"]["children"]["edges"]
            assert [edge["node"]["name"] for edge in shown] == [f"{n}" for n in range(number + 1)]
            wire.restore()


async def test_what_was_revoked_or_has_run_out_is_not_in_the_next_answer(
    vault: Vault, ann: Person, ben: Person
) -> None:
    folder_id = await ann.folder(f"shared {secrets.token_hex(4)}")
    await ben.root()
    end = datetime.now(UTC) + timedelta(seconds=8)
    for terms in ({}, {"expiresAt": end.isoformat()}):
        made = await ann.done(
            "shareGrant",
            "ShareGrantInput",
            "share { id }",
            itemId=folder_id,
            email="bob@example.com",
            role="VIEWER",
            **terms,
        )
        assert await is_kept(vault, lambda: ben.ask(PAGE, id=folder_id))
        assert (await ben.data(PAGE, id=folder_id))["folder"] is not None
        if terms:
            await asyncio.sleep((end - datetime.now(UTC)).total_seconds())
        else:
            await ann.done("shareRevoke", "ShareRevokeInput", "share { id }", shareId=made["share"]["id"])
        assert (await ben.data(PAGE, id=folder_id))["folder"] is None


async def test_each_person_and_each_program_has_answers_of_their_own(vault: Vault, ann: Person, ben: Person) -> None:
    folder_id = await ann.folder(f"own {secrets.token_hex(4)}")
    assert await is_kept(vault, lambda: ann.ask(PAGE, id=folder_id))
    assert (await ben.data(PAGE, id=folder_id))["folder"] is None
    wanted = {"name": "p", "scopes": ["READ"], "expiresAt": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
    made = await ann.done("accessTokenCreate", "AccessTokenCreateInput", "secret accessToken { id }", **wanted)
    program = Person(ann.client, made["secret"])
    assert await is_kept(vault, lambda: program.ask(PAGE, id=folder_id))
    await ann.done(
        "accessTokenRevoke", "AccessTokenRevokeInput", "accessToken { id }", accessTokenId=made["accessToken"]["id"]
    )
    assert (await program.post({"query": PAGE, "variables": {"id": folder_id}})).status_code == 401


@pytest.mark.parametrize(
    "query",
    [
        "{ rateLimit { remaining } }",
        '{ search(query: "x", first: 5) { edges { node { __typename } } } }',
        "{ recent(first: 5) { edges { node { id } } } }",
        "{ sharedWithMe(first: 5) { edges { node { __typename } } } }",
        '{ shareLink(token: "x") { __typename } }',
        '{ node(id: "upload_01H00000000000000000000000") { id } }',
        "{ nodes(ids: []) { id } }",
        "{ nope }",
    ],
)
async def test_what_depends_on_more_than_collections_is_made_each_time(vault: Vault, ann: Person, query: str) -> None:
    assert not await is_kept(vault, lambda: ann.ask(query))


async def test_a_mutation_is_done_each_time(vault: Vault, ann: Person) -> None:
    text = """mutation ($id: ID!) { folderCreate(input: {parentId: $id, name: "twice"}) { errors { code } } }"""
    folder_id = await ann.folder(f"twice {secrets.token_hex(4)}")
    assert (await ann.data(text, id=folder_id))["folderCreate"]["errors"] == []
    assert (await ann.data(text, id=folder_id))["folderCreate"]["errors"] == [{"code": "NAME_TAKEN"}]


async def test_a_known_answer_has_what_a_new_one_has_and_costs_as_much(
    vault: Vault, ann: Person, pipelined: Pipelined
) -> None:
    await pipelined.call("DEL", *await pipelined.call("KEYS", "budget:*"), "none")
    poor = replace(vault, budgets=Budgets(pipelined, Allowance(300, 1), vault.meters))
    door = GraphQLEndpoint(poor, Authenticator(poor), introspection=True, graphiql=False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://test") as client:
        pauper = Person(client, ann.token)
        asked = {"query": "{ viewer { rootFolder { children(first: 60) { edges { node { id } } } } } }"}
        answers = [await pauper.post(asked) for _ in range(3)]
        while answers[-1].status_code == 200:
            answers.append(await pauper.post(asked))
            assert len(answers) < 90
    costs = [answer.json()["extensions"]["cost"] for answer in answers]
    assert answers[-1].status_code == 429
    assert {(cost["requested"], cost["actual"]) for cost in costs[:-1]} == {(costs[0]["requested"], costs[0]["actual"])}
    assert costs[1]["remaining"] <= costs[0]["remaining"]
    assert [list(answer.json()) for answer in answers[:2]] == [["data", "extensions"]] * 2
    assert {answer.headers["content-type"] for answer in answers[:2]} == {f"{GRAPHQL}; charset=utf-8"}
    assert looked_up(vault)["hit"] >= 1


async def test_a_get_and_a_post_are_told_apart_and_both_are_known(vault: Vault, ann: Person) -> None:
    text = "{ viewer { id } }"
    assert await is_kept(vault, lambda: ann.get(query=text))
    assert await is_kept(vault, lambda: ann.post(orjson.dumps({"query": text})))
    assert (await ann.post(b"?query=%7B+viewer+%7B+id+%7D+%7D")).status_code == 400


async def test_no_answer_outlives_its_epoch_though_every_token_is_still_there(vault: Vault, ann: Person) -> None:
    folder_id = await ann.folder(f"epoch {secrets.token_hex(4)}")
    assert await is_kept(vault, lambda: ann.data(PAGE, id=folder_id))
    await vault.cache.trust._change({}, {})
    vault.cache.trust._read_at = None
    before = looked_up(vault)
    await ann.data(PAGE, id=folder_id)
    assert looked_up(vault).get("hit") == before.get("hit")
    assert looked_up(vault)["stale"] == before.get("stale", 0) + 1


async def test_tokens_prove_nothing_when_they_may_be_another_servers(vault: Vault) -> None:
    answers: Answers[str] = Answers(vault.cache, vault.meters)
    key = "asked"
    seen = Dependencies()
    world = await vault.cache.world()
    assert world is not None
    seen.saw(world.name, "FOLDER#folder_x", b"token")
    for is_cut in (False, True):
        answers.keep(key, seen, 2, lambda *_: "{}")
        kept = await answers.find(key)
        assert kept is not None
        if is_cut:
            assert vault.cache.link._redis._line is not None
            vault.cache.link._redis._line.die(LineError("cut"))
            await vault.cache.link._redis.call("GET", "whatever")  # by a new connection
        assert answers.proved(key, kept) is not is_cut
    assert await answers.find(key) is None


async def test_answers_that_were_kept_together_do_not_end_together(vault: Vault) -> None:
    """Or else all of them would be made anew in one moment, and whoever asks then waits for all of that."""
    answers: Answers[str] = Answers(vault.cache, vault.meters)
    seen, kept_at = Dependencies("world"), time.time()
    for number in range(100):
        answers.keep(number, seen, 2, lambda *_: "{}")
    lives = [kept.until - kept_at for kept in answers._kept.values()]
    assert min(lives) >= 30
    assert max(lives) - min(lives) > 10


async def test_without_redis_answers_are_made(vault: Vault, ann: Person) -> None:
    alone = uncached(vault)
    door = GraphQLEndpoint(alone, Authenticator(alone), introspection=True, graphiql=False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://test") as client:
        person = Person(client, ann.token)
        assert not await is_kept(alone, lambda: person.data("{ viewer { id } }"))
