"""The signing keys that the sign-in service publishes: OpenID Connect Discovery 1.0, then a key set of RFC 7517.

What comes from there is looked at as what it is, an answer from the net: bounded in size and time, checked in shape,
and believed only where it names the issuer that was asked.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import aiohttp
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from vaultstream.errors import Code, VaultError

ALGORITHM = "RS256"
FRESH_SECONDS = 300
GOOD_SECONDS = 3600  # how long keys serve while the service is away
AGAIN_SECONDS = 5  # neither an unknown key id nor a failure makes us ask more often than this
PATIENCE_SECONDS = 5.0
DOCUMENT_BYTES_MAX = 256 * 1024
_KEY_BITS_MIN = 2048
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_log = logging.getLogger(__name__)


class Malformed(Exception):
    """The sign-in service answers, but not with what a sign-in service says; the text says what is wrong."""


class IssuerKeys:
    """Keys by their ids, fetched when first needed and by one request at a time.

    Who knows its key never waits while another fetches. A failure is remembered, so that a service that is away costs
    one request some seconds now and then, and all others nothing. `clock` gives monotonic seconds.
    """

    def __init__(
        self,
        issuer: str,
        *,
        is_local: bool,
        patience_seconds: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._is_local = is_local
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def key(self, key_id: str) -> jwt.PyJWK | None:
        """The key with this id, None where the issuer has none; raises UNAVAILABLE while it cannot be asked."""
        known = self._known(key_id)
        if self._is_due(known) and (known is None or not self._fetching.locked()):
            await self._fetch_once(self._clock())
            known = self._known(key_id)
        if known is None and self._tried_at > self._fetched_at:
            raise VaultError(Code.UNAVAILABLE, "The sign-in service does not answer: try again.")
        return known

    def _known(self, key_id: str) -> jwt.PyJWK | None:
        return self._keys.get(key_id) if self._clock() < self._fetched_at + GOOD_SECONDS else None

    def _is_due(self, known: jwt.PyJWK | None) -> bool:
        now = self._clock()
        if now < self._tried_at + AGAIN_SECONDS:
            return False
        return known is None or now >= self._fetched_at + FRESH_SECONDS

    async def _fetch_once(self, asked_at: float) -> None:
        """Fetch the keys, unless somebody did while this waited its turn; those that are known outlive a failure."""
        async with self._fetching:
            if self._tried_at >= asked_at:
                return
            try:
                self._keys = await self._fetched()
                self._fetched_at = self._tried_at = self._clock()
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError, Malformed) as error:
                _log.warning("no keys from the sign-in service: %s: %s", type(error).__name__, error)
                self._tried_at = self._clock()

    async def _fetched(self) -> dict[str, jwt.PyJWK]:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._patience_seconds)) as client:
            discovered = await _document(client, f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            return keys_in(await _document(client, self._key_set_url(discovered)))

    def _key_set_url(self, discovered: dict[str, object]) -> str:
        """Where the keys are; raises Malformed for another issuer's words, and for a way that others could change."""
        if discovered.get("issuer") != self._issuer:
            raise Malformed("it calls itself by another name")
        url = discovered.get("jwks_uri")
        if not isinstance(url, str):
            raise Malformed("it does not say where its keys are")
        place = urlsplit(url)
        if place.scheme != "https" and not (self._is_local and place.hostname in _LOOPBACK):
            raise Malformed("its keys are not behind https")
        return url


async def _document(client: aiohttp.ClientSession, url: str) -> dict[str, object]:
    """A JSON object; raises Malformed for everything else, also for a way to another place."""
    async with client.get(url, allow_redirects=False) as answer:
        if answer.status != 200:
            raise Malformed(f"it answered {answer.status}")
        body = bytearray()
        async for chunk in answer.content.iter_chunked(DOCUMENT_BYTES_MAX):
            body += chunk
            if len(body) > DOCUMENT_BYTES_MAX:
                raise Malformed("it does not stop talking")
    document = orjson.loads(body)
    if not isinstance(document, dict):
        raise Malformed("it did not answer with an object")
    return document


def keys_in(document: dict[str, object]) -> dict[str, jwt.PyJWK]:
    """The keys of a set that sign as we check; others are left alone. Raises Malformed where there is none."""
    listed = document.get("keys")
    each = (_key(one) for one in listed) if isinstance(listed, list) else ()
    found = dict(pair for pair in each if pair is not None)
    if not found:
        raise Malformed("it has no keys of use")
    return found


def _key(one: object) -> tuple[str, jwt.PyJWK] | None:
    """An RSA key for signatures with its id; None for any other kind or use, and for what is no key."""
    match one:
        case {"kid": str(key_id), "kty": "RSA", "n": str(modulus), "e": str(exponent), **more}:
            if more.get("use", "sig") != "sig" or more.get("alg", ALGORITHM) != ALGORITHM:
                return None
        case _:
            return None
    try:
        key = jwt.PyJWK({"kty": "RSA", "n": modulus, "e": exponent}, algorithm=ALGORITHM)
    except (jwt.PyJWTError, ValueError):
        return None
    is_strong = isinstance(key.key, RSAPublicKey) and key.key.key_size >= _KEY_BITS_MIN
    return (key_id, key) if is_strong else None
