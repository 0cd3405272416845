"""Seals plaintext of any chunking into the frames and S3 parts of a sealed file, without I/O."""

from dataclasses import dataclass, field
from struct import Struct
from typing import Final, Self

from vaultstream.sealed.format import (
    AAD_TAIL,
    FINAL_AAD,
    FINAL_HEAD,
    FINAL_MARKER,
    FINAL_OVERHEAD_BYTES,
    MAX_SEQ,
    REGULAR_AAD,
    REGULAR_HEAD,
    REGULAR_OVERHEAD_BYTES,
    Octets,
    SealedError,
)
from vaultstream.sealed.keys import FrameKey
from vaultstream.sealed.sizes import PART_FRAMES
from vaultstream.sealed.tail import open_tail, seal_tail

_SEQ: Final = Struct(">I")
_SEQ_BYTES: Final = 4
_MAX_EPOCH: Final = 2**64 - 1

_FIRST_FRAMES: Final = 16
"""Frames a sealer makes room for before it makes room for a whole part."""


@dataclass(frozen=True, slots=True)
class Part:
    """Sealed bytes for one S3 part, and the state once it is stored.

    `offset` counts the plaintext bytes in this part and all before it, `next_seq` numbers the frame that comes
    next. The sealer never touches `ciphertext` again unless it is given back with `Sealer.recycle`.
    """

    ciphertext: bytearray = field(repr=False)
    next_seq: int
    offset: int


class Sealer:
    """Frames of one message within one epoch.

    The epoch must have been raised durably before the sealer is made: (epoch, sequence number) is the IV.
    `update` gives the parts that became full; the end is either `tail` (the upload goes on in a later epoch) or
    `finish` (it is complete), and `close` in any case.
    """

    __slots__ = (
        "_aad",
        "_buffer",
        "_closed",
        "_epoch",
        "_held",
        "_key",
        "_next_seq",
        "_part_frames",
        "_remainder",
        "_remainder_bytes",
        "_spare",
        "_stride",
    )

    def __init__(
        self,
        frame_key: FrameKey,
        epoch: int,
        next_seq: int = 1,
        remainder: Octets = b"",
        *,
        frames: Octets = b"",
        part_frames: int = PART_FRAMES,
    ) -> None:
        """`frames` and `remainder` are what `open_tail` gave; a part holds `part_frames` whole frames.

        Raises ValueError for a state that no sealer leaves behind.
        """
        self._key = frame_key
        self._epoch = epoch
        self._next_seq = next_seq
        self._stride = frame_key.frame_bytes + REGULAR_OVERHEAD_BYTES
        self._held, torn = divmod(len(frames), self._stride)
        if torn or not self._held < next_seq <= MAX_SEQ or not 0 <= epoch <= _MAX_EPOCH or part_frames < 1:
            raise ValueError("no sealer leaves such a state behind")
        if len(remainder) >= frame_key.frame_bytes:
            raise ValueError("the remainder is a whole frame or more")
        self._part_frames = max(part_frames, self._held + 1)
        self._buffer = bytearray(frames)
        self._spare: bytearray | None = None
        self._remainder = memoryview(bytearray(frame_key.frame_bytes))
        self._remainder[: len(remainder)] = remainder
        self._remainder_bytes = len(remainder)
        self._aad = bytearray(frame_key.message_id + REGULAR_AAD + AAD_TAIL.pack(0, frame_key.frame_bytes))
        self._closed = False

    @classmethod
    def resume(
        cls,
        frame_key: FrameKey,
        epoch: int,
        tail: Octets,
        *,
        tail_epoch: int,
        offset: int,
        part_frames: int = PART_FRAMES,
    ) -> Self:
        """Goes on where the tail committed at `offset` by the request of `tail_epoch` ends.

        Raises SealedError where the tail is not that one, ValueError where the epoch was not raised since.
        """
        if epoch <= tail_epoch:
            raise ValueError("the epoch was not raised since the tail was sealed")
        frames, remainder = open_tail(frame_key, tail_epoch, tail, offset)
        next_seq = offset // frame_key.frame_bytes + 1
        return cls(frame_key, epoch, next_seq, remainder, frames=frames, part_frames=part_frames)

    @property
    def next_seq(self) -> int:
        """Number of the next frame to be sealed."""
        return self._next_seq

    @property
    def offset(self) -> int:
        """Plaintext bytes accepted since the start of the file, remainder included."""
        return (self._next_seq - 1) * self._key.frame_bytes + self._remainder_bytes

    @property
    def held_frames(self) -> int:
        """Whole frames that are sealed but belong to no part yet."""
        return self._held

    def update(self, plaintext: Octets) -> list[Part]:
        """Takes all of `plaintext` and gives the parts it made full, oldest first (most often none).

        Beside those, memory holds one part being filled, one given back, and one frame; whole frames inside
        `plaintext` are not copied. Raises SealedError where the file would need more frames than have numbers.
        """
        self._require_open()
        with memoryview(plaintext) as given, given.cast("B") as source:
            whole_frames = (self._remainder_bytes + len(source)) // self._key.frame_bytes
            if self._next_seq + whole_frames > MAX_SEQ:
                raise SealedError("the file has more frames than can be numbered")
            parts: list[Part] = []
            taken = self._fill_remainder(source, parts)
            whole = (len(source) - taken) // self._key.frame_bytes * self._key.frame_bytes
            self._seal_all(source[taken : taken + whole], parts)
            self._keep(source[taken + whole :])
            return parts

    def tail(self) -> bytearray:
        """Seals what no part holds into a tail object (`seal_tail`) and closes: an epoch has one tail."""
        self._require_open()
        held = memoryview(self._buffer)[: self._held * self._stride]
        remainder = self._remainder[: self._remainder_bytes]
        tail = seal_tail(self._key, self._epoch, held, remainder, self.offset)
        self.close()
        return tail

    def finish(self) -> Part:
        """The last part: the held frames and the final frame, which is empty after an exact multiple. Closes."""
        self._require_open()
        at = self._held * self._stride
        length = self._remainder_bytes
        del self._buffer[at:]
        self._buffer.extend(bytes(FINAL_OVERHEAD_BYTES + length))
        self._seal_final(at, length)
        part = Part(self._buffer, self._next_seq + 1, self.offset)
        self._buffer = bytearray()
        self.close()
        return part

    def recycle(self, part: Part) -> None:
        """Gives a part's memory back for the next one, once, and only when nothing can send it any more."""
        if part.ciphertext is not self._buffer and len(part.ciphertext) == self._part_frames * self._stride:
            self._spare = part.ciphertext

    def close(self) -> None:
        """Overwrites the plaintext remainder and refuses further work; closing twice does nothing."""
        self._closed = True
        self._remainder[:] = bytes(len(self._remainder))

    def _require_open(self) -> None:
        if self._closed:
            raise RuntimeError("the sealer is closed")

    def _fill_remainder(self, source: memoryview, parts: list[Part]) -> int:
        """Completes a begun frame from `source`; gives the count of bytes taken."""
        if not self._remainder_bytes:
            return 0
        taken = min(len(source), self._key.frame_bytes - self._remainder_bytes)
        self._keep(source[:taken])
        if self._remainder_bytes == self._key.frame_bytes:
            self._seal_all(self._remainder, parts)
            self._remainder_bytes = 0
        return taken

    def _keep(self, rest: memoryview) -> None:
        stop = self._remainder_bytes + len(rest)
        self._remainder[self._remainder_bytes : stop] = rest
        self._remainder_bytes = stop

    def _seal_all(self, source: memoryview, parts: list[Part]) -> None:
        """Seals `source`, which is whole frames, and cuts a part whenever one is full."""
        frame_bytes = self._key.frame_bytes
        while source:
            count = min(len(source) // frame_bytes, self._part_frames - self._held)
            self._reserve(self._held + count)
            self._seal_run(source, count)
            source = source[count * frame_bytes :]
            if self._held == self._part_frames:
                parts.append(self._cut())

    def _reserve(self, frames: int) -> None:
        """Makes room for so many frames: a little at first, so that a small file never costs a whole part."""
        if frames * self._stride <= len(self._buffer):
            return
        room = _FIRST_FRAMES if frames <= _FIRST_FRAMES <= self._part_frames else self._part_frames
        grown, self._spare = self._spare or bytearray(room * self._stride), None
        held = self._held * self._stride
        memoryview(grown)[:held] = memoryview(self._buffer)[:held]
        self._buffer = grown

    def _seal_run(self, source: memoryview, count: int) -> None:
        frame_bytes, stride, epoch, aad = self._key.frame_bytes, self._stride, self._epoch, self._aad
        encrypt_into, buffer = self._key.frames.encrypt_into, self._buffer
        out, at, seq = memoryview(buffer), self._held * self._stride, self._next_seq
        head, aad_seq = REGULAR_HEAD.size, len(aad) - AAD_TAIL.size
        for start in range(0, count * frame_bytes, frame_bytes):
            REGULAR_HEAD.pack_into(buffer, at, seq, epoch, seq)
            _SEQ.pack_into(aad, aad_seq, seq)
            encrypt_into(
                out[at + _SEQ_BYTES : at + head],
                source[start : start + frame_bytes],
                aad,
                out[at + head : at + stride],
            )
            at += stride
            seq += 1
        self._held += count
        self._next_seq = seq

    def _seal_final(self, at: int, length: int) -> None:
        buffer, seq = self._buffer, self._next_seq
        FINAL_HEAD.pack_into(buffer, at, FINAL_MARKER, seq, self._epoch, seq, length)
        iv = bytes(buffer[at + 2 * _SEQ_BYTES : at + FINAL_HEAD.size - _SEQ_BYTES])
        aad = self._key.message_id + FINAL_AAD + AAD_TAIL.pack(seq, length)
        plain = self._remainder[:length]
        self._key.frames.encrypt_into(iv, plain, aad, memoryview(buffer)[at + FINAL_HEAD.size :])

    def _cut(self) -> Part:
        """Hands the full buffer over."""
        full, self._buffer, self._held = self._buffer, bytearray(), 0
        return Part(full, self._next_seq, (self._next_seq - 1) * self._key.frame_bytes)
