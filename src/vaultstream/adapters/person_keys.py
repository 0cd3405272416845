"""KMS's keys for the personal fields of the audit log: one a person, wrapped, and unwrapped for a short while."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from vaultstream.audit_seals import KEY_BYTES
from vaultstream.errors import Code, VaultError

_CACHED_MAX = 1000


class PersonKeys:
    """Makes and unwraps keys through one open client. Whether a person still has one, the table says, each time."""

    def __init__(
        self,
        client: Any,  # Any: botocore makes its clients at run time
        kms_key: str,
        *,
        cache_seconds: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._kms_key = kms_key
        self._seconds = cache_seconds
        self._clock = clock
        self._known: OrderedDict[tuple[str, bytes], tuple[float, bytes]] = OrderedDict()

    async def new(self, subject: str) -> bytes:
        """A new key for a person, wrapped. Raises UNAVAILABLE."""
        answer = await self._call(
            "generate_data_key_without_plaintext",
            KeyId=self._kms_key,
            NumberOfBytes=KEY_BYTES,
            EncryptionContext=_context(subject),
        )
        return bytes(answer["CiphertextBlob"])

    async def unwrap(self, subject: str, wrapped: bytes) -> bytes:
        """The key itself; one Decrypt, unless it was asked for a short while ago. Raises UNAVAILABLE."""
        name = (subject, wrapped)
        known = self._known.get(name)
        if known is not None and self._clock() < known[0]:
            self._known.move_to_end(name)
            return known[1]
        answer = await self._call("decrypt", CiphertextBlob=wrapped, EncryptionContext=_context(subject))
        key = bytes(answer["Plaintext"])
        self._known[name] = (self._clock() + self._seconds, key)
        while len(self._known) > _CACHED_MAX:
            self._known.popitem(last=False)
        return key

    async def _call(self, verb: str, **request: Any) -> Any:  # Any: KMS's own shapes, both ways
        try:
            return await getattr(self._client, verb)(**request)
        except (BotoCoreError, ClientError):
            raise VaultError(Code.UNAVAILABLE, "The audit log's keys cannot be had: try again in a moment.") from None


def _context(subject: str) -> dict[str, str]:
    return {"purpose": "audit", "person": subject}
