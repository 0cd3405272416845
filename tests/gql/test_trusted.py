"""Trusted documents: found by their documentId, and, where only they may run, whatever way a request comes in."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from asking import EVENTS, GRAPHQL, Person
from doors import serving
from redis.asyncio import Redis
from sockets import talking

from vaultstream.adapters.vault import Vault
from vaultstream.http.app import create_app
from vaultstream.http.auth import Authenticator
from vaultstream.http.graphql import GraphQLEndpoint
from vaultstream.local.probes import free_port
from vaultstream.settings import Settings, SettingsError

VIEWER = "query Me { viewer { email } }"
LINK = '{ shareLink(token: "x") { name } }'
ABORT = 'mutation { uploadAbort(input: {uploadId: "x"}) { errors { code } } }'
OTHER = "{ viewer { id } }"
EMAIL = {"viewer": {"email": "alice@example.com"}}
NOT_TRUSTED = {"code": "DOCUMENT_NOT_TRUSTED"}


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


MANIFEST = {digest(text): text for text in (VIEWER, LINK, ABORT)}


def named(text: str) -> dict[str, Any]:
    return {"documentId": f"sha256:{digest(text)}"}


def by_apollo(text: str) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest(text)}}}


def door(vault: Vault, *, only: bool) -> GraphQLEndpoint:
    authenticator = Authenticator(vault)
    return GraphQLEndpoint(
        vault, authenticator, introspection=True, graphiql=False, trusted=MANIFEST, only_trusted=only
    )


@pytest.fixture
async def open_door(vault: Vault, alice: Person) -> AsyncIterator[Person]:
    """Alice where trusted documents are known, and any other may run."""
    transport = httpx.ASGITransport(door(vault, only=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield Person(client, alice.token)


@pytest.fixture
async def strict(vault: Vault, alice: Person) -> AsyncIterator[Person]:
    """Alice where no other may."""
    transport = httpx.ASGITransport(door(vault, only=True))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield Person(client, alice.token)


async def test_a_trusted_document_runs_by_its_name(open_door: Person, strict: Person) -> None:
    for person in (open_door, strict):
        assert (await person.post(named(VIEWER))).json()["data"] == EMAIL
        assert (await person.post(named(VIEWER) | {"operationName": "Me"})).json()["data"] == EMAIL
        assert (await person.post(by_apollo(VIEWER))).json()["data"] == EMAIL
        assert (await person.get(documentId=f"sha256:{digest(VIEWER)}")).json()["data"] == EMAIL
        assert (await person.post(named(ABORT))).json()["extensions"]["cost"]["actual"] == 12
        assert (await person.get(documentId=f"sha256:{digest(ABORT)}")).status_code == 405


async def test_an_unknown_name_is_one_error(open_door: Person, strict: Person) -> None:
    unknown = await open_door.post(named("{ viewer { nobody } }"))
    assert (unknown.status_code, len(unknown.json()["errors"])) == (400, 1)
    assert unknown.json()["errors"][0]["extensions"] == {"code": "PERSISTED_QUERY_NOT_FOUND"}
    assert (await strict.post(named(OTHER))).json()["errors"][0]["extensions"] == NOT_TRUSTED


async def test_where_others_may_run_they_do(open_door: Person) -> None:
    assert "data" in (await open_door.post({"query": OTHER})).json()


async def test_the_text_of_a_trusted_document_is_that_document(strict: Person) -> None:
    assert (await strict.post({"query": VIEWER})).json()["data"] == EMAIL
    assert (await strict.post({"query": VIEWER} | named(VIEWER))).json()["data"] == EMAIL
    assert (await strict.post({"query": VIEWER + " "})).json()["errors"][0]["extensions"] == NOT_TRUSTED


async def test_where_only_they_may_run_no_other_does_on_any_way_in(
    strict: Person, vault: Vault, redis_url: str
) -> None:
    async with Redis.from_url(redis_url) as redis:
        await redis.set("{documents}:" + digest(OTHER), OTHER)  # what a client may have kept before
        for body in ({"query": OTHER}, by_apollo(OTHER), {"query": OTHER} | by_apollo(OTHER), {"query": "{"}):
            answer = await strict.post(body)
            assert (answer.status_code, answer.json()["errors"][0]["extensions"]) == (400, NOT_TRUSTED)
            assert "DOCUMENT_NOT_TRUSTED" in (await strict.post(body, Accept=EVENTS)).text
        assert (await strict.get(query=OTHER)).json()["errors"][0]["extensions"] == NOT_TRUSTED
    async with serving(door(vault, only=True), free_port()) as url, talking(url) as talk:
        await talk.init(strict.token)
        await talk.subscribe("a", OTHER)
        refused = await talk.hear()
        assert (refused["type"], refused["payload"][0]["extensions"]) == ("error", NOT_TRUSTED)
        await talk.say({"id": "b", "type": "subscribe", "payload": named(VIEWER)})
        assert (await talk.hear())["payload"]["data"] == EMAIL


async def test_a_guest_is_held_to_the_same(strict: Person) -> None:
    headers = {"Accept": GRAPHQL, "Content-Type": "application/json"}
    trusted = await strict.client.post("/graphql", headers=headers, json=named(LINK))
    assert trusted.json()["data"] == {"shareLink": None}
    other = await strict.client.post("/graphql", headers=headers, json={"query": LINK.replace("x", "y")})
    assert other.json()["errors"][0]["extensions"] == NOT_TRUSTED
    assert (await strict.client.post("/graphql", headers=headers, json=named(VIEWER))).status_code == 401


def test_a_vault_with_a_good_manifest_is_made(settings: Settings, tmp_path: Path) -> None:
    manifest = tmp_path / "documents.json"
    manifest.write_text(json.dumps(MANIFEST))
    create_app(replace(settings, trusted_documents=str(manifest), trusted_only=True))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{ viewer { nobody } }", "does not fit this vault: Cannot query field 'nobody'"),
        ("{ viewer {", "does not fit this vault: Syntax Error"),
        ("{ viewer { " + "id " * 1_001 + "} }", "does not fit this vault"),
    ],
)
def test_a_document_that_could_not_run_is_found_when_the_vault_starts(
    settings: Settings, tmp_path: Path, text: str, problem: str
) -> None:
    manifest = tmp_path / "documents.json"
    manifest.write_text(json.dumps(MANIFEST | {digest(text): text}))
    with pytest.raises(SettingsError, match=problem) as refused:
        create_app(replace(settings, trusted_documents=str(manifest)))
    assert digest(text) in str(refused.value)


def test_a_manifest_that_is_not_there_is_told(settings: Settings, tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(SettingsError, match="TRUSTED_DOCUMENTS cannot be read"):
            create_app(replace(settings, trusted_documents=str(path)))
    unreadable = tmp_path / "latin.json"
    unreadable.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        create_app(replace(settings, trusted_documents=str(unreadable)))
