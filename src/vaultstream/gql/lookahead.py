"""Looking ahead in the selection, so that a parent can be loaded together with what is asked of it."""

from collections.abc import Iterable, Iterator

from graphql import FieldNode, FragmentSpreadNode, GraphQLResolveInfo, SelectionNode, SelectionSetNode
from strawberry.types.nodes import convert_arguments, convert_directives

from vaultstream.errors import VaultError
from vaultstream.gql.context import Context, Info
from vaultstream.gql.pages import Turn, turn

_Told = GraphQLResolveInfo[Context]


def page_of(info: Info, connection: str, *, prefix: str) -> Turn | None:
    """The page of this connection that is asked of the object being resolved; None where none is, or unlawfully.

    What is unlawful is left for the connection's own resolver to refuse, in its own place.
    """
    told = info._raw_info  # noqa: SLF001  # `selected_fields` converts all that lies below, at every request
    for field in _fields(told, told.field_nodes):
        for inner in _fields(told, _within(field.selection_set)):
            if inner.name.value == connection:
                return _turn(told, inner, prefix)
    return None


def _turn(told: _Told, field: FieldNode, prefix: str) -> Turn | None:
    arguments = convert_arguments(told, field.arguments)
    after = arguments.get("after")
    if arguments.keys() - {"first", "after"}:
        return None  # a list of another kind than the one that comes with the object
    if not isinstance(after, str | None):
        return None
    try:
        return turn(int(arguments["first"]), after, prefix=prefix)  # literals are left as their text
    except (VaultError, ValueError):
        return None


def _fields(told: _Told, nodes: Iterable[SelectionNode]) -> Iterator[FieldNode]:
    """The fields among the selections and in their fragments, but those left out by @skip or @include."""
    for node in nodes:
        if _is_left_out(told, node):
            continue
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, FragmentSpreadNode):
            yield from _fields(told, _within(told.fragments[node.name.value].selection_set))
        else:
            yield from _fields(told, _within(getattr(node, "selection_set", None)))


def _is_left_out(told: _Told, node: SelectionNode) -> bool:
    if not node.directives:
        return False
    directives = convert_directives(told, node.directives)
    return directives.get("skip", {}).get("if") is True or directives.get("include", {}).get("if") is False


def _within(selections: SelectionSetNode | None) -> Iterable[SelectionNode]:
    return selections.selections if selections else ()
