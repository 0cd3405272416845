"""The tail of an unfinished upload: whole frames that fill no part yet, and the sealed rest of a frame."""

from struct import Struct
from typing import Final

from cryptography.exceptions import InvalidTag

from vaultstream.sealed.format import (
    FINAL_MARKER,
    MESSAGE_ID_BYTES,
    REGULAR_OVERHEAD_BYTES,
    TAG_BYTES,
    Octets,
    SealedError,
)
from vaultstream.sealed.keys import FrameKey

_OFFSET: Final = Struct(">Q")
_IV: Final = Struct(">QI")
_HEAD_BYTES: Final = MESSAGE_ID_BYTES + _OFFSET.size


def seal_tail(frame_key: FrameKey, epoch: int, frames: Octets, remainder: Octets, offset: int) -> bytearray:
    """One tail object: message id, `offset`, the frames as they are, and the remainder sealed.

    `offset` is the count of plaintext bytes accepted so far, remainder included. The sealed remainder vouches
    for all that stands before it. At most one tail may be sealed in an epoch (`Sealer.tail` sees to it).
    Raises ValueError where the pieces do not fit the offset.
    """
    size = _HEAD_BYTES + len(frames) + len(remainder) + TAG_BYTES
    if len(remainder) != offset % frame_key.frame_bytes:
        raise ValueError("the remainder does not reach from the last whole frame to the offset")
    if not _frames_fit(frame_key, len(frames), offset):
        raise ValueError("the frames are not whole, or more than lie before the offset")
    tail = bytearray(size)
    sealed_at = _HEAD_BYTES + len(frames)
    tail[:_HEAD_BYTES] = frame_key.message_id + _OFFSET.pack(offset)
    tail[_HEAD_BYTES:sealed_at] = frames
    view = memoryview(tail)
    frame_key.tail.encrypt_into(_IV.pack(epoch, FINAL_MARKER), remainder, view[:sealed_at], view[sealed_at:])
    return tail


def open_tail(frame_key: FrameKey, epoch: int, tail: Octets, offset: int) -> tuple[memoryview, bytes]:
    """Whole frames (ciphertext, a view into `tail`) and the plaintext remainder of the tail sealed in `epoch`.

    `epoch` and `offset` are those committed with the tail: one that an abandoned request left behind does not
    open. Raises SealedError for any other tail.
    """
    view = memoryview(tail).cast("B")
    sealed_at = len(view) - TAG_BYTES - offset % frame_key.frame_bytes
    if sealed_at < _HEAD_BYTES or not _frames_fit(frame_key, sealed_at - _HEAD_BYTES, offset):
        raise SealedError("the upload's tail has not the size its offset asks for")
    if bytes(view[:_HEAD_BYTES]) != frame_key.message_id + _OFFSET.pack(offset):
        raise SealedError("the tail belongs to another upload or another offset")
    try:
        remainder = frame_key.tail.decrypt(_IV.pack(epoch, FINAL_MARKER), view[sealed_at:], view[:sealed_at])
    except InvalidTag:
        raise SealedError("the upload's tail does not authenticate") from None
    return view[_HEAD_BYTES:sealed_at], remainder


def _frames_fit(frame_key: FrameKey, frames_bytes: int, offset: int) -> bool:
    count, rest = divmod(frames_bytes, frame_key.frame_bytes + REGULAR_OVERHEAD_BYTES)
    return rest == 0 and count <= offset // frame_key.frame_bytes
