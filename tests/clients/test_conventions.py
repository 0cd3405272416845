"""What partners' tools take for granted: Relay's specifications, and deprecation that breaks nobody."""

from collections.abc import Iterator

import pytest
from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    get_named_type,
    is_required_argument,
    is_required_input_field,
    parse,
)
from programs import SCHEMA, documents

CONTRACT = build_schema(SCHEMA.read_text())
Member = GraphQLField | GraphQLArgument | GraphQLInputField | GraphQLEnumValue


def typed(fields: dict[str, GraphQLField]) -> dict[str, str]:
    """Each field's type as the contract writes it."""
    return {name: str(field.type) for name, field in fields.items()}


def arguments(field: GraphQLField) -> dict[str, str]:
    """Each argument's type as the contract writes it."""
    return {name: str(argument.type) for name, argument in field.args.items()}


def outputs() -> Iterator[tuple[str, GraphQLField]]:
    """Every field of every object and interface, by its whole name."""
    for name, kind in CONTRACT.type_map.items():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and not name.startswith("__"):
            yield from ((f"{name}.{member}", field) for member, field in kind.fields.items())


def test_any_node_is_fetched_again_by_its_id() -> None:
    node, query = CONTRACT.type_map["Node"], CONTRACT.query_type
    assert isinstance(node, GraphQLInterfaceType)
    assert typed(node.fields) == {"id": "ID!"}
    assert query is not None
    assert (str(query.fields["node"].type), arguments(query.fields["node"])) == ("Node", {"id": "ID!"})
    assert (str(query.fields["nodes"].type), arguments(query.fields["nodes"])) == ("[Node]!", {"ids": "[ID!]!"})


def test_page_info_is_as_relay_wants_it() -> None:
    page = CONTRACT.type_map["PageInfo"]
    assert isinstance(page, GraphQLObjectType)
    flags, cursors = ("hasNextPage", "hasPreviousPage"), ("startCursor", "endCursor")
    assert typed(page.fields) == dict.fromkeys(flags, "Boolean!") | dict.fromkeys(cursors, "String")


def test_each_edge_has_a_cursor_and_a_node_and_each_connection_is_walked_by_first_and_after() -> None:
    fields = dict(outputs())
    pages = {name: each for name, each in fields.items() if get_named_type(each.type).name.endswith("Connection")}
    assert len(pages) > 10
    for name, page in pages.items():
        assert str(page.type).endswith("Connection!") or name.startswith("SharedItem."), name
        assert {"first": "Int!", "after": "String"}.items() <= arguments(page).items(), name
        noun = get_named_type(page.type).name.removesuffix("Connection")
        assert (str(fields[f"{noun}Edge.cursor"].type), str(fields[f"{noun}Edge.node"].type)) == ("String!", f"{noun}!")


def members(kind: GraphQLNamedType) -> Iterator[tuple[str, Member]]:
    """All of a type that can be deprecated."""
    if isinstance(kind, GraphQLEnumType):
        yield from kind.values.items()
    elif isinstance(kind, GraphQLInputObjectType):
        yield from kind.fields.items()
    elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in kind.fields.items():
            yield name, field
            yield from ((f"{name}({argument})", each) for argument, each in field.args.items())


def hasty(contract: GraphQLSchema) -> list[str]:
    """What is deprecated without saying what to use in its place, or while every request still has to give it."""
    return [
        f"{kind.name}.{name}"
        for kind in contract.type_map.values()
        for name, member in members(kind)
        if member.deprecation_reason is not None
        and (len(member.deprecation_reason.split()) < 2 or _is_required(member) or "`" not in member.deprecation_reason)
    ]


def _is_required(member: Member) -> bool:
    if isinstance(member, GraphQLArgument):
        return is_required_argument(member)
    return isinstance(member, GraphQLInputField) and is_required_input_field(member)


def test_what_is_deprecated_says_what_to_use_in_its_place_and_nobody_has_to_give_it() -> None:
    assert hasty(CONTRACT) == []


@pytest.mark.parametrize(
    ("deprecated", "is_hasty"),
    [
        ('f: Int @deprecated(reason: "Use `g`.")', False),
        ("f: Int @deprecated", True),
        ('f: Int @deprecated(reason: "")', True),
        ('f(a: Int @deprecated(reason: "Use `b`."), b: Int): Int', False),
        ('f(a: Int! @deprecated(reason: "Use `b`."), b: Int): Int', True),
    ],
)
def test_a_hasty_deprecation_is_seen(deprecated: str, is_hasty: bool) -> None:
    contract = build_schema(f"type Query {{ g: Int {deprecated} }}", assume_valid=True, assume_valid_sdl=True)
    assert bool(hasty(contract)) == is_hasty


def test_clients_ask_every_operation_there_is() -> None:
    kinds = {kind: CONTRACT.get_root_type(kind) for kind in OperationType}
    there = {(kind, name) for kind, of in kinds.items() if of for name in of.fields}
    operations = [node for node in parse(documents()).definitions if isinstance(node, OperationDefinitionNode)]
    asked = {
        (operation.operation, field.name.value)
        for operation in operations
        for field in operation.selection_set.selections
        if isinstance(field, FieldNode)
    }
    assert there - asked == set()
