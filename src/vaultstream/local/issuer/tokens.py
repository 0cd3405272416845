"""Signs who somebody is: id tokens and access tokens, RS256, as OpenID Connect Core 1.0 names their claims."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from vaultstream.local.issuer.people import Person
from vaultstream.local.keyfile import rsa_key

ALGORITHM = "RS256"
TOKEN_SECONDS = 3600
_KEY_FILE = "signing-key.pem"


@dataclass(frozen=True, slots=True)
class Signer:
    """The issuer's name, the one client it signs for, and its key."""

    issuer: str
    client_id: str
    key: RSAPrivateKey = field(repr=False)

    @classmethod
    def over(cls, folder: Path, *, issuer: str, client_id: str) -> "Signer":
        """The signer whose key is kept in this folder."""
        return cls(issuer=issuer, client_id=client_id, key=rsa_key(folder / _KEY_FILE))

    @property
    def key_id(self) -> str:
        """The key's thumbprint (RFC 7638)."""
        members = {name: value for name, value in self._public().items() if name in {"e", "kty", "n"}}
        text = json.dumps(members, sort_keys=True, separators=(",", ":"))
        return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()

    def key_set(self) -> dict[str, Any]:  # Any: JSON
        """The public half, as a JSON Web Key Set."""
        return {"keys": [{**self._public(), "kid": self.key_id, "use": "sig", "alg": ALGORITHM}]}

    def access_token(self, person: Person, now: datetime) -> str:
        """A bearer token for the vault, good for an hour."""
        return self._sign(self._claims(person, now))

    def id_token(self, person: Person, now: datetime, *, session: str, nonce: str | None) -> str:
        """A token that tells the client who signed in; `session` is what an end of session refers to."""
        claims = self._claims(person, now) | {"sid": session}
        return self._sign(claims if nonce is None else claims | {"nonce": nonce})

    def session_of(self, id_token: str) -> str | None:
        """The session of an id token that this key signed, even when it has run out; None for anything else."""
        try:
            claims = jwt.decode(
                id_token,
                self.key.public_key(),
                algorithms=[ALGORITHM],
                audience=self.client_id,
                issuer=self.issuer,
                options={"verify_exp": False},
            )
        except jwt.InvalidTokenError:
            return None
        session = claims.get("sid")
        return session if isinstance(session, str) else None

    def _claims(self, person: Person, now: datetime) -> dict[str, Any]:  # Any: JSON
        return {
            "iss": self.issuer,
            "sub": person.subject,
            "aud": self.client_id,
            "email": person.email,
            "email_verified": True,
            "name": person.name,
            "iat": now,
            "exp": now + timedelta(seconds=TOKEN_SECONDS),
            "jti": secrets.token_urlsafe(16),
        }

    def _sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self.key, algorithm=ALGORITHM, headers={"kid": self.key_id})

    def _public(self) -> dict[str, Any]:
        public: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        public.pop("key_ops", None)
        return public
