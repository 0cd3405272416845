"""A manifest of trusted documents is read whole and right, or the vault does not start; settings say how."""

import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.settings import PREFIX, Settings, SettingsError
from vaultstream.trusted import trusted_documents

VIEWER = "{ viewer { id } }"
REQUIRED = {
    f"{PREFIX}{name}": "x"
    for name in ("TABLE", "BUCKET", "KMS_KEY", "BUS", "QUEUE_PREFIX", "REDIS_URL", "POSTGRES_DSN", "OIDC_CLIENT_ID")
} | {
    f"{PREFIX}OIDC_ISSUER": "https://sign.in",
    f"{PREFIX}PUBLIC_URL": "https://vault",
    f"{PREFIX}CONTENT_KEY_PAIR_ID": "K",
    f"{PREFIX}CONTENT_PRIVATE_KEY": "secret",
}


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_any_texts_under_their_own_hashes_are_a_manifest(texts: list[str]) -> None:
    manifest = {digest(text): text for text in texts}
    assert trusted_documents(json.dumps(manifest)) == manifest


BAD = {
    "no JSON": ("{", "not JSON"),
    "nothing": ("", "not JSON"),
    "a list": ("[]", "JSON object"),
    "a number for a text": (json.dumps({digest(VIEWER): 1}), "is not text"),
    "another hash": (json.dumps({digest("{ a }"): VIEWER}), "has another SHA-256"),
    "capitals": (json.dumps({digest(VIEWER).upper(): VIEWER}), "has another SHA-256"),
    "a prefix": (json.dumps({f"sha256:{digest(VIEWER)}": VIEWER}), "has another SHA-256"),
    "a name twice": (f'{{"{digest(VIEWER)}": "{VIEWER}", "{digest(VIEWER)}": "{VIEWER}"}}', "comes twice"),
    "brackets without end": ("[" * 100_000, "not JSON"),
}


@pytest.mark.parametrize(("manifest", "problem"), BAD.values(), ids=BAD)
def test_a_bad_manifest_is_refused_in_words(manifest: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        trusted_documents(manifest)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("True", True), ("false", False), ("FALSE", False)])
def test_a_switch_is_true_or_false(text: str, value: bool) -> None:
    environ = REQUIRED | {f"{PREFIX}TRUSTED_ONLY": text, f"{PREFIX}TRUSTED_DOCUMENTS": "manifest.json"}
    settings = Settings.from_env(environ)
    assert settings.trusted_only is value
    assert Settings.from_env(settings.to_env()) == settings


@pytest.mark.parametrize("text", ["", "yes", "1", " true"])
def test_a_switch_is_nothing_else(text: str) -> None:
    with pytest.raises(SettingsError, match="TRUSTED_ONLY takes true or false"):
        Settings.from_env(REQUIRED | {f"{PREFIX}TRUSTED_ONLY": text})


def test_only_trusted_documents_without_any_would_let_nothing_run() -> None:
    with pytest.raises(SettingsError, match="TRUSTED_ONLY needs VAULTSTREAM_TRUSTED_DOCUMENTS"):
        Settings.from_env(REQUIRED | {f"{PREFIX}TRUSTED_ONLY": "true"})
