"""The data key of a sealed file and the keys derived from it; none shows in a repr or survives a pickle."""

from dataclasses import dataclass
from typing import Final, NoReturn

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from vaultstream.sealed.format import COMMIT_KEY_BYTES, FRAME_BYTES, MESSAGE_ID_BYTES

DATA_KEY_BYTES: Final = 32
SUITE: Final = bytes.fromhex("0478")
"""AES-256-GCM, HKDF-SHA512, key commitment, no signature: an algorithm suite of the AWS Encryption SDK."""

FRAME_KEY_INFO: Final = SUITE + b"DERIVEKEY"
COMMIT_KEY_INFO: Final = b"COMMITKEY"
TAIL_KEY_INFO: Final = b"VaultStream upload tail v1"


class DataKey:
    """The 32 plaintext bytes that KMS gave for one attempt at one file version."""

    __slots__ = ("_plain",)

    def __init__(self, plain: bytes) -> None:
        if len(plain) != DATA_KEY_BYTES:
            raise ValueError("a data key has 32 bytes")
        self._plain = plain

    def reveal(self) -> bytes:
        """The key itself, for derivation and for nothing else."""
        return self._plain

    def __repr__(self) -> str:
        return "DataKey(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a data key is never written down")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class FrameKey:
    """What opens and seals the frames of one message; the data key cannot be had from it.

    `frame_bytes` travels along, so that a message is never cut in one way and read in another.
    """

    message_id: bytes
    frame_bytes: int
    commit_key: bytes
    frames: AESGCM
    tail: AESGCM

    def __repr__(self) -> str:
        return "FrameKey(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a frame key is never written down")


def derive(data_key: DataKey, message_id: bytes, frame_bytes: int = FRAME_BYTES) -> FrameKey:
    """Frame key, commit key and tail key of one message (HKDF-SHA512 salted with the message id).

    Raises ValueError for a message id that is not 32 bytes long, or a frame length outside 1..2^31-1.
    """
    if len(message_id) != MESSAGE_ID_BYTES:
        raise ValueError("a message id has 32 bytes")
    if not 1 <= frame_bytes < 2**31:
        raise ValueError("a frame has 1 to 2^31-1 bytes")
    secret = HKDF.extract(SHA512(), salt=message_id, key_material=data_key.reveal())
    return FrameKey(
        message_id=message_id,
        frame_bytes=frame_bytes,
        commit_key=_expand(secret, COMMIT_KEY_INFO, COMMIT_KEY_BYTES),
        frames=AESGCM(_expand(secret, FRAME_KEY_INFO, DATA_KEY_BYTES)),
        tail=AESGCM(_expand(secret, TAIL_KEY_INFO, DATA_KEY_BYTES)),
    )


def _expand(secret: bytes, info: bytes, length: int) -> bytes:
    return HKDFExpand(SHA512(), length=length, info=info).derive(secret)
