"""On the vault's own schema, over a real table: whatever is asked, a plan answers what graphql-core answers."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from graphql import (
    ExecutionResult,
    GraphQLArgument,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    execute,
    get_named_type,
    is_abstract_type,
    is_enum_type,
    is_leaf_type,
    is_required_argument,
    parse,
    validate,
)
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.actions.sharing_world import give, make_link, tree
from vaultstream.actions import account, comment
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.vault import Vault
from vaultstream.breadth import compile_plan
from vaultstream.gql import schema
from vaultstream.gql.context import Context
from vaultstream.gql.documents import Documents
from vaultstream.shares import Role

SCHEMA = schema.executable()
DEPTH_MAX = 5
# What differs from one moment to the next, or from one run to the next by design; and what no plan has.
UNEQUAL = {"url", "thumbnailUrl", "downloadUrl", "rateLimit", "shareLink", "uploads"}
UNEQUAL |= {"completeSince", "completeUntil", "until"}


@dataclass(frozen=True)
class People:
    """An owner and a guest of some of what she has, and every id that either might ask for."""

    owner: Actor
    guest: Actor
    ids: tuple[str, ...]


async def newcomer(vault: Vault) -> Actor:
    name, origin = secrets.token_hex(6), Origin("test", "127.0.0.1", "tests")
    user_id = await account.sign_in(vault, f"{name}@example.com", name, origin)
    return Actor(user_id, origin, datetime.now(UTC) + timedelta(hours=1))


@pytest.fixture(scope="module")
async def people(vault: Vault) -> People:
    owner, guest = await newcomer(vault), await newcomer(vault)
    its = await tree(vault, owner)
    share = await give(vault, owner, its.inner.id, guest, Role.COMMENTER)
    said = await comment.add(vault, guest, its.file.id, "hello")
    reply = await comment.add(vault, owner, its.file.id, "well", reply_to_id=said.id)
    link = await make_link(vault, owner, its.file.id)
    root = (await account.viewer(vault, owner.user_id)).root_folder_id
    found = (root, its.outer.id, its.inner.id, its.file.id, its.file.current.id, share.id, said.id, reply.id)
    return People(owner, guest, (*found, link.link.id, owner.user_id, guest.user_id, "file_nothing", "nonsense"))


OPTIONAL = {
    "Int": ("null", "64"),
    "ItemOrder": ("null", "{field: NAME}", "{field: SIZE, direction: DESC}"),
    "ItemWhere": ("null", "{}", "{kind: FILE}", '{namePrefix: "a"}'),
}


@dataclass
class Asker:
    """Makes lawful questions of the vault's schema; some of them are refused by a resolver."""

    chance: Random
    ids: tuple[str, ...]
    aliases: int = 0

    def question(self) -> str:
        assert SCHEMA.query_type is not None
        return f"query {self.selection(SCHEMA.query_type, DEPTH_MAX)}"

    def selection(self, kind: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> str:
        fields = list(self.fields(kind, depth))
        possible = SCHEMA.get_possible_types(kind) if is_abstract_type(kind) else ()
        chosen = [each for each in possible if self.chance.random() < 0.3]
        fields += [f"... on {each.name} {self.selection(each, depth)}" for each in chosen]
        return f"{{ __typename {' '.join(fields)} }}"

    def fields(self, kind: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> Iterator[str]:
        known = [(name, field) for name, field in kind.fields.items() if name not in UNEQUAL]
        for name, field in self.chance.sample(known, min(len(known), self.chance.randint(1, 6))):
            below = get_named_type(field.type)
            if not is_leaf_type(below) and depth == 0:
                continue
            self.aliases += 1
            inner = "" if is_leaf_type(below) else self.selection(below, depth - 1)
            yield f"a{self.aliases}: {name}{self.arguments(field)} {inner}"

    def arguments(self, field: GraphQLField) -> str:
        given = [
            f"{name}: {json.dumps(self.value(name, argument))}"
            for name, argument in field.args.items()
            if is_required_argument(argument)
        ]
        chosen = ((name, OPTIONAL.get(str(argument.type))) for name, argument in field.args.items())
        given += [f"{name}: {self.chance.choice(ways)}" for name, ways in chosen if ways and self.chance.random() < 0.3]
        return f"({', '.join(given)})" if given else ""

    def value(self, name: str, argument: GraphQLArgument) -> Any:
        if name in {"id", "itemId", "userId"}:
            return self.chance.choice(self.ids)
        if name == "ids":
            return self.chance.choices(self.ids, k=3)
        if name == "first":
            return self.chance.choice((1, 2, 100, 100, 100, 0))
        if name == "since":
            return self.chance.choice(("2026-01-31T12:00:00Z", "2126-01-31T12:00:00Z"))
        assert not is_enum_type(get_named_type(argument.type)), f"say how {name} is asked for"
        return "o"


async def by_graphql_core(text: str, context: Context) -> ExecutionResult:
    result = execute(SCHEMA, parse(text), context_value=context)
    return result if isinstance(result, ExecutionResult) else await result


# graphql-core's own, as tests/breadth/test_same_as_graphql_core.py says.
@pytest.mark.filterwarnings(r"ignore:coroutine '(Executor\.|GraphQLCoreConverter\.from_resolver\.):RuntimeWarning")
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(st.randoms(use_true_random=False), st.booleans())
async def test_whatever_is_asked_is_answered_alike(
    vault: Vault, people: People, chance: Random, by_owner: bool
) -> None:
    text = Asker(chance, people.ids).question()
    note(text)
    document = parse(text)
    assert validate(SCHEMA, document) == []
    actor = people.owner if by_owner else people.guest
    plan = compile_plan(SCHEMA, document)
    assert plan is not None
    expected = await by_graphql_core(text, Context(vault, actor))
    answer = await plan.execute(None, Context(vault, actor), {})
    assert json.dumps(answer.data, default=str) == json.dumps(expected.data, default=str)
    # Where two errors could null the same place, the one that came first is told, in either executor.
    assert (answer.errors is None) == (expected.errors is None)
    assert plan.tally.compiled == (expected.errors is None), "what has no error is the plan's own answer"


def test_a_field_that_does_more_than_read_is_in_no_plan() -> None:
    documents = Documents(SCHEMA, introspection=True)
    hidden = """query ($token: String!) { ...deep } fragment deep on Query { shareLink(token: $token) { name } }"""
    assert documents.read("{ viewer { id } }").plan(None) is not None
    assert documents.read(hidden).plan(None) is None
    mutation = """mutation { folderCreate(input: {parentId: "x", name: "y"}) { errors { message } } }"""
    assert documents.read(mutation).plan(None) is None


def test_a_plan_is_made_once_for_each_operation_of_a_document() -> None:
    document = Documents(SCHEMA, introspection=True).read("query A { viewer { id } } query B { viewer { email } }")
    assert document.plan("A") is document.plan("A")
    assert document.plan("A") is not document.plan("B")


async def test_an_error_in_one_place_takes_nothing_from_another(vault: Vault, people: People) -> None:
    """graphql-core cancels what stands beside an error: the owner is loaded for both places at once."""
    file_id = next(each for each in people.ids if each.startswith("file_"))
    asked = f"""{{
        a: file(id: "{file_id}") {{ owner {{ id }} versions(first: 0) {{ pageInfo {{ hasNextPage }} }} }}
        b: file(id: "{file_id}") {{ owner {{ id }} }}
    }}"""
    for answer in (
        await by_graphql_core(asked, Context(vault, people.owner)),
        await compile_plan(SCHEMA, parse(asked)).execute(None, Context(vault, people.owner), {}),  # type: ignore[union-attr]
    ):
        assert answer.data == {"a": None, "b": {"owner": {"id": people.owner.user_id}}}
        assert [error.path for error in answer.errors or ()] == [["a", "versions"]]
