"""KMS's asymmetric key: what it signed anybody can verify with its public half, and nobody else can sign."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives import serialization

from vaultstream.errors import Code, VaultError

_ALGORITHM = "ECDSA_SHA_256"


class Notary:
    """One signing key (NIST P-256) through one open client."""

    def __init__(self, client: Any, key: str) -> None:  # Any: botocore makes its clients at run time
        self._client = client
        self._key = key

    async def sign(self, message: bytes) -> bytes:
        """The signature of at most 4,096 bytes, in DER. Raises UNAVAILABLE."""
        answer = await self._call("sign", MessageType="RAW", Message=message, SigningAlgorithm=_ALGORITHM)
        return bytes(answer["Signature"])

    async def public_key(self) -> str:
        """The public half in PEM. Raises UNAVAILABLE."""
        answer = await self._call("get_public_key")
        key = serialization.load_der_public_key(answer["PublicKey"])
        pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        return pem.decode()

    async def _call(self, verb: str, **request: Any) -> Any:  # Any: KMS's own shapes, both ways
        try:
            return await getattr(self._client, verb)(KeyId=self._key, **request)
        except (BotoCoreError, ClientError):
            raise VaultError(Code.UNAVAILABLE, "The audit log's key cannot be had: try again in a moment.") from None
