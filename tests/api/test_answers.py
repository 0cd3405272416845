"""Every failure has one status and one form over HTTP."""

import json

import pytest

from vaultstream.errors import Code, VaultError
from vaultstream.http.answers import STATUSES, problem, problem_of, refusal


def test_every_code_has_its_status():
    assert set(STATUSES) == set(Code)
    assert all(400 <= status < 600 for status in STATUSES.values())


@pytest.mark.parametrize("code", Code)
def test_a_failure_is_a_problem_that_says_what_to_do(code):
    answer = problem(VaultError(code, "Do this: é.", path=("a", "b")), {"X": "y"})
    assert answer.status_code == STATUSES[code]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X"] == "y"
    body = json.loads(answer.body)
    title = body.pop("title")
    assert title
    assert body == {
        "type": "about:blank",
        "status": STATUSES[code],
        "detail": "Do this: é.",
        "code": code,
        "path": ["a", "b"],
    }


def test_who_should_wait_or_sign_in_is_told_so():
    brought = {code: problem(VaultError(code, "x")).headers for code in Code}
    assert {code for code, headers in brought.items() if "Retry-After" in headers} == {
        Code.UPLOAD_BUSY,
        Code.LIMITED,
        Code.RATE_LIMITED,
        Code.UNAVAILABLE,
    }
    assert brought[Code.UNAUTHENTICATED]["WWW-Authenticate"] == "Bearer"


def test_a_status_of_the_protocol_has_the_same_form():
    body = json.loads(problem_of(415, "Send it otherwise.").body)
    assert body == {
        "type": "about:blank",
        "title": "Unsupported Media Type",
        "status": 415,
        "detail": "Send it otherwise.",
    }


async def test_what_nobody_expected_is_not_answered_here():
    with pytest.raises(ZeroDivisionError):
        await refusal(None, ZeroDivisionError())
