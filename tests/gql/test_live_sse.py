"""GraphQL over server-sent events: each operation on its own connection."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from asking import EVENTS, Person, events
from doors import judged

from vaultstream.adapters.vault import Vault
from vaultstream.http import live_sse
from vaultstream.http.graphql import GraphQLEndpoint
from vaultstream.http.graphql_door import Door
from vaultstream.ids import FileId
from vaultstream.versions import ScanStatus

STATUS = "subscription ($id: ID) { fileStatus(fileId: $id) { file { name } scan { status } } }"
FOLDER = "subscription ($id: ID) { fileStatus(folderId: $id) { file { name } } }"


async def test_a_query_is_one_event_and_then_complete(alice: Person) -> None:
    async with alice.following("{ viewer { email } }") as stream:
        heard = [event async for event in stream]
    assert [name for name, _ in heard] == ["next", "complete"]
    assert heard[0][1]["data"] == {"viewer": {"email": "alice@example.com"}}


async def test_a_get_may_follow_but_not_change(alice: Person) -> None:
    headers = alice.headers | {"Accept": EVENTS}
    asked = {"query": "{ viewer { email } }"}
    async with alice.client.stream("GET", "/graphql", headers=headers, params=asked) as answer:
        assert [name async for name, _ in events(answer.aiter_lines())] == ["next", "complete"]
    asked = {"query": 'mutation { uploadAbort(input: {uploadId: "x"}) { errors { code } } }'}
    async with alice.client.stream("GET", "/graphql", headers=headers, params=asked) as answer:
        (name, told), _ = [event async for event in events(answer.aiter_lines())]
        assert (name, told["errors"][0]["message"]) == ("next", "Send mutations as a POST.")


async def test_what_does_not_run_is_told_in_the_stream(alice: Person) -> None:
    for query, code in (
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nobody }", "GRAPHQL_VALIDATION_FAILED"),
        ('subscription { fileStatus(fileId: "file_x") { at } }', "NOT_FOUND"),
        ("subscription { fileStatus { at } }", "INVALID"),
    ):
        async with alice.following(query) as stream:
            heard = [event async for event in stream]
        assert [name for name, _ in heard] == ["next", "complete"]
        assert heard[0][1]["errors"][0]["extensions"]["code"] == code


async def test_what_nobody_expected_ends_the_stream_with_its_number(
    alice: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object, **__: object) -> AsyncIterator[None]:
        raise RuntimeError("the password is swordfish")
        yield

    file_id = await alice.empty_file("trouble.txt")
    monkeypatch.setattr("vaultstream.gql.live.watch.file_status", broken)
    async with alice.following(STATUS, id=file_id) as stream:
        (name, told), end = [event async for event in stream]
    assert (name, end) == ("next", ("complete", None))
    assert told["errors"][0]["message"] == "internal error"
    assert "swordfish" not in str(told)
    assert "swordfish" in caplog.text
    monkeypatch.undo()
    async with alice.following(STATUS, id=["no"]) as stream:
        (name, told), end = [event async for event in stream]
    assert told["errors"][0]["extensions"] == {"code": "INVALID"}


async def test_a_folder_is_watched_file_by_file_and_a_new_one_is_seen(alice: Person) -> None:
    folder_id = await alice.folder("watched")
    await alice.empty_file("first.txt", folder_id)
    async with alice.following(FOLDER, id=folder_id) as stream, asyncio.timeout(60):
        assert (await anext(stream))[1]["data"]["fileStatus"]["file"]["name"] == "first.txt"
        await alice.empty_file("second.txt", folder_id)
        assert (await anext(stream))[1]["data"]["fileStatus"]["file"]["name"] == "second.txt"


async def test_every_change_is_told_as_it_is_by_then(vault: Vault, alice: Person) -> None:
    """Nothing that was loaded for an earlier event is shown with a later one."""
    file_id = await alice.empty_file("judged.txt")
    query = """subscription ($id: ID) { fileStatus(fileId: $id) {
        at scan { status } storage { tier } thumbnail { status } version { number scan { status } }
        file { scan { status } versions(first: 1) { edges { node { scan { status } file { scan { status } } } } } }
    } }"""
    async with alice.following(query, id=file_id) as stream, asyncio.timeout(60):
        assert _statuses((await anext(stream))[1]) == {"PENDING"}
        await judged(vault, FileId(file_id), ScanStatus.SCANNING)
        assert _statuses((await anext(stream))[1]) == {"SCANNING"}
        await judged(vault, FileId(file_id), ScanStatus.CLEAN)
        assert _statuses((await anext(stream))[1]) == {"CLEAN"}


def _statuses(told: dict[str, Any]) -> set[str]:
    status = told["data"]["fileStatus"]
    version = status["file"]["versions"]["edges"][0]["node"]
    return {each["scan"]["status"] for each in (status, status["version"], status["file"], version, version["file"])}


async def test_a_subscription_prefers_the_stream_where_both_are_accepted(alice: Person) -> None:
    file_id = await alice.empty_file("both.txt")
    body = {"query": STATUS, "variables": {"id": file_id}}
    headers = alice.headers | {"Accept": f"application/json, {EVENTS}"}
    async with alice.client.stream("POST", "/graphql", headers=headers, json=body) as answer:
        assert answer.headers["content-type"].startswith(EVENTS)
        name, told = await anext(events(answer.aiter_lines()))
    assert (name, told["data"]["fileStatus"]["file"]["name"]) == ("next", "both.txt")
    plain = await alice.post({"query": "{ viewer { email } }"}, Accept=f"application/json, {EVENTS}")
    assert plain.headers["content-type"].startswith("application/json")


async def test_the_stream_ends_with_a_clear_code_when_the_sign_in_does(
    client: httpx.AsyncClient, alice: Person, short_token: str
) -> None:
    file_id = await alice.empty_file("short.txt")
    async with Person(client, short_token).following(STATUS, id=file_id) as stream, asyncio.timeout(60):
        heard = [event async for event in stream]
    assert [name for name, _ in heard] == ["next", "next", "complete"]
    assert heard[1][1]["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_a_silent_stream_beats_and_a_reader_that_left_is_noticed(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_sse, "HEARTBEAT_SECONDS", 0.02)
    file_id = await alice.empty_file("silent.txt")
    headers = alice.headers | {"Accept": EVENTS}
    body = {"query": STATUS, "variables": {"id": file_id}}
    async with (
        asyncio.timeout(60),
        alice.client.stream("POST", "/graphql", headers=headers, json=body) as answer,
    ):
        async for line in answer.aiter_lines():
            if line == ":":
                break
    async with asyncio.timeout(60):
        while _streams():  # noqa: ASYNC110  # the server's tasks have no event of their own
            await asyncio.sleep(0.01)


async def test_a_reader_that_takes_nothing_is_let_go(
    vault: Vault, door: Door, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_sse, "SEND_SECONDS_MAX", 0.02)
    endpoint = GraphQLEndpoint(vault, door.authenticator, introspection=True, graphiql=False)
    body = iter([{"type": "http.request", "body": b'{"query": "{ __typename }"}', "more_body": False}])

    async def receive() -> dict[str, object]:
        if (message := next(body, None)) is not None:
            return message
        return await asyncio.Event().wait()  # type: ignore[return-value]  # it waits for ever

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    headers = alice.headers | {"Accept": EVENTS}
    scope = {
        "type": "http",
        "method": "POST",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": None,
    }
    async with asyncio.timeout(10):
        await endpoint(scope, receive, send)


def _streams() -> list[str]:
    return [repr(task) for task in asyncio.all_tasks() if "_Stream." in repr(task)]
