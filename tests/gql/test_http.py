"""GraphQL over HTTP: right answers to lawful requests, clear ones to all others, and never a 5xx."""

import asyncio
import gzip
from typing import Any

import httpx
import orjson
import pytest
from asking import EVENTS, GRAPHQL, Person
from starlette.types import Message, Receive

from vaultstream.errors import Code, VaultError
from vaultstream.gql import execution
from vaultstream.http import graphql_request
from vaultstream.http.graphql import GraphQLEndpoint
from vaultstream.http.graphql_door import Door

VIEWER = "{ viewer { email } }"
EMAIL = {"viewer": {"email": "alice@example.com"}}


async def test_a_post_answers_with_data_and_what_it_may_cost(alice: Person) -> None:
    answer = await alice.post({"query": VIEWER})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{GRAPHQL}; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    cost = told["extensions"].pop("cost")
    assert told == {"data": EMAIL, "extensions": {}}
    assert (cost["requested"], cost["actual"], cost["limit"]) == (1, 1, 200_000)
    assert 0 < cost["remaining"] < 200_000
    assert cost["resetAt"].endswith("+00:00")


async def test_a_get_answers_queries_only(alice: Person) -> None:
    assert (await alice.get(query=VIEWER)).json()["data"] == EMAIL
    variables = await alice.get(query="query ($id: ID!) { node(id: $id) { id } }", variables='{"id": "no"}')
    assert variables.json()["data"] == {"node": None}
    refused = await alice.get(query='mutation { uploadAbort(input: {uploadId: "x"}) { errors { code } } }')
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    refused = await alice.get(query="subscription { fileStatus { at } }")
    assert refused.status_code == 406


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_told_what_is_allowed(alice: Person, method: str) -> None:
    answer = await alice.client.request(method, "/graphql", headers=alice.headers)
    assert answer.status_code == 405
    assert {name.strip() for name in answer.headers["allow"].split(",")} >= {"GET", "POST"}


HOSTILE: dict[str, tuple[int, bytes]] = {
    "an empty body": (400, b""),
    "null": (400, b"null"),
    "a number": (400, b"1"),
    "text": (400, b'"x"'),
    "a batch": (400, b'[{"query": "{ viewer { id } }"}]'),
    "an empty batch": (400, b"[]"),
    "no query": (400, b"{}"),
    "a null query": (400, b'{"query": null}'),
    "an empty query": (400, b'{"query": ""}'),
    "a query of spaces": (400, b'{"query": "   "}'),
    "a query that is an object": (400, b'{"query": {"a": 1}}'),
    "a query that is a list": (400, b'{"query": ["{ viewer { id } }"]}'),
    "a name that is a number": (400, b'{"query": "{ viewer { id } }", "operationName": 1}'),
    "an unknown name": (400, b'{"query": "{ viewer { id } }", "operationName": "Nobody"}'),
    "variables as text": (400, b'{"query": "{ viewer { id } }", "variables": "{}"}'),
    "variables as a list": (400, b'{"query": "{ viewer { id } }", "variables": []}'),
    "extensions as a number": (400, b'{"query": "{ viewer { id } }", "extensions": 1}'),
    "not UTF-8": (400, b'{"query": "\xff\xfe"}'),
    "a lone surrogate": (400, b'{"query": "\\ud800"}'),
    "NaN": (400, b'{"query": "{ viewer { id } }", "variables": {"a": NaN}}'),
    "Infinity": (400, b'{"query": "{ viewer { id } }", "variables": {"a": 1e999}}'),
    "a number of 90,000 digits": (400, b'{"query": "{ a }", "variables": {"a": ' + b"9" * 90_000 + b"}}"),
    "5,000 brackets": (400, b'{"query": "{ a }", "variables": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001),
    "60 brackets": (400, b'{"query": "{ a }", "extensions": {"a":' + b"[" * 60 + b"]" * 60 + b"}}"),
    "unfinished JSON": (400, b'{"query": "{ viewer { id } }"'),
    "two operations and no name": (400, b'{"query": "query A { viewer { id } } query B { viewer { id } }"}'),
    "a fragment and nothing else": (400, b'{"query": "fragment F on User { id }"}'),
    "a schema": (400, b'{"query": "type Query { a: Int }"}'),
    "300,000 bytes": (413, b'{"query": "' + b"x" * 300_000 + b'"}'),
}


@pytest.mark.parametrize(("status", "body"), HOSTILE.values(), ids=HOSTILE)
async def test_a_body_that_is_no_request_is_refused_in_words(alice: Person, status: int, body: bytes) -> None:
    answer = await alice.post(body)
    assert answer.status_code == status
    (error,) = answer.json()["errors"]
    assert error["message"]
    assert error["extensions"]["code"] in {"INVALID", "TOO_LARGE", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"}
    assert "data" not in answer.json()
    assert len(answer.content) < 1000


async def test_duplicate_keys_are_read_as_json_usually_is(alice: Person) -> None:
    answer = await alice.post(b'{"query": "{ nobody }", "query": "{ viewer { email } }"}')
    assert answer.json()["data"] == EMAIL


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=latin-1",
        "",
    ],
)
async def test_a_content_type_that_a_browser_sends_unasked_is_refused(alice: Person, content_type: str) -> None:
    answer = await alice.post({"query": VIEWER}, Content_Type=content_type)
    assert answer.status_code == 415
    assert answer.json()["errors"][0]["extensions"] == {"code": "INVALID"}


async def test_a_compressed_body_is_refused_in_words(alice: Person) -> None:
    answer = await alice.post(gzip.compress(b'{"query": "{ viewer { id } }"}'), Content_Encoding="gzip")
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")
    assert "compressed" in answer.json()["errors"][0]["message"]


async def test_a_body_without_a_length_is_cut_off_at_the_limit(door: Door, alice: Person) -> None:
    asked = 0

    async def endless() -> Message:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b" " * 65_536, "more_body": True}

    status, body = await _at_the_door(door, alice, endless)
    assert (status, body["errors"][0]["extensions"]) == (413, {"code": "TOO_LARGE"})
    assert asked * 65_536 <= 300_000 + 65_536


async def test_a_body_that_does_not_come_is_not_waited_for(
    door: Door, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql_request, "BODY_SECONDS_MAX", 0.02)

    async def never() -> Message:
        return await asyncio.Event().wait()  # type: ignore[return-value]  # it waits for ever

    status, body = await _at_the_door(door, alice, never)
    assert (status, body["errors"][0]["extensions"]) == (408, {"code": "INVALID"})


async def test_a_sender_that_left_gets_no_answer(door: Door, alice: Person) -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    assert await _at_the_door(door, alice, gone) == (0, None)


async def _at_the_door(door: Door, person: Person, receive: Receive) -> tuple[int, Any]:
    """What the endpoint itself answers to messages that no real client sends on purpose."""
    endpoint = GraphQLEndpoint(door.vault, door.authenticator, introspection=True, graphiql=False)
    headers = [(name.lower().encode(), value.encode()) for name, value in person.headers.items()]
    scope = {"type": "http", "method": "POST", "query_string": b"", "headers": headers, "client": None}
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async with asyncio.timeout(60):
        await endpoint(scope, receive, send)
    return (sent[0]["status"], orjson.loads(sent[1]["body"])) if sent else (0, None)


ACCEPTS: dict[str, tuple[str | None, int, str]] = {
    "nothing": (None, 200, "application/json"),
    "anything": ("*/*", 200, "application/json"),
    "the oldest": ("application/json", 200, "application/json"),
    "the newest": (GRAPHQL, 200, GRAPHQL),
    "both alike": (f"application/json, {GRAPHQL}", 200, GRAPHQL),
    "the oldest rather": (f"{GRAPHQL};q=0.5, application/json", 200, "application/json"),
    "the newest or anything": (f"{GRAPHQL}, */*;q=0.1", 200, GRAPHQL),
    "any but the oldest": ("application/json;q=0, */*", 200, GRAPHQL),
    "an application": ("application/*", 200, "application/json"),
    "with a charset": (f"{GRAPHQL}; charset=utf-8", 200, GRAPHQL),
    "a page": ("text/html", 406, "application/json"),
    "none of it": ("application/json;q=0", 406, "application/json"),
    "nonsense": (";;;,,q=x", 406, "application/json"),
    "an unreadable weight": (f"{GRAPHQL};q=high", 406, "application/json"),
}


@pytest.mark.parametrize(("accept", "status", "media"), ACCEPTS.values(), ids=ACCEPTS)
async def test_the_answer_comes_in_the_type_that_is_wanted_most(
    client: httpx.AsyncClient, alice: Person, accept: str | None, status: int, media: str
) -> None:
    request = client.build_request("POST", "/graphql", headers=alice.headers, json={"query": VIEWER})
    request.headers.pop("accept")
    if accept is not None:
        request.headers["accept"] = accept
    answer = await client.send(request)
    assert (answer.status_code, answer.headers["content-type"]) == (status, f"{media}; charset=utf-8")


@pytest.mark.parametrize("query", ["{", "{ nobody }", "query ($id: ID!) { node(id: $id) { id } }"])
async def test_the_oldest_clients_read_what_is_refused_from_a_200(alice: Person, query: str) -> None:
    old = await alice.post({"query": query}, Accept="application/json")
    new = await alice.post({"query": query})
    assert (old.status_code, new.status_code) == (200, 400)
    assert old.json()["errors"] == new.json()["errors"]
    assert "data" not in {**old.json(), **new.json()}


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic YTpi", "Bearer nonsense", "Bearer a b", "nonsense"])
async def test_who_does_not_sign_in_is_not_served(client: httpx.AsyncClient, authorization: str) -> None:
    headers = {"Authorization": authorization, "Accept": GRAPHQL} if authorization else {"Accept": GRAPHQL}
    for answer in (
        await client.post("/graphql", json={"query": VIEWER}, headers=headers),
        await client.get("/graphql", params={"query": VIEWER}, headers=headers),
        await client.post("/graphql", json={"query": VIEWER}, headers=headers | {"Accept": EVENTS}),
    ):
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_a_query_string_is_checked_like_a_body(alice: Person) -> None:
    for parameters in ({}, {"query": ""}, {"query": VIEWER, "variables": "["}, {"query": VIEWER, "variables": "1"}):
        assert (await alice.get(**parameters)).status_code == 400
    unreadable = await alice.client.get("/graphql?query=%ff%fe", headers=alice.headers)
    assert unreadable.status_code == 400
    many = await alice.client.get("/graphql?" + "&".join(f"a{n}=1" for n in range(50)), headers=alice.headers)
    assert many.status_code == 400
    assert (await alice.get(query=VIEWER + " " * 20_000)).status_code == 414


async def test_a_long_variable_is_not_sent_back(alice: Person) -> None:
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    for ids in (["x" * 90_000, None], {"a": "x" * 90_000}, [["x" * 90_000]]):
        answer = await alice.post({"query": query, "variables": {"ids": ids}})
        assert answer.status_code == 400
        assert len(answer.content) < 2_000


async def test_an_argument_that_a_variable_makes_null_is_the_callers_to_mend(alice: Person) -> None:
    query = "query ($n: Int = 5) { viewer { rootFolder { children(first: $n) { edges { cursor } } } } }"
    answer = await alice.post({"query": query, "variables": {"n": None}})
    assert answer.json()["errors"][0]["extensions"] == {"code": "INVALID"}


class TestWhatNobodyExpected:
    """A fault of ours: the caller gets its number, the log gets the rest."""

    async def test_in_a_resolver(
        self, alice: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def broken(*_: object) -> None:
            raise RuntimeError("the password is swordfish")

        monkeypatch.setattr("vaultstream.gql.queries.browse.viewer", broken)
        answer = (await alice.post({"query": '{ viewer { id } folder(id: "x") { id } }'})).json()
        (error,) = answer["errors"]
        assert answer["data"] is None
        assert (error["message"], error["path"], error["extensions"]["code"]) == (
            "internal error",
            ["viewer"],
            "INTERNAL",
        )
        assert "swordfish" not in str(answer)
        assert "swordfish" in caplog.text
        assert error["extensions"]["requestId"] in caplog.text

    async def test_an_operation_that_does_not_end(self, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        async def endless(*_: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr("vaultstream.gql.queries.browse.viewer", endless)
        monkeypatch.setattr(execution, "RUN_SECONDS_MAX", 0.05)
        answer = await alice.post({"query": "{ viewer { id } }"})
        assert answer.status_code == 503
        assert answer.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}
        async with alice.following("{ viewer { id } }") as stream:
            assert (await anext(stream))[1]["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}

    async def test_in_the_door(self, door: Door, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        endpoint = GraphQLEndpoint(door.vault, door.authenticator, introspection=True, graphiql=False)

        async def broken(*_: object) -> None:
            raise RuntimeError("the password is swordfish")

        monkeypatch.setattr(door.authenticator, "bearer", broken)
        transport = httpx.ASGITransport(endpoint)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.post("/graphql", headers=alice.headers, content=b"{}")
        assert answer.status_code == 500
        assert answer.json()["errors"][0]["message"] == "internal error"

    async def test_a_sign_in_service_that_is_away(
        self, door: Door, alice: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        endpoint = GraphQLEndpoint(door.vault, door.authenticator, introspection=True, graphiql=False)

        async def away(*_: object) -> None:
            raise VaultError(Code.UNAVAILABLE, "Try again.")

        monkeypatch.setattr(door.authenticator, "bearer", away)
        transport = httpx.ASGITransport(endpoint)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.post("/graphql", headers=alice.headers, content=b"{}")
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]) == (503, {"code": "UNAVAILABLE"})


async def test_outside_a_local_vault_the_schema_is_not_told(door: Door, alice: Person) -> None:
    endpoint = GraphQLEndpoint(door.vault, door.authenticator, introspection=False, graphiql=False)
    transport = httpx.ASGITransport(endpoint)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        closed = Person(client, alice.token)
        assert await closed.data("{ __typename viewer { __typename } }") == {
            "__typename": "Query",
            "viewer": {"__typename": "User"},
        }
        for query in (
            "{ __schema { types { name } } }",
            '{ __type(name: "User") { name } }',
            "{ viewr { id } }",
            "{ viewer { emal } }",
            '{ node(idd: "x") { id } }',
            '{ node(id: "x") { ... on Usr { id } } }',
            "{ viewer { email @skp(if: true) } }",
            "{ viewer { email @skip(iff: true) } }",
            'mutation { folderRename(input: {folderIdd: "x"}) { errors { code } } }',
            "query ($i: FolderRenameInpt!) { viewer { id } }",
        ):
            answer = await closed.ask(query)
            assert "data" not in answer, query
            assert "Did you mean" not in str(answer), query
        wrong = await closed.ask(
            "mutation ($i: FolderRenameInput!) { folderRename(input: $i) { errors { code } } }",
            i={"folderIdd": "x", "name": "y"},
        )
        assert "Did you mean" not in str(wrong)
        page = await client.get("/graphql", headers={"Accept": "text/html"})
        assert page.status_code == 406


async def test_a_local_vault_shows_a_page_to_try_queries_on(client: httpx.AsyncClient) -> None:
    page = await client.get("/graphql", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "<script>" not in page.text
    script = await client.get("/graphql", params={"part": "script"})
    assert script.headers["content-type"].startswith("text/javascript")
    style = await client.get("/graphql", params={"part": "style"})
    assert style.headers["content-type"].startswith("text/css")
