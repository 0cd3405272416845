"""Documents that are named by their hash: what one client sent, any may name, and nothing unlawful is kept."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from hashlib import sha256
from typing import Any

import httpx
import orjson
import pytest
from asking import EVENTS, GRAPHQL, Person
from doors import serving
from redis.asyncio import Redis
from sockets import talking

from vaultstream.adapters.documents import DOCUMENT_BYTES_MAX, SharedDocuments
from vaultstream.adapters.vault import Vault
from vaultstream.http.auth import Authenticator
from vaultstream.http.graphql import GraphQLEndpoint
from vaultstream.http.graphql_door import Door
from vaultstream.local.probes import free_port
from vaultstream.pipelined import Pipelined

VIEWER = "{ viewer { email } }"
EMAIL = {"viewer": {"email": "alice@example.com"}}
LINK = '{ shareLink(token: "x") { name } }'
FOLLOW = "subscription ($id: ID) { fileStatus(fileId: $id) { at } }"
NOT_FOUND = {"code": "PERSISTED_QUERY_NOT_FOUND"}


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def named(text: str) -> dict[str, Any]:
    """Apollo's name for a document."""
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest(text)}}}


def in_query(**given: Any) -> dict[str, str]:
    """The same in a query string."""
    return {name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in given.items()}


@pytest.fixture(autouse=True)
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as redis:
        await redis.delete(*[key async for key in redis.scan_iter("{documents}:*")] or ["none"])
        yield redis


def fresh(vault: Vault, pipelined: Pipelined) -> GraphQLEndpoint:
    """A process that has seen nothing yet."""
    vault = replace(vault, documents=SharedDocuments(pipelined))
    return GraphQLEndpoint(vault, Authenticator(vault), introspection=True, graphiql=True)


@pytest.fixture
async def new(vault: Vault, redis: Redis, pipelined: Pipelined, alice: Person) -> AsyncIterator[Person]:
    """Alice at the door of such a process."""
    transport = httpx.ASGITransport(fresh(vault, pipelined))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield Person(client, alice.token)


@pytest.fixture
async def other(vault: Vault, pipelined: Pipelined, bob: Person) -> AsyncIterator[Person]:
    """Bob at another's."""
    transport = httpx.ASGITransport(fresh(vault, pipelined))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield Person(client, bob.token)


async def test_what_one_sent_whole_any_may_name(new: Person, other: Person) -> None:
    unknown = await new.post(named(VIEWER))
    assert unknown.status_code == 400
    assert unknown.json()["errors"] == [{"message": "PersistedQueryNotFound", "extensions": NOT_FOUND}]
    assert (await new.post({"query": VIEWER} | named(VIEWER))).json()["data"] == EMAIL
    assert (await new.post(named(VIEWER))).json()["data"] == EMAIL
    assert (await other.post(named(VIEWER))).json()["data"] == {"viewer": {"email": "bob@example.com"}}
    assert (await other.post({"documentId": f"sha256:{digest(VIEWER)}"})).status_code == 200


async def test_the_oldest_clients_read_from_a_200_that_it_is_not_found(new: Person) -> None:
    answer = await new.post(named(VIEWER), Accept="application/json")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json()["errors"][0]["extensions"] == NOT_FOUND


async def test_a_get_does_the_same(new: Person, other: Person) -> None:
    assert (await new.get(**in_query(**named(VIEWER)))).json()["errors"][0]["extensions"] == NOT_FOUND
    assert (await new.get(query=VIEWER, **in_query(**named(VIEWER)))).json()["data"] == EMAIL
    answer = await other.client.get(
        "/graphql", params=in_query(**named(VIEWER)), headers=other.headers | {"Accept": f"{GRAPHQL}, text/html"}
    )
    assert answer.json()["data"] == {"viewer": {"email": "bob@example.com"}}  # and not the page to try queries on


async def test_a_mutation_by_its_name_is_a_mutation(new: Person) -> None:
    abort = 'mutation { uploadAbort(input: {uploadId: "x"}) { errors { code } } }'
    await new.post({"query": abort} | named(abort))
    assert (await new.get(**in_query(**named(abort)))).status_code == 405
    assert (await new.post(named(abort))).json()["extensions"]["cost"]["actual"] == 12


async def test_a_hash_of_another_text_is_refused_and_nothing_is_kept(new: Person, redis: Redis) -> None:
    answer = await new.post({"query": VIEWER} | named(LINK))
    assert answer.json()["errors"][0]["extensions"] == {"code": "PERSISTED_QUERY_MISMATCH"}
    assert [key async for key in redis.scan_iter("{documents}:*")] == []


@pytest.mark.parametrize("text", ["{", "{ nobody }", "{ viewer { " + "id " * 999 + "} }", "query A { viewer { id } }"])
async def test_what_is_not_lawful_is_not_kept(new: Person, redis: Redis, text: str) -> None:
    answer = await new.post({"query": text, "operationName": "Nobody"} | named(text))
    assert answer.status_code == 400
    assert [key async for key in redis.scan_iter("{documents}:*")] == []


async def test_what_is_too_long_to_keep_runs_when_it_is_sent_whole(new: Person) -> None:
    long = VIEWER + " " * (DOCUMENT_BYTES_MAX - len(VIEWER) + 1)
    assert (await new.post({"query": long} | named(long))).json()["data"] == EMAIL
    assert (await new.post(named(long))).json()["errors"][0]["extensions"] == NOT_FOUND


async def test_a_guest_may_name_a_document_but_none_is_kept_for_them(new: Person, redis: Redis) -> None:
    headers = {"Accept": GRAPHQL, "Content-Type": "application/json"}

    async def asked(**body: Any) -> httpx.Response:
        return await new.client.post("/graphql", headers=headers, json=body)

    assert (await asked(**named(LINK))).json()["errors"][0]["extensions"] == NOT_FOUND
    assert (await asked(query=LINK, **named(LINK))).json()["data"] == {"shareLink": None}
    assert [key async for key in redis.scan_iter("{documents}:*")] == []
    await new.post({"query": LINK} | named(LINK))
    assert (await asked(**named(LINK))).json()["data"] == {"shareLink": None}
    await new.post({"query": VIEWER} | named(VIEWER))
    assert (await asked(**named(VIEWER))).status_code == 401


UNREADABLE: dict[str, dict[str, Any]] = {
    "no version": {"persistedQuery": {"sha256Hash": digest(VIEWER)}},
    "another version": {"persistedQuery": {"version": 2, "sha256Hash": digest(VIEWER)}},
    "no hash": {"persistedQuery": {"version": 1}},
    "a short hash": {"persistedQuery": {"version": 1, "sha256Hash": "abc"}},
    "capitals": {"persistedQuery": {"version": 1, "sha256Hash": digest(VIEWER).upper()}},
    "a number": {"persistedQuery": 1},
    "text": {"persistedQuery": "x"},
    "a newline after it": {"persistedQuery": {"version": 1, "sha256Hash": digest(VIEWER) + "\n"}},
}


@pytest.mark.parametrize("extensions", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_name_that_is_none_is_refused_in_words(new: Person, extensions: dict[str, Any]) -> None:
    for body in ({"extensions": extensions}, {"query": VIEWER, "extensions": extensions}):
        answer = await new.post(body)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["extensions"]["code"] == "INVALID"


@pytest.mark.parametrize("document_id", ["", "x", "sha256:", "sha256:abc", "md5:" + "0" * 64, "0" * 64, 5, ["x"], {}])
async def test_a_document_id_that_is_none_is_refused_in_words(new: Person, document_id: object) -> None:
    answer = await new.post({"documentId": document_id})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"] == {"code": "INVALID", "argument": ["documentId"]}


async def test_two_names_are_of_one_document(new: Person) -> None:
    answer = await new.post({"documentId": f"sha256:{digest(LINK)}"} | named(VIEWER))
    assert "different documents" in answer.json()["errors"][0]["message"]


async def test_a_stream_and_a_socket_know_the_same_names(
    vault: Vault, pipelined: Pipelined, new: Person, other: Person
) -> None:
    unknown = await new.post(named(FOLLOW), Accept=EVENTS)
    assert "PERSISTED_QUERY_NOT_FOUND" in unknown.text
    await new.post({"query": FOLLOW} | named(FOLLOW), Accept=EVENTS)
    assert "INVALID" in (await other.post(named(FOLLOW), Accept=f"{GRAPHQL}, {EVENTS}")).text
    async with serving(fresh(vault, pipelined), free_port()) as url, talking(url) as talk:
        await talk.init(new.token)
        await talk.say({"id": "a", "type": "subscribe", "payload": named(VIEWER)})
        refused = await talk.hear()
        assert (refused["type"], refused["payload"][0]["extensions"]) == ("error", NOT_FOUND)
        await talk.say({"id": "b", "type": "subscribe", "payload": {"query": VIEWER} | named(VIEWER)})
        assert [(await talk.hear())["type"], (await talk.hear())["type"]] == ["next", "complete"]
        await talk.say({"id": "c", "type": "subscribe", "payload": named(VIEWER)})
        assert (await talk.hear())["payload"]["data"] == EMAIL


async def test_without_redis_whole_documents_run_and_names_are_not_found(
    door: Door, vault: Vault, alice: Person
) -> None:
    async with aclosing(Pipelined.from_url("redis://127.0.0.1:1/0", timeout_seconds=0.2)) as nowhere:
        broken = replace(vault, documents=SharedDocuments(nowhere))
        endpoint = GraphQLEndpoint(broken, door.authenticator, introspection=True, graphiql=False)
        transport = httpx.ASGITransport(endpoint)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            person = Person(client, alice.token)
            assert (await person.post(named(LINK))).json()["errors"][0]["extensions"] == NOT_FOUND
            assert (await person.post({"query": VIEWER} | named(VIEWER))).json()["data"] == EMAIL
