"""The contract: written down, described to the last word, and never broken unnoticed."""

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
    is_specified_scalar_type,
)

from vaultstream import uploads, versions
from vaultstream.errors import Code
from vaultstream.gql import errors, schema, states

ROOT = Path(__file__).parents[2]
FILE = ROOT / "schema" / "schema.graphql"
WRITTEN = build_schema(FILE.read_text())


def test_the_file_is_what_the_code_says() -> None:
    assert FILE.read_text() == schema.sdl(), "run `make schema`, and look at the diff"


def test_nothing_breaks_the_contract_as_it_was_last_committed() -> None:
    shown = subprocess.run(
        ["git", "show", "HEAD:schema/schema.graphql"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if shown.returncode != 0:
        pytest.skip("there is no earlier contract to compare with")
    announced = (ROOT / "CHANGELOG.md").read_text()  # a break is announced in these very words, with its reason
    changes = find_breaking_changes(build_schema(shown.stdout), WRITTEN)
    assert [change.description for change in changes if change.description not in announced] == []


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


@pytest.mark.parametrize(
    ("shown", "noun"),
    [
        (states.ScanStatus, versions.ScanStatus),
        (states.ThumbnailStatus, versions.ThumbnailStatus),
        (states.StorageTier, versions.StorageTier),
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
