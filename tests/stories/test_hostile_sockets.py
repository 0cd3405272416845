"""The GraphQL socket under frames that are no messages, and messages out of turn: closed with a code that says so."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from dev_stack import DevStack
from hostility import assert_discreet, request, told
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

PROTOCOL = "graphql-transport-ws"
QUERY = "{ viewer { id } }"
Frame = str | bytes | dict[str, Any]
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@contextmanager
def socket_to(stack: DevStack, *protocols: str) -> Iterator[ClientConnection]:
    with connect(f"ws://127.0.0.1:{stack.port}/graphql", subprotocols=protocols or (PROTOCOL,)) as socket:
        yield socket


def say(socket: ClientConnection, frame: Frame) -> None:
    socket.send(json.dumps(frame) if isinstance(frame, dict) else frame)


def init(stack: DevStack) -> dict[str, Any]:
    return {"type": "connection_init", "payload": {"token": stack.token("alice@example.com")}}


def code_after(socket: ClientConnection, *frames: Frame) -> tuple[int, list[Any]]:
    """Say all that; the code with which the server closes, and what it said before."""
    heard: list[Any] = []
    try:
        for frame in frames:
            say(socket, frame)
        while True:
            heard.append(json.loads(socket.recv(timeout=20)))
    except ConnectionClosed as closed:
        assert closed.rcvd is not None, "the connection broke without a word"
        return closed.rcvd.code, heard


def subscribe(name: Any = "1", **payload: Any) -> dict[str, Any]:
    return {"id": name, "type": "subscribe", "payload": {"query": QUERY} | payload}


NO_MESSAGES: dict[str, Frame] = {
    "nothing": "",
    "no JSON": "hello",
    "null": "null",
    "a number": "7",
    "text": '"connection_init"',
    "a list": '[{"type": "connection_init"}]',
    "an empty object": "{}",
    "a binary frame": b'{"type": "connection_init"}',
    "deep JSON": "[" * 50_000,
    "deep JSON that ends": '{"type": "ping", "payload": ' + '{"a":' * 2000 + "1" + "}" * 2000 + "}",
    "NaN": '{"type": "ping", "payload": {"a": NaN}}',
    "90,000 digits": '{"type": "ping", "payload": {"a": ' + "9" * 90_000 + "}}",
    "no type": {"id": "1", "payload": {}},
    "a type that is a number": {"type": 1},
    "a type that is null": {"type": None},
    "a type of the other protocol": {"type": "start", "id": "1", "payload": {"query": QUERY}},
    "a type for clients only": {"type": "connection_ack"},
    "a payload that is a list": {"type": "ping", "payload": []},
    "a payload that is text": {"type": "pong", "payload": "x"},
}


@pytest.mark.parametrize("frame", NO_MESSAGES)
@pytest.mark.parametrize("is_in", [False, True], ids=["at the door", "inside"])
def test_a_frame_that_is_no_message_closes_with_4400(untouched: DevStack, is_in: bool, frame: str) -> None:
    with socket_to(untouched) as socket:
        frames = [init(untouched)] if is_in else []
        assert code_after(socket, *frames, NO_MESSAGES[frame])[0] == 4400


def test_a_frame_without_end_closes_with_1009(untouched: DevStack) -> None:
    with socket_to(untouched) as socket:
        frame = '{"type": "ping", "payload": {"a": "' + "a" * 300_000 + '"}}'
        assert code_after(socket, init(untouched), frame)[0] == 1009


def test_a_frame_of_twenty_megabytes_is_not_waited_for(untouched: DevStack) -> None:
    """Who is still sending when the server has closed may see the connection reset, and no code."""
    with socket_to(untouched) as socket:
        say(socket, init(untouched))
        try:
            say(socket, "a" * 20_000_000)
            while True:
                socket.recv(timeout=20)
        except ConnectionClosed as closed:
            assert closed.rcvd is None or closed.rcvd.code == 1009


SUBSCRIPTIONS: dict[str, Frame] = {
    "an empty id": subscribe(""),
    "an id that is a number": subscribe(1),
    "an id that is null": subscribe(None),
    "an id of 200 letters": subscribe("a" * 200),
    "no id": {"type": "subscribe", "payload": {"query": QUERY}},
    "no payload": {"type": "subscribe", "id": "1"},
    "a payload that is text": {"type": "subscribe", "id": "1", "payload": QUERY},
    "a query that is an object": subscribe(query={"a": 1}),
    "a query that is empty": subscribe(query=""),
    "variables in text": subscribe(variables="{}"),
    "variables in a list": subscribe(variables=[1]),
    "an operation that is a number": subscribe(operationName=7),
    "extensions in a list": subscribe(extensions=[]),
    "a completion without an id": {"type": "complete"},
    "a completion of a number": {"type": "complete", "id": 7},
}


@pytest.mark.parametrize("frame", SUBSCRIPTIONS)
def test_a_subscription_that_is_none_closes_with_4400(untouched: DevStack, frame: str) -> None:
    with socket_to(untouched) as socket:
        assert code_after(socket, init(untouched), SUBSCRIPTIONS[frame])[0] == 4400


def test_messages_out_of_turn_close_with_their_own_codes(untouched: DevStack) -> None:
    watch = {"query": "subscription ($id: ID!) { fileStatus(folderId: $id) { at } }", "variables": {"id": "x"}}
    for code, frames in {
        4401: [subscribe()],
        4429: [init(untouched), init(untouched)],
    }.items():
        with socket_to(untouched) as socket:
            assert code_after(socket, *frames)[0] == code
    with socket_to(untouched) as socket:
        say(socket, init(untouched))
        say(socket, {"id": "1", "type": "subscribe", "payload": watch})
        assert json.loads(socket.recv(timeout=20)) == {"type": "connection_ack"}
        assert json.loads(socket.recv(timeout=20))["type"] == "error"
        say(socket, subscribe())  # the id is free again after its last word
        assert json.loads(socket.recv(timeout=20))["payload"]["data"]["viewer"]["id"].startswith("user_")


QUERIES = {
    "no syntax": "subscription {",
    "no field": "subscription { nothing }",
    "two roots": 'subscription { a: fileStatus(fileId: "x") { at } b: fileStatus(fileId: "x") { at } }',
    "no argument": "subscription { fileStatus { at } }",
    "both arguments": 'subscription { fileStatus(fileId: "x", folderId: "y") { at } }',
    "an id that is none": 'subscription { fileStatus(fileId: "") { at } }',
    "braces": "{" * 10_000,
    "aliases": f"{{ viewer {{ {' '.join(f'a{number}: id' for number in range(200))} }} }}",
}


@pytest.mark.parametrize("query", QUERIES)
def test_an_operation_that_is_wrong_is_answered_and_the_socket_lives_on(untouched: DevStack, query: str) -> None:
    with socket_to(untouched) as socket:
        say(socket, init(untouched))
        assert json.loads(socket.recv(timeout=20)) == {"type": "connection_ack"}
        say(socket, subscribe("1", query=QUERIES[query]))
        answer = json.loads(socket.recv(timeout=20))
        assert (answer["type"], answer["id"]) == ("error", "1")
        assert all(error["message"] and error["extensions"]["code"] for error in answer["payload"])
        say(socket, {"type": "ping"})
        assert json.loads(socket.recv(timeout=20)) == {"type": "pong"}


@pytest.mark.parametrize(
    "payload", [{}, None, {"token": 7}, {"token": ""}, {"authorization": []}, {"authorization": "x"}]
)
def test_who_does_not_say_who_they_are_is_not_let_in(untouched: DevStack, payload: Any) -> None:
    with socket_to(untouched) as socket:
        assert code_after(socket, {"type": "connection_init", "payload": payload}) == (4401, [])


@pytest.mark.parametrize("protocols", [("graphql-ws",), ("soap",), ("graphql-transport-ws2", "mqtt")])
def test_another_protocol_is_not_spoken(untouched: DevStack, protocols: tuple[str, ...]) -> None:
    try:
        with socket_to(untouched, *protocols) as socket:
            assert socket.subprotocol is None
            assert code_after(socket)[0] in {1002, 4406}
    except InvalidStatus as refused:
        assert 400 <= refused.response.status_code < 500


def test_the_right_protocol_is_chosen_among_others(untouched: DevStack) -> None:
    with socket_to(untouched, "graphql-ws", PROTOCOL) as socket:
        assert socket.subprotocol == PROTOCOL


HANDSHAKES = {
    "no key": [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13")],
    "a key that is none": [("Upgrade", "websocket"), ("Sec-WebSocket-Key", "x"), ("Sec-WebSocket-Version", "13")],
    "another version": [
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
        ("Sec-WebSocket-Version", "7"),
    ],
    "another upgrade": [("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAAP__")],
}


@pytest.mark.parametrize("handshake", HANDSHAKES)
@pytest.mark.parametrize("target", ["/graphql", "/uploads", "/health", "/nothing"])
def test_a_handshake_that_is_none_is_refused(untouched: DevStack, target: str, handshake: str) -> None:
    answered = told(untouched.port, request("GET", target, HANDSHAKES[handshake]))
    assert answered.status != 101
    assert_discreet(answered)


@pytest.mark.parametrize("path", ["/", "/uploads", "/health", "/graphql/", "/content/x/1", "/favicon.svg"])
def test_there_is_no_other_socket(untouched: DevStack, path: str) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://127.0.0.1:{untouched.port}{path}", subprotocols=[PROTOCOL]),
    ):
        pass
    assert 400 <= refused.value.response.status_code < 500


@FEW
@given(frames=st.lists(st.text(max_size=40) | st.binary(max_size=40), min_size=1, max_size=3))
def test_no_frames_break_the_connection_without_a_word(quiet: DevStack, frames: list[str | bytes]) -> None:
    with socket_to(quiet) as socket:
        assert code_after(socket, *frames)[0] == 4400
