"""The official AWS Encryption SDK as an oracle, and one way to seal and open a whole message at once."""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import aws_encryption_sdk
import pytest
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import AesWrappingAlg, CreateRawAesKeyringInput
from aws_encryption_sdk.identifiers import Algorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vaultstream.sealed import DataKey, EncryptedDataKey, Header, Opener, Sealer, parse_header

NAMESPACE, NAME = "vaultstream-tests", b"wrapping key"
WRAPPING_KEY = bytes(range(32, 64))


class Official:
    """The stock writer and reader with a raw AES keyring, whose wrapping is simple enough to do by hand."""

    def __init__(self) -> None:
        self.client = aws_encryption_sdk.EncryptionSDKClient()
        providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
        self.keyring = providers.create_raw_aes_keyring(
            input=CreateRawAesKeyringInput(
                key_namespace=NAMESPACE,
                key_name=NAME.decode(),
                wrapping_key=WRAPPING_KEY,
                wrapping_alg=AesWrappingAlg.ALG_AES256_GCM_IV12_TAG16,
            )
        )

    def write(self, plain: bytes, context: Mapping[str, str], frame_bytes: int) -> bytes:
        sealed, _ = self.client.encrypt(
            source=plain,
            keyring=self.keyring,
            encryption_context=dict(context),
            algorithm=Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
            frame_length=frame_bytes,
        )
        return sealed

    def read(self, message: bytes, context: Mapping[str, str]) -> bytes:
        plain, _ = self.client.decrypt(source=message, keyring=self.keyring, encryption_context=dict(context))
        return plain

    def wrap(self, data_key: DataKey, context: Mapping[str, str], iv: bytes) -> EncryptedDataKey:
        sealed = AESGCM(WRAPPING_KEY).encrypt(iv, data_key.reveal(), context_bytes(context))
        return EncryptedDataKey(NAMESPACE, NAME + struct.pack(">II", 128, len(iv)) + iv, sealed)

    def unwrap(self, header: Header) -> DataKey:
        edk = header.edks[0]
        plain = AESGCM(WRAPPING_KEY).decrypt(edk.provider_info[-12:], edk.ciphertext, context_bytes(header.context))
        return DataKey(plain)


def context_bytes(context: Mapping[str, str]) -> bytes:
    """An encryption context as the SDK authenticates it; written apart from the code under test."""
    if not context:
        return b""
    packed = struct.pack(">H", len(context))
    for key, value in sorted((key.encode(), value.encode()) for key, value in context.items()):
        packed += struct.pack(f">H{len(key)}sH{len(value)}s", len(key), key, len(value), value)
    return packed


@dataclass(frozen=True)
class Codec:
    """Whole messages through the incremental codec."""

    def seal(self, frame_key, chunks: Iterable[bytes], epoch: int = 0, part_frames: int = 128) -> bytes:
        sealer = Sealer(frame_key, epoch, part_frames=part_frames)
        body = bytearray()
        for chunk in chunks:
            for part in sealer.update(chunk):
                body += part.ciphertext
        return bytes(body + sealer.finish().ciphertext)

    def open(self, frame_key, plain_bytes: int, chunks: Iterable[bytes]) -> bytes:
        opener = Opener(frame_key, plain_bytes)
        plain = b"".join(piece for chunk in chunks for piece in opener.update(chunk))
        opener.finish()
        return plain

    def split(self, message: bytes, header_bytes: int) -> tuple[Header, bytes]:
        return parse_header(message[:header_bytes]), message[header_bytes:]


@pytest.fixture(scope="session")
def official() -> Official:
    return Official()


@pytest.fixture(scope="session")
def codec() -> Codec:
    return Codec()
