"""GraphQL over WebSocket keeps to its protocol, whatever the other side sends."""

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest
from asking import Person
from gql import Client
from gql import gql as parsed
from gql.transport.websockets import WebsocketsTransport
from sockets import PROTOCOL, talking

from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.http import live_ws
from vaultstream.http.auth import Authenticator
from vaultstream.http.graphql_door import Door

STATUS = "subscription ($id: ID) { fileStatus(fileId: $id) { file { name revision } scan { status } } }"
VIEWER = "{ viewer { email } }"


async def test_queries_and_mutations_run_over_a_socket(url: str, alice: Person) -> None:
    async with talking(url) as talk:
        await talk.init(alice.token)
        await talk.subscribe("1", VIEWER)
        answer = await talk.hear()
        assert (answer["id"], answer["type"]) == ("1", "next")
        assert answer["payload"]["data"] == {"viewer": {"email": "alice@example.com"}}
        assert await talk.hear() == {"type": "complete", "id": "1"}
        await talk.subscribe("1", 'mutation { folderCreate(input: {parentId: "no", name: "x"}) { errors { code } } }')
        answer = await talk.hear()
        assert answer["payload"]["data"] == {"folderCreate": {"errors": [{"code": "NOT_FOUND"}]}}
        assert await talk.hear() == {"type": "complete", "id": "1"}


async def test_a_subscription_begins_with_the_present_state_and_ends_when_the_client_has_enough(
    url: str, alice: Person
) -> None:
    file_id = await alice.empty_file("watched.txt")
    async with talking(url) as talk:
        await talk.init(alice.token)
        await talk.subscribe("s", STATUS, id=file_id)
        first = await talk.hear()
        assert first["payload"]["data"]["fileStatus"]["file"]["name"] == "watched.txt"
        await talk.say({"id": "s", "type": "complete"})
        await talk.subscribe("s", VIEWER)  # the id is free again
        assert (await talk.hear())["payload"]["data"] == {"viewer": {"email": "alice@example.com"}}


async def test_what_does_not_run_is_an_error_message_and_the_socket_stays_open(url: str, alice: Person) -> None:
    async with talking(url) as talk:
        await talk.init(alice.token)
        await talk.subscribe("parse", "{ viewer")
        answer = await talk.hear()
        assert (answer["type"], answer["id"]) == ("error", "parse")
        assert answer["payload"][0]["extensions"] == {"code": "GRAPHQL_PARSE_FAILED"}
        await talk.subscribe("variables", STATUS, id=["no", {"id": 1}])
        assert (await talk.hear())["type"] == "error"
        await talk.subscribe("stranger", STATUS, id="file_01H00000000000000000000000")
        answer = await talk.hear()
        assert (answer["type"], answer["id"]) == ("error", "stranger")
        assert answer["payload"][0]["extensions"] == {"code": "NOT_FOUND"}
        await talk.subscribe("neither", "subscription { fileStatus { at } }")
        assert (await talk.hear())["payload"][0]["extensions"] == {"code": "INVALID"}
        await talk.subscribe("again", VIEWER)
        assert (await talk.hear())["type"] == "next"


async def test_a_file_of_somebody_else_is_not_there(url: str, alice: Person, bob: Person) -> None:
    file_id = await alice.empty_file("mine.txt")
    async with talking(url) as talk:
        await talk.init(bob.token)
        await talk.subscribe("1", STATUS, id=file_id)
        answer = await talk.hear()
        assert answer["type"] == "error"
        assert answer["payload"][0]["extensions"] == {"code": "NOT_FOUND"}


BAD_MESSAGES = {
    "no JSON": "{",
    "no object": '"text"',
    "a list": "[]",
    "null": "null",
    "a number": "1",
    "deep JSON": "[" * 5000 + "]" * 5000,
    "nested objects": '{"type": "ping", "payload": ' + '{"a":' * 80 + "1" + "}" * 81,
    "NaN": '{"type": "ping", "payload": {"a": NaN}}',
    "a huge number": '{"type": "ping", "payload": {"a": ' + "9" * 90_000 + "}}",
    "bytes": b'{"type": "ping"}',
    "no type": "{}",
    "an unknown type": '{"type": "start", "id": "1", "payload": {}}',
    "a type that is no text": '{"type": ["ping"]}',
    "a ping with a list": '{"type": "ping", "payload": []}',
    "a pong with text": '{"type": "pong", "payload": "x"}',
    "no id": '{"type": "subscribe", "payload": {"query": "{ viewer { id } }"}}',
    "an empty id": '{"type": "subscribe", "id": "", "payload": {"query": "{ viewer { id } }"}}',
    "a numeric id": '{"type": "subscribe", "id": 1, "payload": {"query": "{ viewer { id } }"}}',
    "an id too long": '{"type": "complete", "id": "' + "x" * 200 + '"}',
    "no payload": '{"type": "subscribe", "id": "1"}',
    "an object query": '{"type": "subscribe", "id": "1", "payload": {"query": {}}}',
    "an empty query": '{"type": "subscribe", "id": "1", "payload": {"query": ""}}',
    "string variables": '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "variables": "{}"}}',
    "a list of operations": '{"type": "subscribe", "id": "1", "payload": [{"query": "{ a }"}]}',
    "a numeric name": '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "operationName": 1}}',
    "complete without id": '{"type": "complete"}',
}


@pytest.mark.parametrize("message", BAD_MESSAGES.values(), ids=BAD_MESSAGES)
async def test_a_message_that_the_protocol_does_not_know_closes_with_4400(
    url: str, alice: Person, message: str | bytes
) -> None:
    async with talking(url) as talk:
        await talk.init(alice.token)
        await talk.say(message)
        code, reason = await talk.closing()
        assert (code, reason != "") == (4400, True)


async def test_a_message_that_is_too_large_closes_with_1009(url: str, alice: Person) -> None:
    async with talking(url) as talk:
        await talk.init(alice.token)
        await talk.say('{"type": "ping", "payload": {"a": "' + "x" * 300_000 + '"}}')
        assert (await talk.closing())[0] == 1009


@pytest.mark.parametrize("protocols", [("graphql-ws",), ("chat", "graphql-ws")])
async def test_only_the_present_subprotocol_is_spoken(url: str, protocols: tuple[str, ...]) -> None:
    async with talking(url, *protocols) as talk:
        assert talk.socket.subprotocol is None
        assert await talk.closing() == (4406, "Subprotocol not acceptable")


@pytest.mark.parametrize(
    "init",
    [
        {"type": "connection_init"},
        {"type": "connection_init", "payload": None},
        {"type": "connection_init", "payload": {"authorization": "Bearer nonsense"}},
        {"type": "connection_init", "payload": {"authorization": ["Bearer"]}},
        {"type": "connection_init", "payload": {"token": ""}},
    ],
)
async def test_who_is_not_signed_in_is_closed_with_4401(url: str, init: dict[str, object]) -> None:
    async with talking(url) as talk:
        await talk.say(init)
        code, reason = await talk.closing()
        assert code == 4401
        assert "sign in" in reason.lower()


async def test_the_token_may_be_in_the_payload_or_in_the_handshake(url: str, alice: Person) -> None:
    async with talking(url) as talk:
        await talk.say({"type": "connection_init", "payload": {"token": alice.token}})
        assert await talk.hear() == {"type": "connection_ack"}
    async with talking(url, Authorization=f"Bearer {alice.token}") as talk:
        await talk.say({"type": "connection_init", "payload": None})
        assert await talk.hear() == {"type": "connection_ack"}


async def test_nothing_runs_before_the_acknowledgement(url: str) -> None:
    async with talking(url) as talk:
        await talk.subscribe("1", VIEWER)
        assert await talk.closing() == (4401, "Unauthorized")


async def test_a_second_init_closes_with_4429(url: str, alice: Person) -> None:
    async with talking(url) as talk:
        await talk.init(alice.token)
        await talk.say({"type": "connection_init"})
        assert await talk.closing() == (4429, "Too many initialisation requests")


async def test_a_silent_client_is_closed_with_4408(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_ws, "INIT_SECONDS_MAX", 0.05)
    async with talking(url) as talk:
        assert await talk.closing() == (4408, "Connection initialisation timeout")


async def test_an_id_in_use_closes_with_4409(url: str, alice: Person) -> None:
    file_id = await alice.empty_file("twice.txt")
    async with talking(url) as talk:
        await talk.init(alice.token)
        await talk.subscribe("one", STATUS, id=file_id)
        await talk.hear()
        await talk.subscribe("one", VIEWER)
        assert await talk.closing() == (4409, "Subscriber for one already exists")


async def test_pings_are_answered_before_and_after_init_with_what_they_carry(url: str, alice: Person) -> None:
    async with talking(url) as talk:
        await talk.say({"type": "ping"})
        assert await talk.hear() == {"type": "pong"}
        await talk.say({"type": "pong"})
        await talk.init(alice.token)
        await talk.say({"type": "ping", "payload": {"n": 1}})
        assert await talk.hear() == {"type": "pong", "payload": {"n": 1}}


async def test_one_socket_runs_a_bounded_number_of_operations(
    url: str, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_ws, "OPERATIONS_MAX", 2)
    file_id = await alice.empty_file("bounded.txt")
    async with talking(url) as talk:
        await talk.init(alice.token)
        for name in ("1", "2"):
            await talk.subscribe(name, STATUS, id=file_id)
            assert (await talk.hear())["type"] == "next"
        await talk.subscribe("3", STATUS, id=file_id)
        refused = await talk.hear()
        assert (refused["type"], refused["id"]) == ("error", "3")
        assert refused["payload"][0]["extensions"] == {"code": "LIMITED"}
        await talk.say({"type": "complete", "id": "1"})
        await talk.subscribe("3", STATUS, id=file_id)
        assert (await talk.hear())["type"] == "next"


async def test_the_socket_closes_with_4401_when_the_sign_in_ends(url: str, alice: Person, short_token: str) -> None:
    file_id = await alice.empty_file("expiring.txt")
    async with talking(url) as talk, asyncio.timeout(60):
        await talk.init(short_token)
        await talk.subscribe("1", STATUS, id=file_id)
        assert (await talk.hear())["type"] == "next"
        assert await talk.closing() == (4401, "The sign-in has ended")


async def test_a_reader_that_takes_nothing_is_let_go(
    door: Door, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's own send stalls, as it does when a client's window is full."""
    monkeypatch.setattr(live_ws, "SEND_SECONDS_MAX", 0.05)
    sent = []

    async def stalled(message: dict[str, object]) -> None:
        sent.append(message)
        if message["type"] == "websocket.send" and "next" in str(message["text"]):
            await asyncio.Event().wait()

    frames = iter(
        [
            {"type": "websocket.connect"},
            {"type": "websocket.receive", "text": '{"type": "connection_init"}'},
            {
                "type": "websocket.receive",
                "text": '{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }"}}',
            },
        ]
    )

    async def receive() -> dict[str, object]:
        if (frame := next(frames, None)) is not None:
            return frame
        return await asyncio.Event().wait()  # type: ignore[return-value]  # it waits for ever

    await live_ws.serve(door, _scope(alice), receive, stalled)
    assert sent[-1] == {"type": "websocket.close", "code": 1013, "reason": "Too slow: connect again"}


async def test_the_usual_python_client_works_as_it_is(url: str, alice: Person) -> None:
    file_id = await alice.empty_file("client.txt")
    transport = WebsocketsTransport(
        url=url.replace("http", "ws", 1) + "/graphql",
        init_payload={"authorization": f"Bearer {alice.token}"},
    )
    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        request = parsed(STATUS)
        request.variable_values = {"id": file_id}
        async for status in session.subscribe(request):
            assert status["fileStatus"]["file"]["name"] == "client.txt"
            break


async def test_a_socket_that_breaks_takes_its_operations_with_it(vault: Vault, door: Door, alice: Person) -> None:
    file_id = await alice.empty_file("broken.txt")
    subscription = orjson.dumps({"query": STATUS, "variables": {"id": file_id}}).decode()
    heard = asyncio.Event()
    frames = iter(
        [
            {"type": "websocket.connect"},
            {"type": "websocket.receive", "text": '{"type": "connection_init"}'},
            {
                "type": "websocket.receive",
                "text": f'{{"type": "subscribe", "id": "1", "payload": {subscription}}}',
            },
        ]
    )

    async def receive() -> dict[str, object]:
        if (frame := next(frames, None)) is not None:
            return frame
        await heard.wait()
        return {"type": "websocket.disconnect", "code": 1006}

    async def send(message: dict[str, object]) -> None:
        if "fileStatus" in str(message.get("text")):
            heard.set()

    async with asyncio.timeout(60):
        await live_ws.serve(door, _scope(alice), receive, send)
    assert not any("file_status" in repr(task) or "_perform" in repr(task) for task in asyncio.all_tasks())


async def test_what_nobody_expected_closes_with_1011_and_is_logged(
    door: Door, alice: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def bearer(*_: object) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(door.authenticator, "bearer", bearer)
    frames = iter([{"type": "websocket.connect"}, {"type": "websocket.receive", "text": '{"type": "connection_init"}'}])
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return next(frames)

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    await live_ws.serve(door, _scope(alice), receive, send)
    assert sent[-1] == {"type": "websocket.close", "code": 1011, "reason": "Internal error"}
    assert "secret of the house" in caplog.text


async def test_a_sign_in_service_that_is_away_is_worth_another_try(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise VaultError(Code.UNAVAILABLE, "Try again in a moment.")

    monkeypatch.setattr(Authenticator, "bearer", away)
    async with talking(url) as talk:
        await talk.say({"type": "connection_init", "payload": {"token": "x"}})
        assert await talk.closing() == (1013, "Try again in a moment.")


async def test_what_nobody_expected_in_an_operation_is_its_own_error(
    url: str, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> AsyncIterator[None]:
        raise RuntimeError("the password is swordfish")
        yield

    monkeypatch.setattr("vaultstream.gql.live.watch.file_status", broken)
    async with talking(url) as talk:
        await talk.init(alice.token)
        await talk.subscribe("1", STATUS, id="file_01H00000000000000000000000")
        told = await talk.hear()
        assert (told["type"], told["payload"][0]["message"]) == ("error", "internal error")
        await talk.subscribe("2", VIEWER)
        assert (await talk.hear())["type"] == "next"


def _scope(person: Person) -> dict[str, object]:
    return {
        "type": "websocket",
        "headers": [(b"authorization", person.headers["Authorization"].encode())],
        "subprotocols": [PROTOCOL],
        "client": None,
    }
