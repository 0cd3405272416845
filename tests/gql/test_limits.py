"""No operation is larger than its limits, and finding that out costs little."""

import orjson
import pytest
from graphql import get_introspection_query
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.gql import documents, limits, prices, schema
from vaultstream.gql.documents import Documents, Refused
from vaultstream.gql.execution import Ask, Engine, refusal
from vaultstream.http.graphql_request import BODY_BYTES_MAX

CHILDREN = "edges { node { id name } }"


ABORT = 'uploadAbort(input: {uploadId: "x"}) { errors { code } }'


def listed(arguments: str) -> str:
    """A page of a folder's children."""
    declared = {"where": "ItemWhere", "kind": "ItemWhere = {kind: FILE}", "by": "ItemOrderField!"}
    declared |= {"order": "ItemOrder", "n": "Int = 5"}
    used = " ".join(f"${name}: {kind}" for name, kind in declared.items() if f"${name}" in arguments)
    return f'query {f"({used})" if used else ""} {{ folder(id: "x") {{ children({arguments}) {{ {CHILDREN} }} }} }}'


def engine() -> Engine:
    return Engine(schema.executable(), introspection=True)


def nested(levels: int) -> str:
    """A lawful query so many fields deep."""
    return "{ viewer { rootFolder { " + "parent { " * (levels - 3) + "id" + " }" * (levels - 3) + " } } }"


def chained(count: int) -> str:
    """Fragments each of which spreads the next one twice."""
    links = (f"fragment F{n} on Folder {{ ...F{n + 1} ...F{n + 1} id }}" for n in range(count))
    return "{ viewer { rootFolder { ...F0 } } } " + " ".join(links) + f" fragment F{count} on Folder {{ id }}"


FLOODS = {
    "depth": nested(16),
    "depth through fragments": "{ viewer { rootFolder { ...A } } } fragment A on Folder { "
    + "parent { " * 14
    + "id"
    + " }" * 15,
    "inline fragments": "{ viewer { " + "... { " * 40 + "id" + " }" * 40 + " } }",
    "aliases": "{ viewer { " + " ".join(f"a{n}: id" for n in range(51)) + " } }",
    "aliases in fragments": "{ viewer { ...F ...F ...F } } fragment F on User { "
    + " ".join(f"a{n}: id" for n in range(20))
    + " }",
    "fields": "{ viewer { rootFolder { " + "id " * 1_001 + "} } }",
    "root fields": "{ " + "viewer { id } " * 21 + "}",
    "mutations": "mutation { "
    + " ".join(f'm{n}: uploadAbort(input: {{uploadId: "x"}}) {{ errors {{ code }} }}' for n in range(11))
    + " }",
    "directives": "{ viewer { id " + "@include(if: true) " * 21 + "} }",
    "unknown directives": "{ viewer { id " + "@nobody " * 100 + "} }",
    "directives on the operation": "query " + "@nobody " * 21 + "{ viewer { id } }",
    "directives on variables": "query ($a: Int " + "@nobody " * 21 + ") { viewer { id } }",
    "fragments": "{ viewer { id } } " + " ".join(f"fragment F{n} on User {{ id }}" for n in range(51)),
    "a fragment bomb": chained(40),
    "operations": " ".join(f"query Q{n} {{ viewer {{ id }} }}" for n in range(11)),
    "variables": "query (" + " ".join(f"$v{n}: Int" for n in range(51)) + ") { viewer { id } }",
    "tokens": "{ viewer { " + "id " * 2_001 + "} }",
    "comments": "# x\n" * 300 + "{ viewer { id } }",
    "length": "{ viewer { id } }" + " " * 40_000,
    "a long literal": '{ node(id: "' + "x" * 90_000 + '") { id } }',
    "brackets": "{ a(b: " + "[" * 900 + "]" * 900 + ") }",
    "objects": "{ a(b: " + "{c: " * 600 + "1" + "}" * 600 + ") }",
    "types": "query ($a: " + "[" * 500 + "Int" + "]" * 500 + ") { viewer { id } }",
    "braces": "{ a " * 900,
}


@pytest.mark.parametrize("query", FLOODS.values(), ids=FLOODS)
def test_a_flood_is_refused_briefly(query: str) -> None:
    with pytest.raises(Refused) as refused:
        engine().operation(Ask(query))
    assert refused.value.code in {"LIMITED", documents.PARSE_FAILED}
    assert len(refused.value.errors) == 1
    assert len(refused.value.errors[0].message) < 200


def test_what_stays_within_the_limits_runs() -> None:
    lawful = [
        nested(limits.DEPTH_MAX),
        get_introspection_query(),
        get_introspection_query(specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True),
        "{ viewer { " + " ".join(f"a{n}: id" for n in range(50)) + " } }",
        chained(5),
    ]
    for query in lawful:
        assert engine().operation(Ask(query)).price.points <= prices.PRICE_MAX


def test_validation_tells_a_few_errors_and_then_stops() -> None:
    with pytest.raises(Refused) as refused:
        engine().operation(Ask("{ " + " ".join(f"nobody{n}" for n in range(20)) + " }"))
    assert refused.value.code == documents.VALIDATION_FAILED
    assert len(refused.value.errors) == documents.ERRORS_MAX + 1


LITERALS = {
    "5,000 digits for an Int": '{ folder(id: "x") { children(first: ' + "9" * 5_000 + ") { edges { cursor } } } }",
    "5,000 digits for a ByteSize": "mutation { uploadBegin(input: {sizeBytes: "
    + "9" * 5_000
    + "}) { errors { code } } }",
    "a long text for an Int": '{ folder(id: "x") { children(first: "' + "x" * 9_000 + '") { edges { cursor } } } }',
    "a long text for a Sha256": 'mutation { uploadBegin(input: {sha256: "' + "x" * 9_000 + '"}) { errors { code } } }',
    "a long name": "{ " + "x" * 9_000 + " }",
    "a long type": "query ($a: " + "X" * 9_000 + ") { viewer { id } }",
}


@pytest.mark.parametrize("query", LITERALS.values(), ids=LITERALS)
def test_what_was_sent_is_not_sent_back_at_length(query: str) -> None:
    with pytest.raises(Refused) as refused:
        engine().operation(Ask(query))
    assert len(orjson.dumps(refusal(refused.value))) < 2_000


def test_a_fragment_within_itself_is_refused_and_not_followed() -> None:
    for query in (
        "{ viewer { ...A } } fragment A on User { ...A }",
        "{ viewer { ...A } } fragment A on User { ...B } fragment B on User { ...A }",
    ):
        with pytest.raises(Refused) as refused:
            engine().operation(Ask(query))
        assert refused.value.code == documents.VALIDATION_FAILED


@given(st.text(alphabet="{}()[]:!$@.,\"'# abviewer0123\n", max_size=300))
def test_any_text_is_a_document_or_refused(text: str) -> None:
    try:
        Documents(schema.executable(), introspection=True).read(text)
    except Refused as refused:
        assert refused.errors


class TestCost:
    """One for each object that may be shown, multiplied by the pages it is on."""

    @pytest.mark.parametrize(
        ("query", "variables", "cost"),
        [
            ("{ __typename }", {}, 1),
            ("{ viewer { id } }", {}, 1),
            ("{ viewer { rootFolder { id } } }", {}, 2),
            (f'{{ folder(id: "x") {{ children(first: 10) {{ {CHILDREN} }} }} }}', {}, 22),
            (f'{{ folder(id: "x") {{ children(first: 100) {{ {CHILDREN} }} }} }}', {}, 202),
            (f'query ($n: Int!) {{ folder(id: "x") {{ children(first: $n) {{ {CHILDREN} }} }} }}', {"n": 5}, 12),
            (f'query ($n: Int!) {{ folder(id: "x") {{ children(first: $n) {{ {CHILDREN} }} }} }}', {}, 202),
            (f'query ($n: Int!) {{ folder(id: "x") {{ children(first: $n) {{ {CHILDREN} }} }} }}', {"n": -5}, 202),
            (f'query ($n: Int!) {{ folder(id: "x") {{ children(first: $n) {{ {CHILDREN} }} }} }}', {"n": 1e9}, 202),
            ('{ nodes(ids: "a") { id } b: nodes(ids: []) { id } }', {}, 2),
            ('{ nodes(ids: ["a", "b", "c"]) { ... on Folder { owner { id } } } }', {}, 6),
            ("query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Folder { owner { id } } } }", {"ids": ["a"] * 7}, 14),
            ("{ viewer { ...U } } fragment U on User { rootFolder { id } }", {}, 2),
            ('mutation { uploadAbort(input: {uploadId: "x"}) { errors { code } } }', {}, 12),
            ('mutation { fileTagsSet(input: {fileId: "x", tags: ["a", "b"]}) { errors { code } } }', {}, 14),
            (
                "mutation ($i: FileTagsSetInput!) { fileTagsSet(input: $i) { errors { code } } }",
                {"i": {"tags": ["a"] * 5}},
                17,
            ),
            ("mutation { ...M } fragment M on Mutation { a: " + ABORT + " b: " + ABORT + " }", {}, 24),
            (listed("first: 10"), {}, 22),
            (listed("first: 10, where: {kind: FILE}"), {}, 32),
            (listed("first: 10, where: null"), {}, 22),
            (listed("first: 10, where: $where"), {}, 22),
            (listed("first: 10, where: $where"), {"where": {"kind": "FILE"}}, 32),
            (listed("first: 10, where: $kind"), {}, 32),
            (listed("first: 10, where: $kind"), {"kind": None}, 22),
            (listed("first: 10, orderBy: {field: NAME, direction: DESC}"), {}, 22),
            (listed("first: 10, orderBy: {field: SIZE}"), {}, 42),
            (listed("first: 10, orderBy: {field: $by}"), {"by": "NAME"}, 22),
            (listed("first: 10, orderBy: {field: $by}"), {"by": "UPDATED"}, 42),
            (listed("first: 10, orderBy: $order"), {"order": {"field": "NAME"}}, 22),
            (listed("first: 10, orderBy: $order"), {"order": {"field": "SIZE"}}, 42),
            (listed("first: $n"), {}, 12),
            (f'{{ search(text: "x", first: 10) {{ {CHILDREN} }} }}', {}, 41),
            (f'{{ search(text: "x", first: 10, where: {{kind: FILE}}) {{ {CHILDREN} }} }}', {}, 51),
            ("{ rateLimit { remaining } }", {}, 1),
            ("{ viewer { rootFolder { ancestors { id } } } }", {}, 66),
            ("{ viewer { rootFolder { ancestors { owner { id } } } } }", {}, 130),
        ],
    )
    def test_is_told_before_anything_runs(self, query: str, variables: dict[str, object], cost: int) -> None:
        assert engine().operation(Ask(query, None, variables)).price.points == cost

    def test_is_read_off_anew_only_where_the_variables_matter(self) -> None:
        kept, page, one = engine(), listed("first: $n, where: $where"), "query ($id: ID!) { folder(id: $id) { id } }"
        asked: list[tuple[dict[str, object], int]] = [
            ({"n": 2}, 6),
            ({"n": 20, "where": {"kind": "FILE"}}, 52),
            ({}, 12),
        ]
        for variables, cost in asked:
            assert kept.operation(Ask(page, None, variables)).price.points == cost
        first, again = (kept.operation(Ask(one, None, {"id": each})).price for each in "xy")
        assert first is again

    def test_has_a_limit(self) -> None:
        inner = f"... on Folder {{ children(first: 100) {{ {CHILDREN} }} }}"
        pages = f'{{ folder(id: "x") {{ children(first: 100) {{ edges {{ node {{ {inner} }} }} }} }} }}'
        above = "{ viewer { rootFolder { " + "ancestors { " * 3 + "id" + " }" * 6
        for query in (pages, above):
            with pytest.raises(Refused) as refused:
                engine().operation(Ask(query))
            assert refused.value.code == "LIMITED"


class TestKeptDocuments:
    """What was read once is not read again, within bounds."""

    def test_the_same_text_is_the_same_document(self) -> None:
        kept = Documents(schema.executable(), introspection=True)
        assert kept.read("{ viewer { id } }") is kept.read("{ viewer { id } }")

    def test_the_least_recently_used_go_first(self) -> None:
        kept = Documents(schema.executable(), introspection=True)
        first, second = kept.read("{ a: __typename }"), kept.read("{ b: __typename }")
        for number in range(documents.DOCUMENTS_MAX - 1):
            kept.read("{ a: __typename }")
            kept.read(f"{{ c{number}: __typename }}")
        assert kept.read("{ a: __typename }") is first
        assert kept.read("{ b: __typename }") is not second

    def test_a_long_text_is_not_kept(self) -> None:
        kept = Documents(schema.executable(), introspection=True)
        text = "{ viewer { id } }" + " " * documents.DOCUMENT_CHARACTERS_MAX
        assert kept.read(text) is not kept.read(text)


def test_no_lawful_request_is_larger_than_its_body() -> None:
    assert limits.SOURCE_CHARACTERS_MAX < BODY_BYTES_MAX
