"""The operations that prove: Sign, Verify and GetPublicKey, and with HMAC keys GenerateMac and VerifyMac."""

import hmac

from vaultstream.local.kms import signing
from vaultstream.local.kms.encryption import text
from vaultstream.local.kms.faults import KmsFault, invalid
from vaultstream.local.kms.fields import Fields
from vaultstream.local.kms.keyring import Keyring
from vaultstream.local.kms.keys import Key, Usage
from vaultstream.local.kms.signing import Message

_MAX_MESSAGE_BYTES = 4096
_MAX_SIGNATURE_BYTES = 6144
MAC_BYTES = {"HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64}


def sign(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Signs a message of up to 4,096 bytes, or its digest."""
    key, algorithm, message = _signing_request(keyring, fields)
    signature = signing.sign(keyring.material(key, key.version), algorithm, message)
    return {"KeyId": key.arn, "Signature": text(signature), "SigningAlgorithm": algorithm}


def verify(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Says yes, or raises `KMSInvalidSignatureException`."""
    key, algorithm, message = _signing_request(keyring, fields)
    signature = fields.blob("Signature", _MAX_SIGNATURE_BYTES)
    if not signing.is_valid(keyring.material(key, key.version), algorithm, message, signature):
        raise KmsFault("KMSInvalidSignatureException")
    return {"KeyId": key.arn, "SignatureValid": True, "SigningAlgorithm": algorithm}


def get_public_key(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """The public half, as a SubjectPublicKeyInfo in DER."""
    key = keyring.find(fields.text("KeyId"), by_alias=True)
    if key.usage is not Usage.SIGN_VERIFY:
        raise KmsFault("UnsupportedOperationException", f"{key.arn} has no public key.")
    key.need(Usage.SIGN_VERIFY)
    return {
        "KeyId": key.arn,
        "PublicKey": text(signing.public_key(keyring.material(key, key.version))),
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        "KeyUsage": key.usage,
        "SigningAlgorithms": signing.algorithms(key.spec),
    }


def generate_mac(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """The HMAC of a message of up to 4,096 bytes."""
    key, mac = _mac(keyring, fields)
    return {"KeyId": key.arn, "Mac": text(mac), "MacAlgorithm": mac_algorithm(key.spec)}


def verify_mac(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Says yes, or raises `KMSInvalidMacException`."""
    key, mac = _mac(keyring, fields)
    if not hmac.compare_digest(mac, fields.blob("Mac", _MAX_SIGNATURE_BYTES)):
        raise KmsFault("KMSInvalidMacException")
    return {"KeyId": key.arn, "MacValid": True, "MacAlgorithm": mac_algorithm(key.spec)}


def mac_algorithm(spec: str) -> str:
    """The one algorithm of an HMAC key: `HMAC_SHA_256` of `HMAC_256`."""
    return spec.replace("HMAC_", "HMAC_SHA_")


def _signing_request(keyring: Keyring, fields: Fields) -> tuple[Key, str, Message]:
    key = keyring.find(fields.text("KeyId"), by_alias=True)
    key.need(Usage.SIGN_VERIFY)
    algorithm = fields.choice("SigningAlgorithm", None, signing.algorithms(key.spec))
    is_digest = fields.choice("MessageType", "RAW", ("RAW", "DIGEST")) == "DIGEST"
    message = Message(fields.blob("Message", _MAX_MESSAGE_BYTES), is_digest)
    if is_digest and len(message.body) != signing.digest_bytes(algorithm):
        raise invalid(f"Digest is invalid length for algorithm {algorithm}.")
    return key, algorithm, message


def _mac(keyring: Keyring, fields: Fields) -> tuple[Key, bytes]:
    key = keyring.find(fields.text("KeyId"), by_alias=True)
    key.need(Usage.GENERATE_VERIFY_MAC)
    algorithm = fields.choice("MacAlgorithm", None, (mac_algorithm(key.spec),))
    message = fields.blob("Message", _MAX_MESSAGE_BYTES)
    return key, hmac.digest(
        keyring.material(key, key.version), message, algorithm.removeprefix("HMAC_").replace("_", "")
    )
