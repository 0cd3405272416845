"""The fixed numbers of the sealed format (`schema/sealed-format.md`) and the one error it raises."""

from struct import Struct
from typing import Final

FRAME_BYTES: Final = 65_536
"""Plaintext bytes of a regular frame in everything the vault writes."""

MESSAGE_ID_BYTES: Final = 32
COMMIT_KEY_BYTES: Final = 32
TAG_BYTES: Final = 16

REGULAR_HEAD: Final = Struct(">IQI")
"""Sequence number, then the 12-byte IV: epoch and sequence number again."""

FINAL_HEAD: Final = Struct(">IIQII")
"""The final marker, sequence number, IV (epoch, sequence number), and the frame's plaintext length."""

REGULAR_OVERHEAD_BYTES: Final = REGULAR_HEAD.size + TAG_BYTES
FINAL_OVERHEAD_BYTES: Final = FINAL_HEAD.size + TAG_BYTES

FINAL_MARKER: Final = 0xFFFF_FFFF
"""Stands where a regular frame has its number, so no frame may carry it as a number."""

MAX_SEQ: Final = FINAL_MARKER - 1

REGULAR_AAD: Final = b"AWSKMSEncryptionClient Frame"
FINAL_AAD: Final = b"AWSKMSEncryptionClient Final Frame"
AAD_TAIL: Final = Struct(">IQ")
"""Sequence number and the frame's plaintext length, which end every frame's associated data."""

Octets = bytes | bytearray | memoryview


class SealedError(Exception):
    """Bytes are not a sealed file in good order, or not the one expected: a failure of integrity.

    The message names the place and the rule, never a key or a byte of content.
    """
