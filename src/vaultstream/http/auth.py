"""Who sends a request: a bearer token of the OIDC issuer, checked by its published keys, or an access token of ours."""

import time
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import jwt
from starlette.requests import Request
from starlette.types import Scope

from vaultstream import tokens
from vaultstream.actions import account, admit
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.http.fields import fields_of
from vaultstream.http.issuer_keys import ALGORITHM, IssuerKeys
from vaultstream.ids import TokenId, UserId
from vaultstream.settings import Settings

_TOKEN_CHARACTERS_MAX = 8192
_KNOWN_MAX = 10_000
_KNOWN_SECONDS = 60  # how long a verified token is not verified again
_LEEWAY_SECONDS = 5
_AGENT_CHARACTERS_MAX = 300
_ID = "id"  # what Cognito says an id token is used for; others do not say


def refused(message: str) -> VaultError:
    """The answer to who did not sign in, or no longer is."""
    return VaultError(Code.UNAUTHENTICATED, message)


def signed_out() -> VaultError:
    """The answer to who brings no token."""
    return refused("Sign in, and send the token as: Authorization: Bearer <token>.")


def origin_of(scope: Scope) -> Origin:
    """Where a request came from; its id was given by the outermost middleware."""
    client = scope.get("client")
    agent = fields_of(scope).get("user-agent", "")[:_AGENT_CHARACTERS_MAX]
    return Origin(request_id=scope.get("request_id", ""), ip=client[0] if client else "", agent=agent)


def bearer_of(headers: Mapping[str, str]) -> str:
    """The token of an Authorization header; raises UNAUTHENTICATED where there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise signed_out()
    return token.strip()


class Authenticator:
    """Verified tokens → people. A verified token is kept by its hash for a minute, never itself."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._settings: Settings = vault.settings
        self._keys = IssuerKeys(self._settings.oidc_issuer, is_local=self._settings.is_local)
        self._known: OrderedDict[bytes, tuple[float, UserId, datetime]] = OrderedDict()
        self._noting: set[TokenId] = set()

    async def bearer(self, token: str, origin: Origin) -> Actor:
        """The person whose token this is, or the program; raises UNAUTHENTICATED with what to do about it."""
        if token.startswith(tokens.PREFIX):
            return await self._program(token, origin)
        name = name_of(token.encode("utf-8", "surrogateescape"))
        if (known := self._known_by(name)) is not None:
            return Actor(known[0], origin, known[1])
        claims = await self._verified(token)
        expires_at = _expiry(claims["exp"])
        email = claims.get("email")
        if not isinstance(email, str) or claims.get("email_verified") is not True:
            raise refused("The sign-in service has not verified your e-mail address: do that first.")
        user_id = await account.sign_in(self._vault, email, str(claims.get("name", "")), origin)
        self._remember(name, user_id, expires_at)
        return Actor(user_id, origin, expires_at)

    def person(self, name: bytes) -> UserId | None:
        """Whose token the one of this name was seen to be a moment ago; None where it is to be looked at."""
        known = self._known_by(name)
        return known[0] if known is not None else None

    def _known_by(self, name: bytes) -> tuple[UserId, datetime] | None:
        known = self._known.get(name)
        if known is None or time.monotonic() >= known[0] or known[2] <= self._vault.now():
            return None
        return known[1:]

    async def _program(self, secret: str, origin: Origin) -> Actor:
        """An access token is read anew each time, so that revoking it holds at once."""
        token = await admit.by_secret(self._vault, secret)
        if token.id not in self._noting:  # of many requests at once, one notes the use
            self._noting.add(token.id)
            try:
                await admit.note_use(self._vault, token)
            finally:
                self._noting.discard(token.id)
        return Actor(token.user_id, origin, token.expires_at, token.grant)

    def _remember(self, name: bytes, user_id: UserId, expires_at: datetime) -> None:
        self._known[name] = (time.monotonic() + _KNOWN_SECONDS, user_id, expires_at)
        while len(self._known) > _KNOWN_MAX:
            self._known.popitem(last=False)

    async def _verified(self, token: str) -> dict[str, Any]:  # Any: claims are JSON values
        if len(token) > _TOKEN_CHARACTERS_MAX:
            raise _not_ours()
        try:
            key = await self._keys.key(str(jwt.get_unverified_header(token).get("kid", "")))
            if key is None:
                raise refused("The token was not signed by a key of the sign-in service: sign in again.")
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._settings.oidc_client_id,
                issuer=self._settings.oidc_issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            raise refused("Your sign-in has ended: sign in again.") from None
        except jwt.MissingRequiredClaimError as error:
            raise (_no_id_token() if error.claim == "aud" else _not_ours()) from None
        except (jwt.PyJWTError, ValueError, OverflowError):
            raise _not_ours() from None
        if claims.get("token_use", _ID) != _ID:
            raise _no_id_token()
        return claims


def name_of(token: bytes) -> bytes:
    """What a token is known by here: not itself."""
    return sha256(token).digest()


def _no_id_token() -> VaultError:
    """Cognito's access tokens name neither an audience nor an e-mail address: only its id tokens tell who comes."""
    return refused("This token does not say who you are: send the ID token of the sign-in service.")


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
    return await authenticator.bearer(bearer_of(request.headers), origin_of(request.scope))
