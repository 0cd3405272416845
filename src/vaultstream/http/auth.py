"""Who sends a request: a bearer token of the OIDC issuer, checked by its published keys."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import aiohttp
import jwt
from starlette.requests import HTTPConnection, Request

from vaultstream.actions import account
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.ids import UserId
from vaultstream.settings import Settings

_TOKEN_CHARACTERS_MAX = 8192
_KNOWN_MAX = 10_000
_KNOWN_SECONDS = 60  # how long a verified token is not verified again
_KEYS_FRESH_SECONDS = 300
_KEYS_AGAIN_SECONDS = 5  # an unknown key id fetches the keys anew, but not more often than this
_LEEWAY_SECONDS = 5
_AGENT_CHARACTERS_MAX = 300


def refused(message: str) -> VaultError:
    """The answer to who did not sign in, or no longer is."""
    return VaultError(Code.UNAUTHENTICATED, message)


def signed_out() -> VaultError:
    """The answer to who brings no token."""
    return refused("Sign in, and send the token as: Authorization: Bearer <token>.")


def origin_of(connection: HTTPConnection) -> Origin:
    """Where a request came from; its id was given by the outermost middleware."""
    client = connection.client.host if connection.client else ""
    agent = connection.headers.get("user-agent", "")[:_AGENT_CHARACTERS_MAX]
    return Origin(request_id=connection.scope.get("request_id", ""), ip=client, agent=agent)


def bearer_of(headers: Mapping[str, str]) -> str:
    """The token of an Authorization header; raises UNAUTHENTICATED where there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise signed_out()
    return token.strip()


class IssuerKeys:
    """The issuer's signing keys by discovery (OpenID Connect Discovery 1.0), fetched when first needed."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = -_KEYS_FRESH_SECONDS * 2.0
        self._fetching = asyncio.Lock()

    async def key(self, key_id: str) -> jwt.PyJWK:
        """The key with this id; raises UNAUTHENTICATED where the issuer has none, UNAVAILABLE where it is gone."""
        age = time.monotonic() - self._fetched_at
        if age > _KEYS_FRESH_SECONDS or (key_id not in self._keys and age > _KEYS_AGAIN_SECONDS):
            async with self._fetching:
                if time.monotonic() - self._fetched_at >= min(age, _KEYS_AGAIN_SECONDS):
                    await self._fetch(key_id)
        if key_id not in self._keys:
            raise refused("The token was not signed by a key of the sign-in service: sign in again.")
        return self._keys[key_id]

    async def _fetch(self, key_id: str) -> None:
        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client:
                discovered = await self._json(client, f"{self._issuer}/.well-known/openid-configuration")
                found = await self._json(client, discovered["jwks_uri"])
            keys = {key["kid"]: jwt.PyJWK(key, algorithm="RS256") for key in found["keys"] if key["kty"] == "RSA"}
        except (aiohttp.ClientError, TimeoutError, KeyError, ValueError, jwt.PyJWTError):
            if key_id not in self._keys:  # keys that are known go on serving while the issuer is away
                raise VaultError(Code.UNAVAILABLE, "The sign-in service does not answer: try again.") from None
            return
        self._keys, self._fetched_at = keys, time.monotonic()

    @staticmethod
    async def _json(client: aiohttp.ClientSession, url: str) -> Any:  # Any: a document of the issuer's
        async with client.get(url, raise_for_status=True) as answer:
            return await answer.json()


class Authenticator:
    """Verified tokens → people. A verified token is kept by its hash for a minute, never itself."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._settings: Settings = vault.settings
        self._keys = IssuerKeys(self._settings.oidc_issuer)
        self._known: OrderedDict[bytes, tuple[float, UserId, datetime]] = OrderedDict()

    async def bearer(self, token: str, origin: Origin) -> Actor:
        """The person whose token this is; raises UNAUTHENTICATED with what to do about it."""
        name = sha256(token.encode("utf-8", "surrogateescape")).digest()
        known = self._known.get(name)
        if known is not None and time.monotonic() < known[0] and known[2] > self._vault.now():
            return Actor(known[1], origin, known[2])
        claims = await self._verified(token)
        expires_at = _expiry(claims["exp"])
        email = claims.get("email")
        if not isinstance(email, str) or claims.get("email_verified") is not True:
            raise refused("The sign-in service has not verified your e-mail address: do that first.")
        user_id = await account.sign_in(self._vault, email, str(claims.get("name", "")), origin)
        self._remember(name, user_id, expires_at)
        return Actor(user_id, origin, expires_at)

    def _remember(self, name: bytes, user_id: UserId, expires_at: datetime) -> None:
        self._known[name] = (time.monotonic() + _KNOWN_SECONDS, user_id, expires_at)
        while len(self._known) > _KNOWN_MAX:
            self._known.popitem(last=False)

    async def _verified(self, token: str) -> dict[str, Any]:  # Any: claims are JSON values
        if len(token) > _TOKEN_CHARACTERS_MAX:
            raise _not_ours()
        try:
            key = await self._keys.key(str(jwt.get_unverified_header(token).get("kid", "")))
            return jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._settings.oidc_client_id,
                issuer=self._settings.oidc_issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            raise refused("Your sign-in has ended: sign in again.") from None
        except (jwt.PyJWTError, ValueError, OverflowError):
            raise _not_ours() from None


def _not_ours() -> VaultError:
    return refused("The token is not one of the sign-in service: sign in again.")


def _expiry(claim: object) -> datetime:
    """Until when a token lets its person in; raises UNAUTHENTICATED where that is no moment of any calendar."""
    if not isinstance(claim, int | float):
        raise _not_ours()
    try:
        return datetime.fromtimestamp(claim + _LEEWAY_SECONDS, UTC)
    except (ValueError, OverflowError, OSError):
        raise _not_ours() from None


async def actor_of(request: Request) -> Actor:
    """The person who sent a request; raises UNAUTHENTICATED."""
    authenticator: Authenticator = request.app.state.authenticator
    return await authenticator.bearer(bearer_of(request.headers), origin_of(request))
