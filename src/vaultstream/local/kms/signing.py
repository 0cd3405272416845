"""The asymmetric keys: made, signed with, verified, published. Secrets are PKCS#8 in DER."""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "SHA_256": hashes.SHA256(),
    "SHA_384": hashes.SHA384(),
    "SHA_512": hashes.SHA512(),
}
_RSA_ALGORITHMS = tuple(f"RSASSA_{kind}_{name}" for kind in ("PSS", "PKCS1_V1_5") for name in _HASHES)
_MAKERS: dict[str, Callable[[], rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]] = {
    "RSA_2048": lambda: rsa.generate_private_key(65_537, 2048),
    "RSA_3072": lambda: rsa.generate_private_key(65_537, 3072),
    "RSA_4096": lambda: rsa.generate_private_key(65_537, 4096),
    "ECC_NIST_P256": lambda: ec.generate_private_key(ec.SECP256R1()),
}
SPECS = tuple(_MAKERS)


@dataclass(frozen=True, slots=True)
class Message:
    """What is signed: the message itself, or its digest."""

    body: bytes
    is_digest: bool


def algorithms(spec: str) -> tuple[str, ...]:
    """The signing algorithms of a key spec."""
    return ("ECDSA_SHA_256",) if spec == "ECC_NIST_P256" else _RSA_ALGORITHMS


def digest_bytes(algorithm: str) -> int:
    """How long a digest must be for an algorithm."""
    return _hash(algorithm).digest_size


def make(spec: str) -> bytes:
    """A new secret; RSA_4096 takes seconds."""
    return _MAKERS[spec]().private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_key(material: bytes) -> bytes:
    """The SubjectPublicKeyInfo in DER."""
    return (
        _load(material)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def sign(material: bytes, algorithm: str, message: Message) -> bytes:
    """The signature; ECDSA's is in DER, as KMS gives it."""
    key, digest = _load(material), _digest(algorithm, message)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message.body, _padding(algorithm), digest)
    return key.sign(message.body, ec.ECDSA(digest))


def is_valid(material: bytes, algorithm: str, message: Message, signature: bytes) -> bool:
    """Whether `signature` is that of the message."""
    key, digest = _load(material).public_key(), _digest(algorithm, message)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message.body, _padding(algorithm), digest)
        else:
            key.verify(signature, message.body, ec.ECDSA(digest))
    except InvalidSignature:
        return False
    return True


def _load(material: bytes) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    key = serialization.load_der_private_key(material, None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise TypeError("the stored key is neither RSA nor elliptic")
    return key


def _hash(algorithm: str) -> hashes.HashAlgorithm:
    return _HASHES[algorithm[-7:]]


def _digest(algorithm: str, message: Message) -> Prehashed | hashes.HashAlgorithm:
    return Prehashed(_hash(algorithm)) if message.is_digest else _hash(algorithm)


def _padding(algorithm: str) -> padding.AsymmetricPadding:
    if "PKCS1" in algorithm:
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(_hash(algorithm)), padding.PSS.DIGEST_LENGTH)
