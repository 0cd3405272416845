"""Nobody comes in with a token that the issuer did not sign for this vault, for this hour, for a person it knows."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dev_stack import DevStack
from hostility import assert_clear, request, told
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from vaultstream.local.embedded import CLIENT_ID
from vaultstream.local.issuer.tokens import Signer

_HOUR = timedelta(hours=1)
Claims = dict[str, Any]


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _parts(header: bytes, claims: bytes) -> str:
    return f"{_b64(header)}.{_b64(claims)}.{_b64(b'signature')}"


class Forge:
    """The issuer's own key, in the wrong hands: every token is right but for one thing."""

    def __init__(self, stack: DevStack) -> None:
        issuer = stack.settings.oidc_issuer
        self.signer = Signer.over(stack.folder / "sign-in", issuer=issuer, client_id=CLIENT_ID)
        self.good = stack.token("alice@example.com")
        self.claims: Claims = jwt.decode(self.good, options={"verify_signature": False})

    def signed(self, key: RSAPrivateKey | None = None, header: Claims | None = None, **claims: Any) -> str:
        """With these claims changed; None leaves one out."""
        changed = {name: value for name, value in (self.claims | claims).items() if value is not None}
        return jwt.encode(
            changed, key or self.signer.key, algorithm="RS256", headers={"kid": self.signer.key_id} | (header or {})
        )

    def unsigned(self, algorithm: str, signature: Callable[[bytes], bytes] = lambda _: b"") -> str:
        """Put together by hand, as no library would."""
        header = {"alg": algorithm, "typ": "JWT", "kid": self.signer.key_id}
        text = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(self.claims).encode())}"
        return f"{text}.{_b64(signature(text.encode()))}"

    def by_public_key(self, form: PublicFormat) -> str:
        """HS256 whose secret is what everybody knows."""
        public = self.signer.key.public_key().public_bytes(Encoding.PEM, form)
        return self.unsigned("HS256", lambda text: hmac.digest(public, text, hashlib.sha256))


def _ago(hours: float) -> int:
    return int((datetime.now(UTC) - hours * _HOUR).timestamp())


FORGERIES: dict[str, Callable[[Forge], str]] = {
    "garbage": lambda _: "garbage",
    "three dots": lambda _: "...",
    "two empty parts": lambda _: "..",
    "not base64": lambda _: "%.%.%",
    "no JSON": lambda _: _parts(b"nothing", b"nothing"),
    "a list for a header": lambda _: _parts(b"[1]", b"{}"),
    "a number for a kid": lambda _: _parts(b'{"alg": "RS256", "kid": 7}', b"{}"),
    "deep JSON": lambda _: _parts(b"[" * 3000, b"{}"),
    "9,000 letters": lambda _: "a" * 9_000,
    "alg none": lambda forge: forge.unsigned("none"),
    "alg None": lambda forge: forge.unsigned("None"),
    "alg none, once signed": lambda forge: forge.unsigned("none", lambda _: b"signature"),
    "HS256 by the public key": lambda forge: forge.by_public_key(PublicFormat.SubjectPublicKeyInfo),
    "HS256 by the public key, PKCS1": lambda forge: forge.by_public_key(PublicFormat.PKCS1),
    "another issuer": lambda forge: forge.signed(iss="https://issuer.example"),
    "the issuer with a slash": lambda forge: forge.signed(iss=f"{forge.claims['iss']}/"),
    "another audience": lambda forge: forge.signed(aud="another-client"),
    "no audience": lambda forge: forge.signed(aud=None),
    "no expiry": lambda forge: forge.signed(exp=None),
    "expired": lambda forge: forge.signed(iat=_ago(2), exp=_ago(1)),
    "expiry is no number": lambda forge: forge.signed(exp="soon"),
    "expiry beyond all calendars": lambda forge: forge.signed(exp=10**18),
    "expiry without end": lambda forge: forge.signed(exp=float("inf")),
    "expiry in quotes": lambda forge: forge.signed(exp=str(_ago(-1))),
    "not valid yet": lambda forge: forge.signed(nbf=_ago(-1)),
    "issued in the future": lambda forge: forge.signed(iat=_ago(-1)),
    "no subject": lambda forge: forge.signed(sub=None),
    "no e-mail": lambda forge: forge.signed(email=None),
    "an unverified e-mail": lambda forge: forge.signed(email_verified=False),
    "verified, says a word": lambda forge: forge.signed(email_verified="true"),
    "an e-mail that is a list": lambda forge: forge.signed(email=["alice@example.com"]),
    "another key id": lambda forge: forge.signed(header={"kid": "another"}),
    "no key id": lambda forge: forge.signed(header={"kid": ""}),
    "another key under the same id": lambda forge: forge.signed(generate_private_key(65537, 2048)),
    "another key in the header": lambda forge: forge.signed(
        generate_private_key(65537, 2048), {"jwk": forge.signer.key_set()["keys"][0], "jku": "http://127.0.0.1:1/"}
    ),
    "somebody else's claims": lambda forge: ".".join(
        (forge.good.split(".")[0], _b64(json.dumps(forge.claims | {"email": "bob@example.com"}).encode()), "AAAA")
    ),
    "cut short": lambda forge: forge.good[:-3],
    "with more at its end": lambda forge: forge.good + "AAAA",
}


@pytest.fixture(scope="module")
def forge(quiet: DevStack) -> Forge:
    return Forge(quiet)


DOORS = {
    "/graphql": ("POST", [("Content-Type", "application/json")], b'{"query": "{ viewer { id } }"}'),
    "/uploads": (
        "POST",
        [("Tus-Resumable", "1.0.0"), ("Upload-Length", "3"), ("Upload-Metadata", "filename YQ==")],
        b"",
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("door", DOORS)
def test_a_forged_token_opens_no_door(untouched: DevStack, forge: Forge, door: str, forgery: str) -> None:
    method, headers, body = DOORS[door]
    sent = [*headers, ("Authorization", f"Bearer {FORGERIES[forgery](forge)}")]
    answered = told(untouched.port, request(method, door, sent, body))
    assert_clear(answered, 401)
    assert answered.headers["www-authenticate"] == "Bearer"
    assert b"UNAUTHENTICATED" in answered.body


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_opens_no_socket(untouched: DevStack, forge: Forge, forgery: str) -> None:
    url = f"ws://127.0.0.1:{untouched.port}/graphql"
    with connect(url, subprotocols=["graphql-transport-ws"]) as socket:
        payload = {"authorization": f"Bearer {FORGERIES[forgery](forge)}"}
        socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=20)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YWxpY2U6",
        "{good}",
        "Bearer{good}",
        "bearer\t",
        "Bearer {good} {good}",
        b"Bearer \xff\xfe",
    ],
)
@pytest.mark.parametrize("door", DOORS)
def test_a_header_that_is_no_bearer_token_opens_no_door(untouched, forge: Forge, door: str, value: str | bytes) -> None:
    method, headers, body = DOORS[door]
    given = value if isinstance(value, bytes) else value.format(good=forge.good)
    assert_clear(told(untouched.port, request(method, door, [*headers, ("Authorization", given)], body)), 401)


@pytest.mark.parametrize("door", DOORS)
def test_no_header_a_cookie_or_a_parameter_opens_no_door(untouched, forge: Forge, door: str) -> None:
    method, headers, body = DOORS[door]
    for target, more in (
        (door, []),
        (door, [("Cookie", f"token={forge.good}; authorization=Bearer {forge.good}")]),
        (f"{door}?access_token={forge.good}", []),
    ):
        assert_clear(told(untouched.port, request(method, target, [*headers, *more], body)), 401)


def test_the_untouched_token_is_good(quiet: DevStack, forge: Forge) -> None:
    method, headers, body = DOORS["/graphql"]
    for token in (forge.good, forge.signed(), forge.signed(jti=secrets.token_hex(4))):
        answered = told(quiet.port, request(method, "/graphql", [*headers, ("Authorization", f"Bearer {token}")], body))
        assert answered.status == 200
