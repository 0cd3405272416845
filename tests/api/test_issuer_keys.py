"""The sign-in service's keys: believed where it says what it must, kept while it is away, never waited for twice."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_curve_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from doors import serving
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from vaultstream.errors import Code, VaultError
from vaultstream.http import issuer_keys
from vaultstream.http.issuer_keys import IssuerKeys, Malformed, keys_in
from vaultstream.local.probes import free_port

RSA = jwt.algorithms.RSAAlgorithm.to_jwk(generate_private_key(65537, 2048).public_key(), as_dict=True)
GOOD = {**RSA, "kid": "good", "use": "sig", "alg": "RS256"}
WEAK = jwt.algorithms.RSAAlgorithm.to_jwk(
    generate_private_key(65537, 1024).public_key(),
    as_dict=True,
)
CURVE = jwt.algorithms.ECAlgorithm.to_jwk(new_curve_key(SECP256R1()).public_key(), as_dict=True)
OF_NO_USE = {
    "for encryption": {**GOOD, "use": "enc"},
    "of another algorithm": {**GOOD, "alg": "RS512"},
    "of another kind": {**CURVE, "kid": "good"},
    "a secret": {"kty": "oct", "kid": "good", "k": "c2VjcmV0"},
    "weak": {**WEAK, "kid": "good"},
    "without an id": {name: value for name, value in GOOD.items() if name != "kid"},
    "an id that is a number": {**GOOD, "kid": 7},
    "a modulus that is a number": {**GOOD, "n": 7},
    "a modulus that is nothing": {**GOOD, "n": ""},
    "an exponent that is no base64": {**GOOD, "e": "%%"},
    "an even exponent": {**GOOD, "e": "Ag"},
    "a list": ["good"],
    "nothing": None,
}


class Issuer:
    """A sign-in service that says what a test tells it to, and counts how often it is asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.discovery: Any = {"issuer": url, "jwks_uri": f"{url}/jwks"}
        self.keys: Any = {"keys": [GOOD]}
        self.asked: list[str] = []
        self.is_silent = False
        self.is_heard = asyncio.Event()  # while it is silent
        self._never = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the document, or with a whole response where the test gave one."""
        path = Request(scope).url.path
        self.asked.append(path)
        if self.is_silent:
            self.is_heard.set()
            await self._never.wait()
        said = self.keys if path == "/jwks" else self.discovery
        answer = said if isinstance(said, Response) else Response(json.dumps(said), media_type="application/json")
        await answer(scope, receive, send)

    def wake(self) -> None:
        """Let go of all who wait."""
        self._never.set()


class Clock:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    port = free_port()
    issuer = Issuer(f"http://127.0.0.1:{port}")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await issuer(scope, receive, send)

    async with serving(app, port):
        yield issuer
        issuer.wake()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(issuer: Issuer, clock: Clock) -> IssuerKeys:
    return IssuerKeys(issuer.url, is_local=True, patience_seconds=0.3, clock=clock)


async def refusal(keys: IssuerKeys, key_id: str = "good") -> Code:
    with pytest.raises(VaultError) as caught:
        await keys.key(key_id)
    return caught.value.code


async def test_keys_are_fetched_once_for_all_who_need_them(issuer: Issuer, keys: IssuerKeys) -> None:
    found = await asyncio.gather(*(keys.key("good") for _ in range(20)))
    assert all(key is not None and key.key.key_size == 2048 for key in found)
    assert await keys.key("another") is None
    assert len(issuer.asked) == 2


async def test_a_new_key_is_found_but_not_by_asking_for_every_unknown_id(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    assert await keys.key("good") is not None
    issuer.keys = {"keys": [{**GOOD, "kid": "new"}]}
    assert await keys.key("new") is None
    clock.seconds += issuer_keys.AGAIN_SECONDS
    assert await keys.key("new") is not None
    assert await keys.key("good") is None
    assert len(issuer.asked) == 4


WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"discovery": {"issuer": "https://issuer.example", "jwks_uri": "https://issuer.example/jwks"}},
    "no issuer": {"discovery": {"jwks_uri": "https://issuer.example/jwks"}},
    "a list": {"discovery": []},
    "no way to the keys": {"discovery": {"issuer": None}},
    "a way that is a number": {"discovery": {"issuer": None, "jwks_uri": 7}},
    "a way that is no address": {"discovery": {"issuer": None, "jwks_uri": "https://["}},
    "plain http to elsewhere": {"discovery": {"issuer": None, "jwks_uri": "http://issuer.example/jwks"}},
    "a file": {"discovery": {"issuer": None, "jwks_uri": "file:///etc/passwd"}},
    "no JSON": {"discovery": Response("<html>")},
    "nothing": {"discovery": Response(b"")},
    "an error": {"discovery": Response("{}", 500)},
    "a way elsewhere": {"discovery": RedirectResponse("/jwks")},
    "no end": {"discovery": Response(b" " * issuer_keys.DOCUMENT_BYTES_MAX + b"{}")},
    "a deep document": {"keys": Response(b"[" * 100_000)},
    "keys in a list": {"keys": [GOOD]},
    "keys that are none": {"keys": {"keys": "good"}},
    "no keys": {"keys": {"keys": []}},
    "keys of no use": {"keys": {"keys": list(OF_NO_USE.values())}},
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_no_sign_in_service_says_is_the_same_as_silence(
    issuer: Issuer, keys: IssuerKeys, clock: Clock, wrong: str
) -> None:
    right, said = dict(vars(issuer)), WRONG[wrong]
    for name, document in said.items():
        own = isinstance(document, dict) and document.get("issuer", "") is None
        setattr(issuer, name, document | {"issuer": issuer.url} if own else document)
    assert await refusal(keys) is Code.UNAVAILABLE
    issuer.discovery, issuer.keys = right["discovery"], right["keys"]
    clock.seconds += issuer_keys.AGAIN_SECONDS
    assert await keys.key("good") is not None


async def test_plain_http_is_for_a_vault_on_ones_own_machine(issuer: Issuer) -> None:
    assert await refusal(IssuerKeys(issuer.url, is_local=False)) is Code.UNAVAILABLE
    assert await IssuerKeys(issuer.url, is_local=True).key("good") is not None


async def test_a_service_that_is_away_is_asked_once_and_then_left_alone(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    issuer.is_silent = True
    asked = [refusal(keys, f"key {number}") for number in range(30)]
    assert set(await asyncio.gather(*asked)) == {Code.UNAVAILABLE}
    assert await refusal(keys) is Code.UNAVAILABLE
    assert len(issuer.asked) == 1
    clock.seconds += issuer_keys.AGAIN_SECONDS
    assert await refusal(keys) is Code.UNAVAILABLE
    assert len(issuer.asked) == 2


async def test_keys_that_are_known_serve_for_an_hour_while_the_service_is_away(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    assert await keys.key("good") is not None
    issuer.discovery = Response("{}", 503)
    clock.seconds += issuer_keys.FRESH_SECONDS
    assert await keys.key("good") is not None
    assert len(issuer.asked) == 3
    assert await keys.key("good") is not None
    assert await refusal(keys, "another") is Code.UNAVAILABLE
    assert len(issuer.asked) == 3
    clock.seconds += issuer_keys.GOOD_SECONDS - issuer_keys.FRESH_SECONDS
    assert await refusal(keys) is Code.UNAVAILABLE


async def test_who_knows_the_key_does_not_wait_while_another_asks(issuer: Issuer, clock: Clock) -> None:
    keys = IssuerKeys(issuer.url, is_local=True, clock=clock)
    assert await keys.key("good") is not None
    issuer.is_silent = True
    clock.seconds += issuer_keys.FRESH_SECONDS
    one = asyncio.create_task(keys.key("good"))
    async with asyncio.timeout(20):
        await issuer.is_heard.wait()
        assert await keys.key("good") is not None
    assert not one.done()
    issuer.wake()
    assert await one is not None


@pytest.mark.parametrize("kind", OF_NO_USE)
def test_a_key_of_no_use_is_left_alone(kind: str) -> None:
    other = {**GOOD, "kid": "other"}
    assert set(keys_in({"keys": [OF_NO_USE[kind], other]})) == {"other"}
    with pytest.raises(Malformed):
        keys_in({"keys": [OF_NO_USE[kind]]})


def test_of_a_key_its_public_half_alone_is_kept() -> None:
    private = jwt.algorithms.RSAAlgorithm.to_jwk(generate_private_key(65537, 2048), as_dict=True)
    (key,) = keys_in({"keys": [{**private, "kid": "good"}]}).values()
    assert not hasattr(key.key, "private_numbers")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["RSA", "sig", "RS256", RSA["n"]]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["keys", "kid", "kty", "n", "e", "use", "alg"]), inner, max_size=7)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.just("keys"), JSON))
def test_whatever_is_said_is_a_set_of_keys_or_malformed(document: dict[str, object]) -> None:
    try:
        found = keys_in(document)
    except Malformed:
        return
    assert all(key.key.key_size >= 2048 for key in found.values())
