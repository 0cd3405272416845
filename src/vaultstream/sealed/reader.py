"""Opens the frames of a sealed file, or of a byte range of it, from ciphertext of any chunking, without I/O."""

from struct import Struct
from typing import Final

from cryptography.exceptions import InvalidTag

from vaultstream.sealed.format import (
    AAD_TAIL,
    FINAL_AAD,
    FINAL_HEAD,
    FINAL_MARKER,
    FINAL_OVERHEAD_BYTES,
    REGULAR_AAD,
    REGULAR_HEAD,
    REGULAR_OVERHEAD_BYTES,
    Octets,
    SealedError,
)
from vaultstream.sealed.keys import FrameKey
from vaultstream.sealed.sizes import frame_span, whole_span

_SEQ: Final = Struct(">I")


class Opener:
    """One pass over the frames of a file whose plaintext size is known from its metadata, not from the store.

    Feed it the body bytes `body_start <= i < body_stop`. Every byte `update` gives has been authenticated, is
    in order and lies in the range asked for. `finish` proves that nothing is missing.
    """

    __slots__ = (
        "_aad",
        "_failed",
        "_final_frame",
        "_final_plain_bytes",
        "_first_byte",
        "_frame",
        "_key",
        "_last_frame",
        "_pending",
        "_pending_bytes",
        "_stop_byte",
        "body_start",
        "body_stop",
    )

    def __init__(
        self, frame_key: FrameKey, plain_bytes: int, first_byte: int = 0, last_byte: int | None = None
    ) -> None:
        """Opens the bytes `first_byte` to `last_byte`, both included; without a `last_byte`, to the end.

        Raises ValueError for a range outside the file, SealedError for a size that cannot be sealed.
        """
        frame_bytes = frame_key.frame_bytes
        self._stop_byte = plain_bytes if last_byte is None else last_byte + 1
        if last_byte is None and first_byte == 0:
            span = whole_span(plain_bytes, frame_bytes)
        else:
            span = frame_span(first_byte, self._stop_byte - 1, plain_bytes, frame_bytes)
        self.body_start, self.body_stop = span.body_start, span.body_stop
        self._frame, self._last_frame = span.first_frame, span.last_frame
        self._final_frame, self._final_plain_bytes = divmod(plain_bytes, frame_bytes)
        self._first_byte = first_byte
        self._key = frame_key
        self._aad = bytearray(frame_key.message_id + REGULAR_AAD + AAD_TAIL.pack(0, frame_bytes))
        longest = min(plain_bytes, frame_bytes) + FINAL_OVERHEAD_BYTES
        self._pending = memoryview(bytearray(longest))
        self._pending_bytes = 0
        self._failed = False

    def update(self, ciphertext: Octets) -> list[bytes]:
        """Takes the next body bytes and gives the plaintext of every frame they completed.

        Raises SealedError at the first frame that is not in order, and at bytes after the last one; from then
        on nothing more is opened.
        """
        if self._failed:
            raise SealedError("an earlier frame was not in order")
        try:
            return self._open_all(memoryview(ciphertext).cast("B"))
        except SealedError:
            self._failed = True
            raise

    def finish(self) -> None:
        """Raises SealedError unless the last frame of the range was opened and no byte is left over."""
        if self._failed or self._pending_bytes or self._frame <= self._last_frame:
            raise SealedError("the sealed bytes end too early")

    def _open_all(self, source: memoryview) -> list[bytes]:
        pieces: list[bytes] = []
        source = self._complete_pending(source, pieces)
        while self._needed(source) <= len(source):
            source = source[self._open_next(source, pieces) :]
        self._keep(source)
        return pieces

    def _complete_pending(self, source: memoryview, pieces: list[bytes]) -> memoryview:
        """Tops up a frame that began in an earlier chunk; gives what `source` holds beyond it."""
        while self._pending_bytes and source:
            missing = self._needed(self._pending[: self._pending_bytes]) - self._pending_bytes
            self._keep(source[:missing])
            source = source[missing:]
            frame = self._pending[: self._pending_bytes]
            if self._needed(frame) == len(frame):
                self._pending_bytes = 0
                self._open_next(frame, pieces)
        return source

    def _keep(self, rest: memoryview) -> None:
        stop = self._pending_bytes + len(rest)
        self._pending[self._pending_bytes : stop] = rest
        self._pending_bytes = stop

    def _needed(self, frame: memoryview) -> int:
        """Bytes the frame that begins here needs before it can be opened; judged from its first four."""
        if self._frame > self._last_frame and frame:
            raise SealedError("there are bytes after the last frame")
        if len(frame) < _SEQ.size:
            return _SEQ.size
        if _SEQ.unpack_from(frame)[0] == FINAL_MARKER:
            return FINAL_OVERHEAD_BYTES + self._final_length()
        if self._frame == self._final_frame:
            raise SealedError("a regular frame stands where the file ends")
        return self._key.frame_bytes + REGULAR_OVERHEAD_BYTES

    def _final_length(self) -> int:
        """Plaintext bytes a final frame must have here: an exact multiple may end full, or empty one later."""
        if self._frame == self._final_frame:
            return self._final_plain_bytes
        if self._frame == self._final_frame - 1 and self._final_plain_bytes == 0:
            return self._key.frame_bytes
        raise SealedError("the final frame stands before the end of the file")

    def _open_next(self, source: memoryview, pieces: list[bytes]) -> int:
        """Opens the frame that begins here, and whole regular ones after it; gives the bytes they took."""
        if _SEQ.unpack_from(source)[0] == FINAL_MARKER:
            return self._open_final(source, pieces)
        taken = self._open_run(source, pieces)
        if not taken:
            raise SealedError("a frame is out of its order")
        return taken

    def _open_run(self, source: memoryview, pieces: list[bytes]) -> int:
        """Opens regular frames while the next one has its right number; gives the bytes they took."""
        frame_bytes, number, aad, at = self._key.frame_bytes, self._frame + 1, self._aad, 0
        aad_seq, head, stride = len(aad) - AAD_TAIL.size, REGULAR_HEAD.size, frame_bytes + REGULAR_OVERHEAD_BYTES
        left = min(self._last_frame + 1, self._final_frame) - self._frame
        for at in range(0, min(len(source) // stride, left) * stride, stride):
            if _SEQ.unpack_from(source, at)[0] != number:
                return at
            _SEQ.pack_into(aad, aad_seq, number)
            plain = self._decrypt(source[at + _SEQ.size : at + head], source[at + head : at + stride], aad)
            self._give(plain, pieces)
            number += 1
            self._frame += 1
        return at + stride

    def _open_final(self, source: memoryview, pieces: list[bytes]) -> int:
        number, length = self._frame + 1, self._final_length()
        _, stored_number, _, _, stored_length = FINAL_HEAD.unpack_from(source)
        if (stored_number, stored_length) != (number, length):
            raise SealedError("the final frame has another number or length than the file")
        head, stop = FINAL_HEAD.size, length + FINAL_OVERHEAD_BYTES
        aad = self._key.message_id + FINAL_AAD + AAD_TAIL.pack(number, length)
        plain = self._decrypt(source[2 * _SEQ.size : head - _SEQ.size], source[head:stop], aad)
        self._give(plain, pieces)
        self._frame = self._last_frame + 1
        return stop

    def _decrypt(self, iv: memoryview, sealed: memoryview, aad: Octets) -> bytes:
        try:
            return self._key.frames.decrypt(iv, sealed, aad)
        except InvalidTag:
            raise SealedError("a frame does not authenticate") from None

    def _give(self, plain: bytes, pieces: list[bytes]) -> None:
        """Adds what of a frame lies in the range."""
        start = self._frame * self._key.frame_bytes
        if start < self._first_byte or start + len(plain) > self._stop_byte:
            plain = plain[max(0, self._first_byte - start) : max(0, self._stop_byte - start)]
        if plain:
            pieces.append(plain)
