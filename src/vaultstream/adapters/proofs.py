"""Proves a signed URL once more in its own words: CloudFront takes its signature off before it passes a request on.

A URL carries `until` (seconds since 1970) and `proof`, an HMAC over its path and its parameters, which CloudFront
leaves alone. So what stands behind CloudFront believes nobody on the way. The order and the escapes of parameters
do not count, and CloudFront's own ones are not part of it: it may drop them or leave them.
"""

import base64
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vaultstream.errors import Code, VaultError

_KEY_BYTES = 32
_INFO = b"vaultstream content proof"
_CLOUDFRONTS = {"Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"}


class Proofs:
    """HMAC-SHA-256 under a key that every instance derives from the same secret."""

    __slots__ = ("_key",)

    def __init__(self, secret: str) -> None:
        """Takes a secret of the deployment's; with another one, what was proven before is refused."""
        self._key = HKDF(SHA256(), _KEY_BYTES, salt=None, info=_INFO).derive(secret.strip().encode())

    def prove(self, url: str, expires_at: datetime) -> str:
        """The URL with its end and its proof, good before `expires_at` (whole seconds)."""
        bounded = f"{url}{'&' if '?' in url else '?'}until={int(expires_at.timestamp())}"
        return f"{bounded}&proof={self._proof(*_said(bounded)[:2])}"

    def check(self, url: str, now: datetime) -> None:
        """Let a URL pass that was proven here and has not run out.

        Raises EXPIRED for one that was good once, FORBIDDEN for everything else.
        """
        path, said, proofs = _said(url)
        if len(proofs) != 1 or not hmac.compare_digest(proofs[0].encode(), self._proof(path, said).encode()):
            raise VaultError(Code.FORBIDDEN, "This link is not one that the vault made for you. Ask for a new one.")
        until = max(int(value) for name, value in said if name == "until")  # ours: the proof covers it
        if now >= datetime.fromtimestamp(until, UTC):
            raise VaultError(Code.EXPIRED, "This link has run out. Ask for a new one.")

    def _proof(self, path: str, said: list[tuple[str, str]]) -> str:
        text = json.dumps([path, said], separators=(",", ":"))
        return base64.urlsafe_b64encode(hmac.digest(self._key, text.encode(), "sha256")).decode().rstrip("=")


def _said(url: str) -> tuple[str, list[tuple[str, str]], list[str]]:
    """A URL's path, what its parameters say in one order, and the proofs among them."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    ours = sorted(pair for pair in pairs if pair[0] not in _CLOUDFRONTS | {"proof"})
    return unquote(parts.path), ours, [value for name, value in pairs if name == "proof"]
