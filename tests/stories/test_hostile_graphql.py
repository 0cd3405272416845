"""The GraphQL door under what is no request, no JSON, no GraphQL, or far too much of it."""

import gzip
import json
from typing import Any

import pytest
from dev_stack import DevStack
from hostility import Answered, assert_clear, assert_discreet, request, told
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GRAPHQL = "application/graphql-response+json"
JSON = ("Content-Type", "application/json")
FEW = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
MUTATION = 'mutation { folderCreate(input: {parentId: "%s", name: "never"}) { errors { code } } }'


def sent(
    stack: DevStack, body: bytes, *headers: tuple[str, str | bytes], method: str = "POST", target: str = "/graphql"
) -> Answered:
    """As Alice, who is let in."""
    alice = ("Authorization", f"Bearer {stack.token('alice@example.com')}")
    accept = [] if any(name == "Accept" for name, _ in headers) else [("Accept", GRAPHQL)]
    return told(stack.port, request(method, target, [alice, *accept, *headers], body), method)


def asked(stack: DevStack, query: str, **more: Any) -> Answered:
    return sent(stack, json.dumps({"query": query, **more}).encode(), JSON)


BODIES: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "null": (b"null", 400),
    "a number": (b"1", 400),
    "text": (b'"x"', 400),
    "a list": (b'[{"query": "{ viewer { id } }"}]', 400),
    "an empty list": (b"[]", 400),
    "an empty object": (b"{}", 400),
    "invalid UTF-8": (b'{"query": "{ \xff\xfe }"}', 400),
    "UTF-16": ('{"query": "{ viewer { id } }"}'.encode("utf-16"), 400),
    "a lone surrogate": (b'{"query": "{ viewer { id } } # \\ud800"}', 400),
    "half an object": (b'{"query": "{ viewer', 400),
    "two objects": (b'{"query": "{ viewer { id } }"}{}', 400),
    "a form": (b"query={viewer{id}}", 400),
    "NaN": (b'{"query": "{ viewer { id } }", "variables": {"a": NaN}}', 400),
    "Infinity": (b'{"query": "{ viewer { id } }", "variables": {"a": -Infinity}}', 400),
    "a number of 90,000 digits": (b'{"query": "{ viewer { id } }", "variables": {"a": %s}}' % (b"9" * 90_000), 400),
    "deep variables": (b'{"query": "{ viewer { id } }", "variables": %s1%s}' % (b'{"a":' * 5000, b"}" * 5000), 400),
    "deep extensions": (b'{"query": "{ viewer { id } }", "extensions": {"a": %s%s}}' % (b"[" * 5000, b"]" * 5000), 400),
    "an open bracket, often": (b"[" * 100_000, 400),
    "a query that is none": (b'{"query": {"a": 1}}', 400),
    "a query of nothing": (b'{"query": ""}', 400),
    "a query of spaces": (b'{"query": "   "}', 400),
    "a query of a NUL": (b'{"query": "\\u0000"}', 400),
    "variables in text": (b'{"query": "{ viewer { id } }", "variables": "{}"}', 400),
    "variables in a list": (b'{"query": "{ viewer { id } }", "variables": []}', 400),
    "an operation that is no text": (b'{"query": "{ viewer { id } }", "operationName": 7}', 400),
    "an operation that is not there": (b'{"query": "query A { viewer { id } }", "operationName": "B"}', 400),
    "extensions that are none": (b'{"query": "{ viewer { id } }", "extensions": 1}', 400),
    "300,000 bytes": (b'{"query": "{ viewer { id } }", "x": "%s"}' % (b"a" * 300_000), 413),
    "16 MB": (b" " * 16_000_000, 413),
}


@pytest.mark.parametrize("body", BODIES)
def test_a_body_that_is_no_request_is_refused(untouched: DevStack, body: str) -> None:
    data, status = BODIES[body]
    answered = sent(untouched, data, JSON)
    if len(data) > 1_000_000 and answered.status is None:
        return  # the sender was cut off while it went on, and read no answer
    assert_clear(answered, status)


HEADERS: dict[str, tuple[list[tuple[str, str | bytes]], bytes, int]] = {
    "no type": ([], b"{}", 415),
    "a form": ([("Content-Type", "application/x-www-form-urlencoded")], b"query=%7Bviewer%7Bid%7D%7D", 415),
    "plain text": ([("Content-Type", "text/plain")], b"{}", 415),
    "a file": ([("Content-Type", "multipart/form-data; boundary=x")], b"--x--", 415),
    "GraphQL itself": ([("Content-Type", "application/graphql")], b"{ viewer { id } }", 415),
    "another charset": ([("Content-Type", "application/json; charset=utf-7")], b"{}", 415),
    "a charset by nobody": ([("Content-Type", "application/json; charset=\xff")], b"{}", 415),
    "gzip": ([JSON, ("Content-Encoding", "gzip")], gzip.compress(b'{"query": "{ viewer { id } }"}'), 415),
    "a bomb": ([JSON, ("Content-Encoding", "gzip")], gzip.compress(bytes(10_000_000)), 415),
    "gzip in silence": ([JSON], gzip.compress(b'{"query": "{ viewer { id } }"}'), 400),
    "wants HTML": ([JSON, ("Accept", "text/html")], b'{"query": "{ viewer { id } }"}', 406),
    "wants nothing": ([JSON, ("Accept", "*/*;q=0")], b'{"query": "{ viewer { id } }"}', 406),
    "wants nonsense": ([JSON, ("Accept", ";;;q=x,,/")], b'{"query": "{ viewer { id } }"}', 406),
}


@pytest.mark.parametrize("case", HEADERS)
def test_headers_that_do_not_fit_are_refused(untouched: DevStack, case: str) -> None:
    headers, body, status = HEADERS[case]
    assert_clear(sent(untouched, body, *headers), status)


def _many(count: int, what: str) -> str:
    return " ".join(what.replace("#", str(number)) for number in range(count))


_FRAGMENTS = (
    " ".join(f"fragment F{n} on User {{ ...F{n + 1} ...F{n + 1} }}" for n in range(40)) + " fragment F40 on User { id }"
)
_DEEP = "{ viewer { rootFolder " + "{ parent " * 30 + "{ id }" + " }" * 31 + " }"
_PAGE = "children(first: 100) { edges { node { ... on Folder { "
_X = '"x"'
_ABORT = 'a#: uploadAbort(input: {uploadId: "x"}) { errors { code } }'
QUERIES = {
    "no syntax": "{ viewer {",
    "no field": "{ nothingOfTheSort }",
    "the wrong type": "{ node(id: 7.5) { id } }",
    "no selection": "{ viewer }",
    "a variable that is not there": "query ($a: ID!) { node(id: $a) { id } }",
    "an enum for an id": "{ node(id: X) { id } }",
    "aliases": f"{{ viewer {{ {_many(60, 'a#: id')} }} }}",
    "directives": f"{{ viewer {{ id {_many(30, '@include(if: true)')} }} }}",
    "tokens": f"{{ viewer {{ {_many(2500, 'id')} }} }}",
    "directives nobody knows": f"{{ viewer {{ id {_many(10, '@nobody')} }} }}",
    "fragments": f"{{ viewer {{ id }} }} {_many(200, 'fragment F# on User { id }')}",
    "a fragment bomb": f"{{ viewer {{ ...F0 }} }} {_FRAGMENTS}",
    "a fragment in itself": "{ viewer { ...A } } fragment A on User { ...B } fragment B on User { ...A }",
    "variables": f"query ({_many(300, '$a#: ID')}) {{ viewer {{ id }} }}",
    "operations": _many(200, "query Q# { viewer { id } }"),
    "depth": _DEEP,
    "roots": f"{{ {_many(40, 'a#: viewer { id }')} }}",
    "comments": "#\n" * 1000 + "{ viewer { id } }",
    "commas": "," * 40_000 + "{ viewer { id } }",
    "a literal of 90 kB": '{ node(id: "' + "a" * 90_000 + '") { id } }',
    "braces": "{" * 10_000,
    "lists in lists": "{ nodes(ids: " + "[" * 5000 + "]" * 5000 + ") { id } }",
    "pages in pages": "{ viewer { rootFolder { " + _PAGE * 3 + "id" + " } } } }" * 3 + " } } }",
    "a hundred and one ids": f"{{ nodes(ids: [{_many(101, _X)}]) {{ id }} }}",
    "a page of a million": "{ viewer { rootFolder { children(first: 1000000) { edges { cursor } } } } }",
    "a page below nothing": "{ viewer { rootFolder { children(first: -1) { edges { cursor } } } } }",
    "a page beyond 32 bits": "{ viewer { rootFolder { children(first: 99999999999) { edges { cursor } } } } }",
    "a cursor that is none": '{ viewer { rootFolder { children(first: 1, after: "garbage") { edges { cursor } } } } }',
    "an empty cursor": '{ viewer { rootFolder { children(first: 1, after: "") { edges { cursor } } } } }',
    "another cursor": '{ viewer { rootFolder { children(first: 1, after: "'
    + "A" * 800
    + '") { edges { cursor } } } } }',
    "mutations": f"mutation {{ {_many(30, _ABORT)} }}",
}

LIMITED = {
    *("aliases", "directives", "fragments", "a fragment bomb", "variables", "operations", "depth", "roots"),
    *("mutations", "pages in pages"),
}
CODES = {"INVALID", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"}


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_that_is_wrong_or_too_much_is_refused_in_few_words(untouched: DevStack, query: str) -> None:
    answered = asked(untouched, QUERIES[query])
    assert answered.status in {200, 400}
    assert_discreet(answered)
    errors = answered.json["errors"]
    assert 0 < len(errors) <= 10
    for error in errors:
        assert len(error["message"]) <= 300
        assert error["extensions"]["code"] in ({"LIMITED"} if query in LIMITED else CODES)


@pytest.mark.parametrize(
    "item_id", ["", " ", "x", "folder_", "file_" + "0" * 26, "☠", "a" * 20_000, "null", "\0", "Rm9sZGVyOjE="]
)
@pytest.mark.parametrize("field", ["node", "file", "folder"])
def test_an_id_that_is_none_names_nothing(untouched: DevStack, field: str, item_id: str) -> None:
    answered = asked(untouched, f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}", variables={"id": item_id})
    assert (answered.status, answered.json["data"]) == (200, {field: None})
    assert_discreet(answered)


INPUTS = {
    "uploadBegin": ("UploadBeginInput", {"name": "a", "sizeBytes": -1}),
    "uploadBegin too large": ("UploadBeginInput", {"name": "a", "sizeBytes": 2**62}),
    "uploadBegin beyond 63 bits": ("UploadBeginInput", {"name": "a", "sizeBytes": 2**70}),
    "uploadBegin of a fraction": ("UploadBeginInput", {"name": "a", "sizeBytes": 1.5}),
    "uploadBegin of text": ("UploadBeginInput", {"name": "a", "sizeBytes": "5"}),
    "uploadBegin without a name": ("UploadBeginInput", {"sizeBytes": 5}),
    "uploadBegin with a path": ("UploadBeginInput", {"name": "../a", "sizeBytes": 5}),
    "uploadBegin with a NUL": ("UploadBeginInput", {"name": "a\0", "sizeBytes": 5}),
    "uploadBegin with a wrong digest": ("UploadBeginInput", {"name": "a", "sizeBytes": 5, "sha256": "zz"}),
    "uploadBegin nowhere": ("UploadBeginInput", {"name": "a", "sizeBytes": 5, "folderId": "file_x"}),
    "folderCreate nowhere": ("FolderCreateInput", {"name": "a", "parentId": ""}),
    "folderCreate without a name": ("FolderCreateInput", {"name": "", "parentId": "ROOT"}),
    "folderCreate of dots": ("FolderCreateInput", {"name": "..", "parentId": "ROOT"}),
    "folderCreate of 10,000 letters": ("FolderCreateInput", {"name": "a" * 10_000, "parentId": "ROOT"}),
    "folderCreate of nothing": ("FolderCreateInput", {"name": None, "parentId": "ROOT"}),
    "folderCreate with more": ("FolderCreateInput", {"name": "a", "parentId": "ROOT", "ownerId": "user_x"}),
    "folderCreate of a surrogate": ("FolderCreateInput", {"name": "\ud800", "parentId": "ROOT"}),
    "folderMove of the root": ("FolderMoveInput", {"folderId": "ROOT", "parentId": "ROOT"}),
    "folderRename of the root": ("FolderRenameInput", {"folderId": "ROOT", "name": "mine"}),
    "folderRename of a version that never was": (
        "FolderRenameInput",
        {"folderId": "ROOT", "name": "x", "ifVersion": -7},
    ),
    "downloadCreate of nothing": ("DownloadCreateInput", {"fileId": ""}),
    "downloadCreate of version 2^40": ("DownloadCreateInput", {"fileId": "x", "versionNumber": 2**40}),
    "scanRetry of nothing": ("ScanRetryInput", {"fileId": "x", "versionNumber": -1}),
    "uploadAbort of a list": ("UploadAbortInput", {"uploadId": ["x"]}),
}


@pytest.mark.parametrize("case", INPUTS)
async def test_an_input_that_is_wrong_changes_nothing(untouched: DevStack, alice, case: str) -> None:
    kind, wanted = INPUTS[case]
    mutation, root = case.partition(" ")[0], await alice.root()
    given = {name: root if value == "ROOT" else value for name, value in wanted.items()}
    query = f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ errors {{ code message }} }} }}"
    answered = asked(untouched, query, variables={"input": given})
    assert answered.status in {200, 400}
    assert_discreet(answered)
    said = answered.json
    assert said.get("errors") or said["data"][mutation]["errors"]


async def test_a_get_changes_nothing(untouched: DevStack, alice) -> None:
    mutation = (MUTATION % await alice.root()).replace(" ", "%20").replace('"', "%22")
    answered = sent(untouched, b"", method="GET", target=f"/graphql?query={mutation}")
    assert_clear(answered, 405)
    assert answered.headers["allow"] == "POST"


GETS = {
    "/graphql": 400,
    "/graphql?query=": 400,
    "/graphql?query=%ff": 400,
    "/graphql?query={viewer{id}}&variables=x": 400,
    "/graphql?query={viewer{id}}&variables=[[[[": 400,
    "/graphql?query={viewer{id}}&variables=1": 400,
    "/graphql?" + "&".join(["a=1"] * 1000): 400,
    "/graphql?query=" + "a" * 20_000: 414,
}


@pytest.mark.parametrize("target", GETS, ids=range(len(GETS)))
def test_a_query_string_that_is_none_is_refused(untouched: DevStack, target: str) -> None:
    assert_clear(sent(untouched, b"", method="GET", target=target), GETS[target])


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods_are_405(untouched: DevStack, method: str) -> None:
    answered = sent(untouched, b"{}", JSON, method=method)
    assert (answered.status, answered.headers["allow"]) == (405, "GET, POST")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["query", "variables", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@FEW
@given(value=_json)
def test_no_json_makes_the_door_fail(quiet: DevStack, value: Any) -> None:
    answered = sent(quiet, json.dumps(value).encode(), JSON)
    assert answered.status == 400
    assert_discreet(answered)


@FEW
@given(text=st.text(st.sampled_from('{}()[]:!$@."\\#, \nabviewrid0159_-|&…'), max_size=60))
def test_no_text_for_a_query_makes_the_door_fail(quiet: DevStack, text: str) -> None:
    answered = asked(quiet, text)
    assert answered.status in {200, 400}
    assert_discreet(answered)
    assert "errors" in answered.json


@FEW
@given(body=st.binary(max_size=80))
def test_no_bytes_make_the_door_fail(quiet: DevStack, body: bytes) -> None:
    answered = sent(quiet, body, JSON)
    assert answered.status == 400
    assert_discreet(answered)
