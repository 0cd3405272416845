"""The operations with symmetric keys: data keys, Encrypt, Decrypt, ReEncrypt, and random bytes."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from vaultstream.local.kms import rotation, sealing
from vaultstream.local.kms.faults import KmsFault, invalid
from vaultstream.local.kms.fields import Fields
from vaultstream.local.kms.keyring import Keyring
from vaultstream.local.kms.keys import SYMMETRIC, Key, Usage

_MAX_PLAINTEXT_BYTES = 4096
_MAX_BLOB_BYTES = 6144
_DATA_KEY_BYTES = {"AES_256": 32, "AES_128": 16}


@dataclass(frozen=True, slots=True)
class _Opened:
    key: Key
    plaintext: bytes


def generate_data_key(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """A new data key, in clear and sealed."""
    told, plaintext = _new_data_key(keyring, fields)
    return {**told, "Plaintext": text(plaintext)}


def generate_data_key_without_plaintext(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """A new data key, sealed only."""
    told, _ = _new_data_key(keyring, fields)
    return told


def encrypt(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Seals up to 4,096 bytes."""
    key = keyring.find(fields.text("KeyId"), by_alias=True)
    _check_algorithm(fields, "EncryptionAlgorithm")
    blob = _seal(keyring, key, fields.blob("Plaintext", _MAX_PLAINTEXT_BYTES), fields.context())
    return {"KeyId": key.arn, "CiphertextBlob": text(blob), "EncryptionAlgorithm": SYMMETRIC}


def decrypt(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Opens a blob with the key that sealed it, whichever version that was."""
    _check_algorithm(fields, "EncryptionAlgorithm")
    opened = _open(keyring, fields, "KeyId", "EncryptionContext")
    return {"KeyId": opened.key.arn, "Plaintext": text(opened.plaintext), "EncryptionAlgorithm": SYMMETRIC}


def re_encrypt(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Opens a blob and seals it again, under another key or context; the plaintext does not leave."""
    _check_algorithm(fields, "SourceEncryptionAlgorithm")
    _check_algorithm(fields, "DestinationEncryptionAlgorithm")
    opened = _open(keyring, fields, "SourceKeyId", "SourceEncryptionContext")
    key = keyring.find(fields.text("DestinationKeyId"), by_alias=True)
    blob = _seal(keyring, key, opened.plaintext, fields.context("DestinationEncryptionContext"))
    return {
        "KeyId": key.arn,
        "SourceKeyId": opened.key.arn,
        "CiphertextBlob": text(blob),
        "SourceEncryptionAlgorithm": SYMMETRIC,
        "DestinationEncryptionAlgorithm": SYMMETRIC,
    }


def generate_random(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Up to 1,024 random bytes."""
    del keyring
    return {"Plaintext": text(secrets.token_bytes(fields.number("NumberOfBytes", 32, 1, 1024)))}


def text(value: bytes) -> str:
    """Bytes as JSON carries them."""
    return base64.b64encode(value).decode()


def _new_data_key(keyring: Keyring, fields: Fields) -> tuple[dict[str, object], bytes]:
    key = keyring.find(fields.text("KeyId"), by_alias=True)
    if ("KeySpec" in fields.values) == ("NumberOfBytes" in fields.values):
        raise invalid("Specify either KeySpec or NumberOfBytes.")
    if "KeySpec" in fields.values:
        size = _DATA_KEY_BYTES[fields.choice("KeySpec", None, tuple(_DATA_KEY_BYTES))]
    else:
        size = fields.number("NumberOfBytes", 32, 1, 1024)
    plaintext = secrets.token_bytes(size)
    return {"KeyId": key.arn, "CiphertextBlob": text(_seal(keyring, key, plaintext, fields.context()))}, plaintext


def _seal(keyring: Keyring, key: Key, plaintext: bytes, context: Mapping[str, str]) -> bytes:
    key.need(Usage.ENCRYPT_DECRYPT)
    key = rotation.rotate_if_due(keyring, key)
    nonce = secrets.token_bytes(sealing.NONCE_BYTES)
    return sealing.seal(keyring.material(key, key.version), key.key_id, key.version, nonce, plaintext, context)


def _open(keyring: Keyring, fields: Fields, key_field: str, context_field: str) -> _Opened:
    blob, context = fields.blob("CiphertextBlob", _MAX_BLOB_BYTES), fields.context(context_field)
    named = keyring.find(fields.text(key_field), by_alias=True) if key_field in fields.values else None
    try:
        sealed = sealing.take_apart(blob)
        key = named or keyring.find(sealed.key_id)
    except (ValueError, KmsFault) as error:
        raise KmsFault("InvalidCiphertextException") from error
    key.need(Usage.ENCRYPT_DECRYPT)
    if sealed.key_id != key.key_id:
        message = "The key ID in the request does not identify a CMK that can perform this operation."
        raise KmsFault("IncorrectKeyException", message)
    try:
        plaintext = sealing.open_sealed(keyring.material(key, sealed.version), sealed, context)
    except (ValueError, LookupError) as error:
        raise KmsFault("InvalidCiphertextException") from error
    return _Opened(key, plaintext)


def _check_algorithm(fields: Fields, name: str) -> None:
    fields.choice(name, SYMMETRIC, (SYMMETRIC,))
