"""Each limit at its border: what is as large as it may be runs, and what is one larger does not."""

import re
from collections.abc import AsyncIterator, Callable

import httpx
import orjson
import pytest
from asking import EVENTS, Person
from sockets import talking

from vaultstream.errors import Code
from vaultstream.gql import documents, limits, prices, schema
from vaultstream.gql.documents import Refused
from vaultstream.gql.execution import Ask, Engine
from vaultstream.http.graphql_request import BODY_BYTES_MAX, JSON_DEPTH_MAX, QUERY_STRING_BYTES_MAX

VIEWER = "{ viewer { email } }"
Made = Callable[[int], str]
ENGINE = Engine(schema.executable(), introspection=True)


def fields_deep(levels: int) -> str:
    return "{ viewer { rootFolder { " + "parent { " * (levels - 3) + "id" + " }" * (levels - 3) + " } } }"


def fields_deep_in_fragments(levels: int) -> str:
    spread = "{ viewer { ...U } } fragment U on User { rootFolder { ...F } } "
    return spread + "fragment F on Folder { " + "parent { " * (levels - 3) + "id" + " }" * (levels - 3) + " }"


def selections_deep(levels: int) -> str:
    return "{ viewer { " + "... { " * (levels - 2) + "id" + " }" * (levels - 2) + " } }"


def chain_of_fragments(levels: int) -> str:
    links = [f"fragment F{n} on User {{ ...F{n + 1} }}" for n in range(levels - 3)]
    return "{ viewer { ...F0 } } " + " ".join([*links, f"fragment F{levels - 3} on User {{ id }}"])


def many_fields(count: int) -> str:
    first, *others = [f"v{n}: viewer {{ {'id ' * 49} }}" for n in range(20)]
    return "{ " + " ".join([first.replace("{ id", "{ id" + " id" * (count - 1000)), *others]) + " }"


def many_variables(count: int) -> str:
    declared, used = (" ".join(f"$v{n}{kind}" for n in range(count)) for kind in (": ID!", ""))
    return f"query ({declared}) {{ nodes(ids: [{used}]) {{ id }} }}"


def many_mutations(count: int) -> str:
    return " ".join(f'm{n}: uploadAbort(input: {{uploadId: "x"}}) {{ errors {{ code }} }}' for n in range(count))


def many_fragments(count: int) -> str:
    spread, defined = " ".join(f"...F{n}" for n in range(count)), "fragment F{} on User {{ id }} "
    return f"{{ viewer {{ {spread} }} }} " + "".join(defined.format(n) for n in range(count))


def as_dear_as(points: int) -> str:
    inner = "... on Folder { children(first: 48) { edges { node { id } } } }"
    page = f"children(first: 100) {{ edges {{ node {{ {inner} }} }} }}"
    ids = ", ".join(['"x"'] * (points - 9_902))
    return f'{{ folder(id: "x") {{ {page} }} nodes(ids: [{ids}]) {{ id }} }}'


BORDERS: dict[str, tuple[int, Made]] = {
    "fields one within another": (limits.DEPTH_MAX, fields_deep),
    "the same in fragments": (limits.DEPTH_MAX, fields_deep_in_fragments),
    "selections one within another": (limits.NESTING_MAX, selections_deep),
    "fragments one within another": (limits.NESTING_MAX, chain_of_fragments),
    "fields": (limits.FIELDS_MAX, many_fields),
    "aliases": (limits.ALIASES_MAX, lambda n: "{ viewer { " + " ".join(f"a{i}: id" for i in range(n)) + " } }"),
    "directives": (limits.DIRECTIVES_MAX, lambda n: "{ viewer { " + "id @include(if: true) " * n + "} }"),
    "fields at the root": (limits.ROOT_FIELDS_MAX, lambda n: "{ " + "viewer { id } " * n + "}"),
    "fields at the root in fragments": (
        limits.ROOT_FIELDS_MAX,
        lambda n: "{ ...Q ... { viewer { id } } } fragment Q on Query { " + "viewer { id } " * (n - 1) + "}",
    ),
    "mutations": (limits.MUTATIONS_MAX, lambda n: "mutation { " + many_mutations(n) + " }"),
    "mutations in fragments": (
        limits.MUTATIONS_MAX,
        lambda n: (
            "mutation { ...M ... { "
            + many_mutations(1)
            + " } } fragment M on Mutation { "
            # the first has an alias of its own, for two of one name would be one
            + many_mutations(n).partition("} } ")[2].replace("m0:", "x:")
            + " }"
        ),
    ),
    "fragments": (limits.FRAGMENTS_MAX, many_fragments),
    "variables": (limits.VARIABLES_MAX, many_variables),
    "operations": (limits.OPERATIONS_MAX, lambda n: " ".join(f"query Q{i} {{ viewer {{ id }} }}" for i in range(n))),
    "tokens": (limits.TOKENS_MAX, lambda n: '{ nodes(ids: [ "x", ' + '"x" ' * (n - 13) + "]) { id } }"),
    "comments": (limits.COMMENTS_MAX, lambda n: "# x\n" * n + "{ viewer { id } }"),
    "characters": (limits.SOURCE_CHARACTERS_MAX, VIEWER.ljust),
    "points": (prices.PRICE_MAX, as_dear_as),
}


@pytest.mark.parametrize(("limit", "made"), BORDERS.values(), ids=BORDERS)
def test_what_is_as_large_as_it_may_be_runs_and_what_is_larger_does_not(limit: int, made: Made) -> None:
    variables = {f"v{n}": "x" for n in range(limits.VARIABLES_MAX + 1)}
    name = "Q0" if "query Q0" in made(limit) else None
    assert ENGINE.operation(Ask(made(limit), name, variables)).price.points <= prices.PRICE_MAX
    with pytest.raises(Refused) as refused:
        ENGINE.operation(Ask(made(limit + 1), name, variables))
    assert refused.value.code in {Code.LIMITED, documents.PARSE_FAILED}
    assert re.search(rf"\b{limit}\b", refused.value.errors[0].message)


async def test_every_way_in_has_the_same_limits(url: str, alice: Person) -> None:
    most, more = fields_deep(limits.DEPTH_MAX), fields_deep(limits.DEPTH_MAX + 1)
    for answer in (await alice.post({"query": most}), await alice.get(query=most)):
        assert answer.status_code == 200
    assert '"data"' in (await alice.post({"query": most}, Accept=EVENTS)).text
    for answer in (await alice.post({"query": more}), await alice.get(query=more)):
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]) == (400, {"code": "LIMITED"})
    assert '"LIMITED"' in (await alice.post({"query": more}, Accept=EVENTS)).text
    async with talking(url) as talk:
        await talk.init(alice.token)
        await talk.subscribe("most", most)
        assert [(await talk.hear())["type"], (await talk.hear())["type"]] == ["next", "complete"]
        await talk.subscribe("more", more)
        assert (await talk.hear())["payload"][0]["extensions"] == {"code": "LIMITED"}


def body_of(size: int) -> bytes:
    return orjson.dumps({"query": VIEWER}).ljust(size)


@pytest.mark.parametrize("has_length", [True, False], ids=["with its length", "in chunks"])
async def test_a_body_is_as_long_as_it_may_be_and_no_longer(alice: Person, has_length: bool) -> None:
    async def pieces(body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), 50_000):
            yield body[start : start + 50_000]

    async def sent(body: bytes) -> httpx.Response:
        return await alice.post(body if has_length else pieces(body))

    assert (await sent(body_of(BODY_BYTES_MAX))).json()["data"]
    assert (await sent(body_of(BODY_BYTES_MAX + 1))).status_code == 413


async def test_a_query_string_is_as_long_as_it_may_be_and_no_longer(alice: Person) -> None:
    async def asked(size: int) -> httpx.Response:
        text = "query=%7Bviewer%7Bemail%7D%7D"
        return await alice.client.get(f"/graphql?{text}{'+' * (size - len(text))}", headers=alice.headers)

    assert (await asked(QUERY_STRING_BYTES_MAX)).json()["data"]
    assert (await asked(QUERY_STRING_BYTES_MAX + 1)).status_code == 414


async def test_json_is_nested_as_deeply_as_it_may_be_and_no_deeper(alice: Person) -> None:
    async def asked(depth: int) -> httpx.Response:
        brackets = "[" * (depth - 1) + "]" * (depth - 1)
        return await alice.post(f'{{"query": "{VIEWER}", "extensions": {{"a": {brackets}}}}}'.encode())

    assert (await asked(JSON_DEPTH_MAX)).status_code == 200
    refused = await asked(JSON_DEPTH_MAX + 1)
    assert (refused.status_code, "nested" in refused.text) == (400, True)


async def test_a_message_of_a_socket_is_as_long_as_it_may_be_and_no_longer(url: str, alice: Person) -> None:
    async with talking(url) as talk:
        await talk.init(alice.token)
        message = orjson.dumps({"id": "a", "type": "subscribe", "payload": {"query": VIEWER}}).decode()
        await talk.say(message.ljust(BODY_BYTES_MAX))
        assert (await talk.hear())["type"] == "next"
        await talk.say(message.ljust(BODY_BYTES_MAX + 1))
        assert (await talk.closing())[0] == 1009


async def test_there_are_no_batches_on_any_way_in(url: str, alice: Person) -> None:
    batch = orjson.dumps([{"query": VIEWER}])
    for answer in (await alice.post(batch), await alice.post(batch, Accept=EVENTS)):
        assert (answer.status_code, "no batches" in answer.text) == (400, True)
    async with talking(url) as talk:
        await talk.init(alice.token)
        await talk.say({"id": "a", "type": "subscribe", "payload": [{"query": VIEWER}]})
        assert (await talk.closing())[0] == 4400
