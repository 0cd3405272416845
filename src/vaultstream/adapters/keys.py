"""KMS: a new data key for each object, and the keys of objects opened again, kept for a short while."""

import asyncio
import json
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from vaultstream.errors import Code, VaultError
from vaultstream.sealed import (
    DataKey,
    EncryptedDataKey,
    FrameKey,
    SealedError,
    build_header,
    derive,
    open_header,
    parse_header,
)

CACHED_KEYS_MAX = 1000
_MESSAGE_ID_BYTES = 32
_REFUSED = {
    "InvalidCiphertextException",
    "IncorrectKeyException",
    "DisabledException",
    "KMSInvalidStateException",
    "NotFoundException",
    "AccessDeniedException",
    "InvalidArnException",
    "InvalidKeyUsageException",
    "ValidationException",
}


class Keys:
    """One KMS key through one open client. Reads go through a cache of derived keys, never of data keys.

    Check access before every look-up. `flush` drops what the cache holds.
    """

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
        self._opened: OrderedDict[tuple[bytes, str], tuple[float, FrameKey]] = OrderedDict()
        self._opening: dict[tuple[bytes, str], asyncio.Task[FrameKey]] = {}

    async def new(self, context: Mapping[str, str]) -> tuple[FrameKey, bytes]:
        """A data key made for one object: the key of its frames and its header. One GenerateDataKey."""
        answer = await self._call(
            "generate_data_key", KeyId=self._kms_key, KeySpec="AES_256", EncryptionContext=dict(context)
        )
        data_key = DataKey(answer["Plaintext"])
        message_id = os.urandom(_MESSAGE_ID_BYTES)
        sealed_key = EncryptedDataKey.from_kms(answer["KeyId"], answer["CiphertextBlob"])
        header = build_header(data_key, message_id, context, [sealed_key])
        return derive(data_key, message_id), header

    async def open(self, header: bytes, context: Mapping[str, str]) -> FrameKey:
        """The key of an object's frames. One Decrypt, unless it was opened a short while ago.

        Raises UNREADABLE where KMS or the header refuses, or header and context do not agree.
        """
        name = (header, json.dumps(dict(context), sort_keys=True))
        if (known := self._opened.get(name)) is not None and self._clock() < known[0]:
            self._opened.move_to_end(name)
            return known[1]
        task = self._opening.get(name)
        if task is None:
            task = self._opening[name] = asyncio.create_task(self._unwrap(header, dict(context)))
            task.add_done_callback(lambda done: self._keep(name, done))
        return await asyncio.shield(task)

    def flush(self) -> None:
        """Forget every opened key; one that is being opened goes to who asked for it, and to nobody after."""
        self._opened.clear()
        self._opening.clear()

    def _keep(self, name: tuple[bytes, str], done: asyncio.Task[FrameKey]) -> None:
        is_flushed = self._opening.get(name) is not done
        if not is_flushed:
            del self._opening[name]
        if done.cancelled() or done.exception() is not None or is_flushed:
            return
        self._opened[name] = (self._clock() + self._seconds, done.result())
        while len(self._opened) > CACHED_KEYS_MAX:
            self._opened.popitem(last=False)

    async def _unwrap(self, header: bytes, context: dict[str, str]) -> FrameKey:
        try:
            sealed_key = parse_header(header).edks[0]
            answer = await self._call(
                "decrypt",
                KeyId=sealed_key.key_arn,
                CiphertextBlob=sealed_key.ciphertext,
                EncryptionContext=context,
            )
            return open_header(header, DataKey(answer["Plaintext"]), context)
        except (SealedError, ParamValidationError):  # a header may name a key as no key is ever named
            raise _unreadable() from None

    async def ping(self) -> None:
        """One cheap call; raises UNAVAILABLE where KMS does not answer."""
        await self._call("describe_key", KeyId=self._kms_key)

    async def _call(self, verb: str, **request: Any) -> Any:  # Any: KMS's own shapes, both ways
        try:
            return await getattr(self._client, verb)(**request)
        except ParamValidationError:
            raise
        except BotoCoreError:
            raise _unavailable() from None
        except ClientError as error:
            if error.response["Error"]["Code"] in _REFUSED:
                raise _unreadable() from None
            raise _unavailable() from None


def _unreadable() -> VaultError:
    return VaultError(Code.UNREADABLE, "The key of this content cannot be had.")


def _unavailable() -> VaultError:
    return VaultError(Code.UNAVAILABLE, "The vault cannot reach its keys: try again in a moment.")
