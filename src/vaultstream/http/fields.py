"""A request's header fields, decoded once: a look into Starlette's own decodes and walks all of them each time."""

from collections.abc import Mapping

from starlette.types import Scope

_FIELDS = "vaultstream.fields"


def fields_of(scope: Scope) -> Mapping[str, str]:
    """The fields by their names in lower case; of one that was sent twice the first counts, as in Starlette."""
    fields: Mapping[str, str] | None = scope.get(_FIELDS)
    if fields is None:
        sent = reversed(scope["headers"])
        fields = scope[_FIELDS] = {name.decode("latin-1"): value.decode("latin-1") for name, value in sent}
    return fields
