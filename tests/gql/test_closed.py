"""What is closed is closed on every way in: the schema outside a local vault, and the door to other sites' pages."""

from collections.abc import AsyncIterator

import httpx
import pytest
from asking import EVENTS, GRAPHQL, Person, events
from doors import serving
from sockets import talking

from vaultstream.gql.errors import MESSAGE_CHARACTERS_MAX
from vaultstream.http.graphql import GraphQLEndpoint
from vaultstream.http.graphql_door import Door
from vaultstream.local.probes import free_port

VIEWER = "{ viewer { email } }"
ABORT = 'mutation { uploadAbort(input: {uploadId: "x"}) { errors { code } } }'
CURIOUS = [
    "{ __schema { types { name } } }",
    '{ __type(name: "User") { name } }',
    "{ viewer { ...F } } fragment F on Usr { id }",
    "{ viewr { id } }",
    "{ viewer { emal } }",
    "subscription { fileStats { at } }",
    'subscription { fileStatus(fileld: "x") { at } }',
    "query ($i: FolderRenameInpt!) { viewer { id } }",
]


@pytest.fixture
async def closed(door: Door) -> AsyncIterator[str]:
    """A door as it is outside a local vault, on a port of its own."""
    endpoint = GraphQLEndpoint(door.vault, door.authenticator, introspection=False, graphiql=False)
    async with serving(endpoint, free_port()) as url:
        yield url


def assert_tells_nothing(told: object) -> None:
    text = str(told)
    assert "GRAPHQL_VALIDATION_FAILED" in text
    assert "Did you mean" not in text
    assert len(text) < 5 * MESSAGE_CHARACTERS_MAX


async def test_a_stream_tells_nothing_of_the_schema(closed: str, alice: Person) -> None:
    async with httpx.AsyncClient(base_url=closed) as client:
        person = Person(client, alice.token)
        for query in CURIOUS:
            async with person.following(query) as stream:
                (name, told), (last, _) = [event async for event in stream]
            assert (name, last, "data" in told) == ("next", "complete", False), query
            assert_tells_nothing(told)


async def test_a_socket_tells_nothing_of_the_schema(closed: str, alice: Person) -> None:
    async with talking(closed) as talk:
        await talk.init(alice.token)
        for query in CURIOUS:
            await talk.subscribe("a", query)
            told = await talk.hear()
            assert (told["type"], told["id"]) == ("error", "a"), query
            assert_tells_nothing(told)
        wrong = "mutation ($i: FolderRenameInput!) { folderRename(input: $i) { errors { code } } }"
        await talk.subscribe("b", wrong, i={"folderIdd": "x", "name": "y"})
        told = await talk.hear()
        assert told["type"] == "error"
        assert "Did you mean" not in str(told)


async def test_a_local_vault_tells_all_of_it_on_the_same_ways(url: str, alice: Person) -> None:
    async with alice.following(CURIOUS[1]) as stream:
        assert (await anext(stream))[1]["data"] == {"__type": {"name": "User"}}
    async with talking(url) as talk:
        await talk.init(alice.token)
        await talk.subscribe("a", CURIOUS[1])
        assert (await talk.hear())["payload"]["data"] == {"__type": {"name": "User"}}
        await talk.subscribe("b", CURIOUS[4])
        assert [(await talk.hear())["type"], "Did you mean" in str(await talk.hear())] == ["complete", True]


async def test_a_cookie_lets_nobody_in(client: httpx.AsyncClient, url: str, alice: Person) -> None:
    """A browser sends cookies for any site that asks; the token must be put into a header by somebody who has it."""
    cookie = {"Cookie": f"Authorization=Bearer {alice.token}; token={alice.token}"}
    for accept in (GRAPHQL, EVENTS):
        headers = cookie | {"Accept": accept}
        assert (await client.post("/graphql", json={"query": ABORT}, headers=headers)).status_code == 401
        assert (await client.get("/graphql", params={"query": VIEWER}, headers=headers)).status_code == 401
    async with talking(url, **cookie) as talk:
        await talk.say({"type": "connection_init"})
        assert (await talk.closing())[0] == 4401


async def test_no_other_site_is_let_in_by_a_preflight(client: httpx.AsyncClient) -> None:
    asked = {
        "Origin": "https://elsewhere.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    preflight = await client.options("/graphql", headers=asked)
    answer = await client.post("/graphql", json={"query": VIEWER}, headers={"Origin": asked["Origin"]})
    assert preflight.status_code == 405
    for headers in (preflight.headers, answer.headers):
        assert not [name for name in headers if name.startswith("access-control-")]


async def test_what_a_browser_may_send_unasked_runs_nothing_even_with_a_token(alice: Person) -> None:
    """The three media types of a simple request, by POST; and a GET, which changes nothing."""
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        for accept in (GRAPHQL, EVENTS):
            answer = await alice.post({"query": VIEWER}, Content_Type=content_type, Accept=accept)
            assert (answer.status_code, "alice" in answer.text) == (415, False)
    async with alice.client.stream(
        "GET", "/graphql", headers=alice.headers | {"Accept": EVENTS}, params={"query": ABORT}
    ) as answer:
        (_, told), _ = [event async for event in events(answer.aiter_lines())]
    assert "data" not in told
