"""What a request leaves in the meters, and who may read them."""

from dataclasses import replace

import httpx
import pytest
from asking import Person
from doors import until
from prometheus_client.parser import text_string_to_metric_families
from sockets import talking

from vaultstream.http import metrics
from vaultstream.settings import Settings

Sample = tuple[str, frozenset[tuple[str, str]]]


async def scraped(client: httpx.AsyncClient) -> dict[Sample, float]:
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def requests(door: str, outcome: str, operation: str = "none") -> Sample:
    labels = {"door": door, "operation": operation, "outcome": outcome}
    return "vaultstream_request_seconds_count", frozenset(labels.items())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ viewer { id } }", requests("graphql", "ok", "query")),
        (
            'mutation { folderRename(input: {folderId: "folder_1", name: "x"}) { errors { code } } }',
            requests("graphql", "ok", "mutation"),
        ),
    ],
)
async def test_an_operation_is_counted_by_its_kind(
    client: httpx.AsyncClient, alice: Person, query: str, expected: Sample
):
    before = await scraped(client)
    await alice.ask(query)
    after = await scraped(client)

    assert after[expected] - before.get(expected, 0) == 1


async def test_what_a_request_asks_of_other_systems_is_counted(client: httpx.AsyncClient, alice: Person):
    calls = ("vaultstream_call_seconds_count", frozenset({"system": "dynamodb", "outcome": "ok"}.items()))
    before = await scraped(client)
    await alice.folder("Measured")
    after = await scraped(client)

    assert after[calls] > before.get(calls, 0)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/health", requests("health", "ok")),
        ("/graphql?query={viewer{id}}", requests("graphql", "refused")),
        ("/content/file_1/1", requests("content", "refused")),
        ("/s/token", requests("link", "refused")),
        ("/no/such?name=alice@example.com", requests("page", "refused")),
        ("//health", requests("page", "refused")),
    ],
)
async def test_a_request_is_counted_at_its_door_with_its_outcome(
    client: httpx.AsyncClient, path: str, expected: Sample
):
    before = await scraped(client)
    await client.get(str(client.base_url).rstrip("/") + path)
    after = await scraped(client)

    assert after[expected] - before.get(expected, 0) == 1
    assert "alice" not in (await client.get("/metrics")).text


async def test_away_from_somebodys_own_machine_there_is_no_way_in(settings: Settings):
    away = replace(settings, environment="prod", oidc_issuer="https://issuer.example")

    assert [route.path for route in metrics.routes(settings)] == ["/metrics"]
    assert metrics.routes(away) == []


async def test_connections_are_counted_while_they_last_and_what_they_are_sent(
    client: httpx.AsyncClient, alice: Person, url: str
):
    """A gauge that did not come down again would ring an alarm for ever."""
    changed = "subscription ($at: ID!) { folderChanged(folderId: $at) { kind } }"
    deliveries = ("vaultstream_live_deliveries_total", frozenset())
    at, before = await alice.root(), await scraped(client)
    async with talking(url) as talk, alice.following(changed, at=at) as events:
        await talk.init(alice.token)
        await talk.subscribe("1", changed, at=at)
        assert (await talk.hear())["type"] == "next"
        assert (await anext(events))[0] == "next"
        inside = await scraped(client)

    async def has_ended() -> bool:
        after = await scraped(client)
        return all(after[connections(protocol)] == 0 for protocol in ("websocket", "sse"))

    assert [inside[connections(protocol)] for protocol in ("websocket", "sse")] == [1, 1]
    assert inside[deliveries] - before.get(deliveries, 0) >= 2
    await until(has_ended)


def connections(protocol: str) -> Sample:
    return "vaultstream_live_connections", frozenset({"protocol": protocol}.items())
