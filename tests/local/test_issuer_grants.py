"""What the issuer remembers: for how long, and that nobody can read it off the disk."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.local.issuer.grants import CODE_SECONDS, REFRESH_SECONDS, Grant, Grants
from vaultstream.local.issuer.request import origin
from vaultstream.local.issuer.tokens import Signer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GRANT = Grant("session", "local-alice", "challenge", "http://127.0.0.1:1/", "nonce")


@pytest.fixture
def grants(tmp_path):
    return Grants(tmp_path)


@pytest.mark.parametrize(
    ("give", "take", "seconds"),
    [
        (Grants.give_code, Grants.take_code, CODE_SECONDS),
        (Grants.give_refresh, Grants.take_refresh, REFRESH_SECONDS),
    ],
)
def test_a_grant_is_good_until_its_time_and_not_a_moment_longer(grants, give, take, seconds):
    in_time, late = give(grants, GRANT, NOW), give(grants, GRANT, NOW)
    assert take(grants, in_time, NOW + timedelta(seconds=seconds - 1)) == GRANT
    assert take(grants, late, NOW + timedelta(seconds=seconds)) is None


def test_a_grant_outlives_the_process_that_gave_it(tmp_path):
    code = Grants(tmp_path).give_code(GRANT, NOW)
    assert Grants(tmp_path).take_code(code, NOW) == GRANT


def test_the_store_holds_no_token_and_is_for_its_owner_alone(tmp_path, grants):
    token = grants.give_refresh(GRANT, NOW)
    stored = (tmp_path / "grants.sqlite").read_bytes()
    assert token.encode() not in stored
    assert (tmp_path / "grants.sqlite").stat().st_mode & 0o777 == 0o600


def test_the_signing_key_is_made_once_and_for_its_owner_alone(tmp_path):
    first = Signer.over(tmp_path, issuer="http://127.0.0.1:1", client_id="c")
    again = Signer.over(tmp_path, issuer="http://127.0.0.1:1", client_id="c")
    assert first.key_set() == again.key_set()
    assert (tmp_path / "signing-key.pem").stat().st_mode & 0o777 == 0o600
    assert "d" not in first.key_set()["keys"][0]
    assert "PRIVATE" not in repr(first)


@given(st.text(max_size=40))
def test_no_text_makes_the_origin_fail(text):
    assert origin(text) == "" or origin(text).startswith(("http://", "https://"))


@given(st.sampled_from(["@", ".", "0", "-", "\\@", "%40"]), st.text("abc./@:0123456789", max_size=12))
def test_what_only_begins_like_the_vaults_url_has_another_origin(joint, rest):
    own = "http://127.0.0.1:8000"
    assert origin(own + joint + "x" + rest) != origin(own)


@pytest.mark.parametrize(
    ("options", "environment", "why"),
    [
        (["--public-url", "https://vault.example"], "local", "loopback only"),
        (["--public-url", "http://127.0.0.1:8000"], "production", "local environment only"),
        (["--public-url", "http://127.0.0.1:8000", "--host", "0.0.0.0"], "local", "unrecognized arguments"),
    ],
)
def test_it_serves_no_vault_but_a_local_one(tmp_path, options, environment, why):
    program = [sys.executable, "-m", "vaultstream.local.issuer", "--data", f"{tmp_path}", "--port", "1"]
    ended = subprocess.run(
        [*program, "--client-id", "c", *options],
        env={"VAULTSTREAM_ENVIRONMENT": environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2
    assert why in ended.stderr
