"""Looking ahead in the selection, so that a parent can be loaded together with what is asked of it."""

from collections.abc import Iterator, Sequence

from strawberry.types.nodes import SelectedField, Selection

from vaultstream.errors import VaultError
from vaultstream.gql.context import Info
from vaultstream.gql.pages import Turn, turn


def page_of(info: Info, connection: str, *, prefix: str) -> Turn | None:
    """The page of this connection that is asked of the object being resolved; None where none is, or unlawfully.

    What is unlawful is left for the connection's own resolver to refuse, in its own place.
    """
    for field in _fields(info.selected_fields):
        for inner in _fields(field.selections):
            if inner.name == connection:
                return _turn(inner, prefix)
    return None


def _turn(field: SelectedField, prefix: str) -> Turn | None:
    after = field.arguments.get("after")
    if field.arguments.keys() - {"first", "after"}:
        return None  # a list of another kind than the one that comes with the object
    if not isinstance(after, str | None):
        return None
    try:
        return turn(int(field.arguments["first"]), after, prefix=prefix)  # Strawberry leaves literals as their text
    except (VaultError, ValueError):
        return None


def _fields(selections: Sequence[Selection]) -> Iterator[SelectedField]:
    """The fields among the selections and in their fragments, but those left out by @skip or @include."""
    for selection in selections:
        directives = selection.directives
        if directives.get("skip", {}).get("if") is True or directives.get("include", {}).get("if") is False:
            continue
        if isinstance(selection, SelectedField):
            yield selection
        else:
            yield from _fields(selection.selections)
