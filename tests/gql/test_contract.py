"""The contract: written down, described to the last word, and never broken unnoticed."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    get_named_type,
    is_leaf_type,
    is_specified_scalar_type,
)

from vaultstream import tiers, uploads, versions
from vaultstream.errors import Code
from vaultstream.gql import errors, prices, schema, states

ROOT = Path(__file__).parents[2]
FILE = ROOT / "schema" / "schema.graphql"
WRITTEN = build_schema(FILE.read_text())
HEADING = "Breaks of the contract"


def test_the_file_is_what_the_code_says() -> None:
    assert FILE.read_text() == schema.sdl(), "run `make schema`, and look at the diff"


def git(*arguments: str) -> str | None:
    """What git says; None where it knows nothing of that."""
    said = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return said.stdout.strip() if said.returncode == 0 else None


def earlier_contracts() -> dict[str, str]:
    """The contract of the last release, of the main line, and of the commits before and at this one, by commit."""
    release = git("describe", "--tags", "--abbrev=0", "--match", "v*")
    names = [name for name in (release, "origin/main", "main", "HEAD^", "HEAD") if name]
    commits = {git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") for name in names} - {None}
    shown = {commit: git("show", f"{commit}:schema/schema.graphql") for commit in commits if commit}
    return {commit: text for commit, text in shown.items() if text}


def unannounced(before: GraphQLSchema, after: GraphQLSchema, changelog: str) -> list[str]:
    """What breaks a client of the contract before, and is not told of in the changelog's newest section.

    It is told there under "Breaks of the contract", each break in these very words as an item of a list.
    """
    newest = re.split(r"^## ", changelog, flags=re.MULTILINE)[1]
    told = [part for part in re.split(r"^### ", newest, flags=re.MULTILINE) if part.startswith(HEADING)]
    announced = {line.removeprefix("- ").strip() for part in told for line in part.splitlines()}
    return [
        change.description for change in find_breaking_changes(before, after) if change.description not in announced
    ]


def test_nothing_breaks_an_earlier_contract_unannounced() -> None:
    contracts = earlier_contracts()
    if not contracts:
        pytest.skip("there is no earlier contract here to compare with")
    changelog = (ROOT / "CHANGELOG.md").read_text()
    found = {commit: unannounced(build_schema(text), WRITTEN, changelog) for commit, text in contracts.items()}
    assert {commit: breaks for commit, breaks in found.items() if breaks} == {}


def test_a_break_is_announced_in_the_newest_section_and_nowhere_else() -> None:
    text = FILE.read_text()
    changed = build_schema(text.replace("revision: Int!", "revision: Int"), assume_valid=True)
    breaks = [change.description for change in find_breaking_changes(WRITTEN, changed)]
    assert len(breaks) > 1
    told = f"### {HEADING}\n\nBecause.\n\n" + "".join(f"- {one}\n" for one in breaks)
    newest, before = "## 0.2.0 (unreleased)\n\n- News.\n\n", "\n## 0.1.0\n\n- Old news.\n\n"
    assert unannounced(WRITTEN, changed, newest + told + before) == []
    assert unannounced(WRITTEN, changed, newest + before + told) == breaks
    assert unannounced(WRITTEN, changed, newest + told.replace(HEADING, "Other") + before) == breaks
    assert unannounced(WRITTEN, changed, newest + told.replace(f"- {breaks[0]}\n", "") + before) == breaks[:1]


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("revision: Int!", "version: Int!"),
        ("revision: Int!", "revision: Int"),
        ("  SCANNING\n", "  LOOKING\n"),
        ("idempotencyKey: String = null", "idempotencyKey: String!"),
        ("type Folder implements Item & Node", "type Folder implements Node"),
    ],
)
def test_a_change_that_breaks_a_client_is_seen(was: str, now: str) -> None:
    changed = build_schema(FILE.read_text().replace(was, now), assume_valid_sdl=True, assume_valid=True)
    assert find_breaking_changes(WRITTEN, changed)


def described(types: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Every type, field, argument and enum value of ours with its description."""
    for name, kind in types.type_map.items():
        if not name.startswith("__") and not is_specified_scalar_type(kind):
            yield name, kind.description
            yield from ((f"{name}.{member}", text) for member, text in members(kind))


def members(kind: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    if isinstance(kind, GraphQLEnumType):
        yield from ((name, value.description) for name, value in kind.values.items())
    elif isinstance(kind, GraphQLInputObjectType):
        yield from ((name, field.description) for name, field in kind.fields.items())
    elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in kind.fields.items():
            yield name, field.description
            yield from ((f"{name}({argument})", each.description) for argument, each in field.args.items())
    else:
        assert isinstance(kind, GraphQLScalarType)


def test_everything_has_a_description() -> None:
    everything = dict(described(WRITTEN))
    assert len(everything) > 200
    assert [name for name, text in everything.items() if not (text or "").strip()] == []
    assert [name for name, text in everything.items() if not (text or "").endswith((".", ")"))] == []


def test_mutations_take_one_input_and_answer_with_one_object_and_errors() -> None:
    mutations = WRITTEN.mutation_type
    assert mutations is not None
    for name, field in mutations.fields.items():
        kind = name[0].upper() + name[1:]
        assert {argument: str(each.type) for argument, each in field.args.items()} == {"input": f"{kind}Input!"}
        assert str(field.type) == f"{kind}Payload!"
        payload = WRITTEN.type_map[f"{kind}Payload"]
        assert isinstance(payload, GraphQLObjectType)
        assert str(payload.fields["errors"].type) == "[UserError!]!"


def test_every_id_of_a_noun_is_that_of_a_node_and_lists_are_connections() -> None:
    for name, kind in WRITTEN.type_map.items():
        if isinstance(kind, GraphQLObjectType) and "id" in kind.fields:
            assert WRITTEN.type_map["Node"] in kind.interfaces, name
        if name.endswith("Connection"):
            assert isinstance(kind, GraphQLObjectType)
            assert {field: str(each.type) for field, each in kind.fields.items()} == {
                "edges": f"[{name.removesuffix('Connection')}Edge!]!",
                "pageInfo": "PageInfo!",
            }


def test_all_that_has_a_price_of_its_own_is_known_by_its_name() -> None:
    """Prices are read off the syntax: a list says how long it may be, and a dear name means one thing only."""
    for name, kind in WRITTEN.type_map.items():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and not name.startswith("__"):
            for field, each in kind.fields.items():
                is_page = str(each.type).rstrip("!").endswith("Connection")
                assert ("first" in each.args) == is_page, f"{name}.{field}"
                assert not is_page or str(each.args["first"].type) == "Int!", f"{name}.{field}"
                assert not {"last", "limit", "count"} & each.args.keys(), f"{name}.{field}"
                is_list = "[" in str(each.type) and not is_leaf_type(get_named_type(each.type))
                priced = {"edges", "errors", "nodes", *prices.WHOLE_LISTS}  # a page's own, at most one, by ids, whole
                assert is_list == (field in priced), f"{name}.{field}"
                assert field != "search" or name == "Query"


@pytest.mark.parametrize(
    ("shown", "noun"),
    [
        (states.ScanStatus, versions.ScanStatus),
        (states.ThumbnailStatus, versions.ThumbnailStatus),
        (states.StorageTier, tiers.StorageTier),
        (states.RestoreStatus, versions.RestoreStatus),
        (states.UploadStatus, uploads.UploadStatus),
    ],
)
def test_an_enum_has_the_words_of_its_noun(shown: type, noun: type) -> None:
    assert [member.name for member in shown] == [member.name for member in noun]  # type: ignore[attr-defined]  # enums
    assert [member.value for member in shown] == [member.value for member in noun]  # type: ignore[attr-defined]


def test_every_code_is_either_data_or_a_top_level_error() -> None:
    assert set(errors.USER_ERRORS) | errors.TOP_LEVEL == set(Code)
    assert set(errors.USER_ERRORS) & errors.TOP_LEVEL == set()
    assert {code.value for code in errors.USER_ERRORS} == {member.name for member in errors.ErrorCode}
