"""The table of ways has a row for every way there is: a new one cannot be forgotten."""

from starlette.routing import Mount, Route, WebSocketRoute

from tests.proof import ways
from vaultstream.gql import schema
from vaultstream.http.app import create_app
from vaultstream.settings import Settings


def fields(kind: str) -> set[str]:
    return set(schema.executable().type_map[kind].fields)  # type: ignore[union-attr]  # an object type


def test_every_mutation_has_a_row() -> None:
    assert fields("Mutation") == {way.name for way in ways.MUTATIONS}


def test_every_row_of_a_mutation_fills_what_is_its_to_fill() -> None:
    for way in ways.MUTATIONS:
        kind = f"{way.name[0].upper()}{way.name[1:]}Input"
        known = schema.executable().type_map[kind].fields  # type: ignore[union-attr]  # an input type
        wanted = {name for name, each in known.items() if str(each.type).endswith("!") and each.default_value is None}
        given = {need.field for need in way.needs} | set(way.given)
        assert wanted <= given | {"mentions", "viewOnly"}, way
        assert given <= set(known), way


def test_every_id_that_a_mutation_takes_is_of_a_row() -> None:
    """An id in an input is the way to something: each is tried with somebody else's."""
    tried = {(way.name, need.field) for way in ways.MUTATIONS for need in way.needs}
    for name, each in schema.executable().type_map["Mutation"].fields.items():  # type: ignore[union-attr]
        known = each.args["input"].type.of_type.fields
        taken = {field for field, its in known.items() if str(its.type).strip("[]!") == "ID"}
        assert taken == {field for mutation, field in tried if mutation == name}, name


def test_every_query_has_a_row() -> None:
    assert fields("Query") == {way.name for way in ways.QUERIES} | ways.OTHER_QUERIES | ways.OWN_QUERIES


def test_every_subscription_has_a_row() -> None:
    assert fields("Subscription") == {way.name for way in ways.SUBSCRIPTIONS}


def test_every_route_has_a_row(settings: Settings) -> None:
    app = create_app(settings)._app._app  # the routes are behind the envelope and the way past them
    found = {route.path for route in app.routes if isinstance(route, Route | WebSocketRoute | Mount)}  # type: ignore[attr-defined]
    assert len(app.routes) == len(found) + 1  # /graphql is there for HTTP and for WebSockets
    assert {path or "/" for path in found} == set(ways.ITEM_ROUTES) | ways.PLAIN_ROUTES | ways.AUDIT_ROUTES
