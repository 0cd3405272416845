"""What schemathesis is told of this contract: values that mean something in it, and how every answer must be."""

import json
import os
import re
from datetime import UTC
from typing import Any
from zlib import crc32

import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

TOLD = json.loads(os.environ["TOLD"])
MEDIA = "application/graphql-response+json; charset=utf-8"
REFUSALS = {"LIMITED", "INVALID", "NOT_FOUND", "FORBIDDEN", "CONFLICT"}  # of a lawful request, with a known reason
UNLAWFUL = {"GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"}
ID = re.compile(r"[a-z]+(?:_[a-z]+)?(?:_[0-9A-HJKMNP-TV-Z]{26}){1,2}")
WORDS = {"token", "cursor", "startCursor", "endCursor", "email", "name"}

KINDS = {"parent": ("folder",), "item": ("folder", "file"), "replyTo": ("comment",), "shareLink": ("link",)}
ASKED = re.compile(rf'(?P<before>\b(?P<name>[a-zA-Z]+)(?:Id|\(id): )"(?P<id>{ID.pattern})"')

ids: list[str] = list(TOLD["ids"])
words: list[str] = list(TOLD["words"])
# An index picks from a list that grows with every answer, so that what was made is used, changed and thrown away.
place = st.integers(0, 10_000)
known_id = place.map(lambda index: nodes.String(ids[-1 - index % len(ids)]))
known_word = place.map(lambda index: nodes.String(words[-1 - index % len(words)]))
plain = st.text("abcde", min_size=1, max_size=4).map(nodes.String)
text = st.text(st.characters(codec="utf-8"), max_size=40).map(nodes.String)
number = st.integers(1, 3) | st.integers(1, 100) | st.integers(-(2**31), 2**31 - 1)
moment = st.datetimes(timezones=st.just(UTC)).map(lambda moment: nodes.String(moment.isoformat()))

schemathesis.graphql.scalar("ID", known_id | known_id | known_id | text)
schemathesis.graphql.scalar("String", known_word | plain | text)
schemathesis.graphql.scalar("Int", number.map(nodes.Int))
schemathesis.graphql.scalar("DateTime", moment)
schemathesis.graphql.scalar("ByteSize", (st.integers(0, 100) | st.integers(0, 2**63 - 1)).map(nodes.Int))
schemathesis.graphql.scalar("Sha256", st.from_regex("[0-9a-f]{64}", fullmatch=True).map(nodes.String))
schemathesis.graphql.scalar("URL", st.just(nodes.String("https://example.com/")))


@schemathesis.hook
def before_call(context, case, kwargs) -> None:
    """Where a known id stands, let it be one of the kind that is asked for there."""
    if isinstance(case.body, str):
        case.body = ASKED.sub(_fitting, case.body)


def _fitting(found: re.Match[str]) -> str:
    kinds = KINDS.get(found["name"], (found["name"],))
    fitting = [known for known in ids if known.startswith(tuple(f"{kind}_" for kind in kinds))]
    chosen = fitting[-1 - crc32(found["id"].encode()) % len(fitting)] if fitting else found["id"]
    return f'{found["before"]}"{chosen}"'


@schemathesis.check
def answers_as_it_should(ctx, response, case) -> None:
    """Every answer is of the media type asked for, has a status that fits, and names the reason of a refusal."""
    body = response.json()
    learn(body)
    codes = {error.get("extensions", {}).get("code", "none") for error in body.get("errors", ())}
    with open(TOLD["outcomes"], "a") as outcomes:
        outcomes.write(json.dumps([case.operation.label, outcome(body)]) + "\n")
    assert response.headers["content-type"] == [MEDIA], response.headers
    if codes == {"UNAUTHENTICATED"} and "data" not in body:
        assert (response.status_code, TOLD["is_guest"]) == (401, True), body
        return
    assert response.status_code == (200 if "data" in body else 400), body
    lawful = case.meta is None or case.meta.generation.mode.is_positive
    assert codes <= (REFUSALS if lawful else REFUSALS | UNLAWFUL), body


def outcome(body: Any) -> str:
    """ "refused", "nothing", or "found": a query that saw something, a mutation that did it."""
    if "data" not in body:
        return "refused"
    return "found" if any(_is_something(value) for value in (body["data"] or {}).values()) else "nothing"


def _is_something(value: Any) -> bool:
    if not isinstance(value, dict):
        return value is not None
    return value.get("errors") == [] or any(
        v is not None for k, v in value.items() if k not in {"errors", "__typename"}
    )


def learn(value: Any, key: str = "") -> None:
    """Remember the ids and words of an answer."""
    if isinstance(value, dict):
        for name, each in value.items():
            learn(each, name)
    elif isinstance(value, list):
        for each in value:
            learn(each, key)
    elif isinstance(value, str) and ID.fullmatch(value) and value not in ids:
        ids.append(value)
    elif isinstance(value, str) and key in WORDS and value not in words:
        words.append(value)
