"""The token endpoint's rules: a code or a refresh token for new tokens, each of them once."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vaultstream.local.issuer.grants import Grant, Grants
from vaultstream.local.issuer.people import by_subject
from vaultstream.local.issuer.request import Client
from vaultstream.local.issuer.tokens import TOKEN_SECONDS, Signer

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636, section 4.1


class TokenRefused(Exception):
    """The trade is off; `error` is the code of RFC 6749 section 5.2."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error


@dataclass(frozen=True, slots=True)
class Exchange:
    """One issuer's token trade."""

    signer: Signer
    grants: Grants
    client: Client

    def trade(self, form: Mapping[str, str], now: datetime) -> dict[str, Any]:  # Any: JSON
        """New tokens for what the form shows; raises TokenRefused."""
        if form.get("client_id") != self.client.client_id:
            raise TokenRefused("invalid_client", "client_id is not this vault's")
        match form.get("grant_type"):
            case "authorization_code":
                return self._tokens(self._from_code(form, now), now)
            case "refresh_token":
                return self._tokens(self._from_refresh(form, now), now)
        raise TokenRefused("unsupported_grant_type", "grant_type must be authorization_code or refresh_token")

    def _from_code(self, form: Mapping[str, str], now: datetime) -> Grant:
        grant = self.grants.take_code(form.get("code", ""), now)
        if grant is None:
            raise TokenRefused("invalid_grant", "the code is unknown, used or too old: sign in again")
        if form.get("redirect_uri") != grant.redirect_uri:
            raise TokenRefused("invalid_grant", "redirect_uri is not the one the code was sent to")
        if not hmac.compare_digest(challenge_of(form.get("code_verifier", "")), grant.challenge):
            raise TokenRefused("invalid_grant", "code_verifier does not match the code_challenge")
        return grant

    def _from_refresh(self, form: Mapping[str, str], now: datetime) -> Grant:
        grant = self.grants.take_refresh(form.get("refresh_token", ""), now)
        if grant is None:
            raise TokenRefused("invalid_grant", "the refresh token is unknown, used or too old: sign in again")
        return grant

    def _tokens(self, grant: Grant, now: datetime) -> dict[str, Any]:
        person = by_subject(grant.subject)
        if person is None:
            raise TokenRefused("invalid_grant", "this person is not known any more")
        return {
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "access_token": self.signer.access_token(person, now),
            "id_token": self.signer.id_token(person, now, session=grant.session, nonce=grant.nonce),
            "refresh_token": self.grants.give_refresh(Grant(grant.session, grant.subject), now),
            "scope": "openid email profile",
        }


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a code verifier; "" for what can be none."""
    if not _VERIFIER.fullmatch(verifier):
        return ""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
