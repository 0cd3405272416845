"""An upload service in miniature: an item, a bucket, and requests that may die anywhere."""

import dataclasses
from dataclasses import dataclass, field

from vaultstream.sealed import (
    DataKey,
    EncryptedDataKey,
    Sealer,
    build_header,
    open_header,
    open_tail,
)

FRAME = 32
PART_FRAMES = 3
CONTEXT = {"version": "x-1"}
DATA_KEY = DataKey(bytes(range(32)))
MESSAGE_ID = bytes(range(32, 64))
EDK = EncryptedDataKey("model", b"wrapped by nobody", b"-")

CRASHES = [None, "before part", "after part", "before tail", "after tail", "before commit", "after commit"]


class Crash(Exception):
    """The process died here: what was not stored is gone."""


class IvReused(AssertionError):
    """One key and IV sealed two different ciphertexts."""


@dataclass
class WatchedKey:
    """An AESGCM that remembers what every IV sealed."""

    inner: object
    sealed: dict = field(default_factory=dict)

    def encrypt_into(self, iv, plain, aad, out):
        written = self.inner.encrypt_into(iv, plain, aad, out)
        self.remember(bytes(iv), bytes(out))
        return written

    def decrypt(self, iv, sealed, aad):
        return self.inner.decrypt(iv, sealed, aad)

    def remember(self, iv, sealed):
        if self.sealed.setdefault(iv, sealed) != sealed:
            raise IvReused(iv.hex())


@dataclass(frozen=True)
class UploadItem:
    """What the database holds of an upload; every change of it is one conditional update."""

    epoch: int = -1
    offset: int = 0
    parts: tuple[bytes, ...] = ()
    tail_epoch: int | None = None
    finished: bool = False


class World:
    """One upload under a key that watches its IVs; `bump_epoch` false is the bug the epoch prevents."""

    def __init__(self, bump_epoch=True):
        self.bump_epoch = bump_epoch
        self.item = UploadItem()
        self.bucket_parts = {}
        self.bucket_tails = {}
        self.object = None
        header = build_header(DATA_KEY, MESSAGE_ID, CONTEXT, [EDK], FRAME)
        frame_key = open_header(header, DATA_KEY, CONTEXT)
        self.frames, self.tails = WatchedKey(frame_key.frames), WatchedKey(frame_key.tail)
        self.frames.remember(bytes(12), header[-16:])
        self.frame_key = dataclasses.replace(frame_key, frames=self.frames, tail=self.tails)

    def take_lease(self):
        """The conditional update that starts a request."""
        if self.bump_epoch or self.item.epoch < 0:
            self.item = dataclasses.replace(self.item, epoch=self.item.epoch + 1)
        return self.item

    def sealer(self, item):
        if item.tail_epoch is None:
            next_seq = item.offset // FRAME + 1
            return Sealer(self.frame_key, item.epoch, next_seq, part_frames=PART_FRAMES)
        tail = self.bucket_tails[item.tail_epoch]
        if self.bump_epoch:
            return Sealer.resume(
                self.frame_key,
                item.epoch,
                tail,
                tail_epoch=item.tail_epoch,
                offset=item.offset,
                part_frames=PART_FRAMES,
            )
        return self.sealer_without_epochs(item, tail)

    def sealer_without_epochs(self, item, tail):
        """What a sealer that does not insist on a raised epoch would do."""
        frames, remainder = open_tail(self.frame_key, item.tail_epoch, tail, item.offset)
        next_seq = item.offset // FRAME + 1
        return Sealer(self.frame_key, item.epoch, next_seq, remainder, frames=frames, part_frames=PART_FRAMES)

    def patch(self, chunks, crash=None, checksum_matches=True, checkpoint=False):
        """One tus PATCH: lease, seal, parts, tail, one commit."""
        item = self.take_lease()
        sealer = self.sealer(item)
        parts = list(item.parts)
        for chunk in chunks:
            for part in sealer.update(chunk):
                self.put_part(len(parts) + 1, part.ciphertext, crash)
                parts.append(bytes(part.ciphertext))
                if checkpoint and checksum_matches:
                    self.commit(item, part.offset, parts, tail_epoch=None)
                sealer.recycle(part)
        if not checksum_matches:
            sealer.close()
            return
        offset = sealer.offset
        die_if(crash, "before tail")
        self.bucket_tails[item.epoch] = bytes(sealer.tail())
        die_if(crash, "after tail")
        die_if(crash, "before commit")
        self.commit(item, offset, parts, tail_epoch=item.epoch)
        die_if(crash, "after commit")

    def finish(self, crash=None):
        """The request that ends the upload: the last part, then the object from the recorded parts."""
        item = self.take_lease()
        parts = list(item.parts)
        if not item.finished:
            last = self.sealer(item).finish()
            self.put_part(len(parts) + 1, last.ciphertext, crash)
            parts.append(bytes(last.ciphertext))
            die_if(crash, "before commit")
            self.item = dataclasses.replace(item, parts=tuple(parts), finished=True)
            die_if(crash, "after commit")
        if [self.bucket_parts.get(number) for number in range(1, len(parts) + 1)] != parts:
            return
        self.object = b"".join(parts)

    def put_part(self, number, ciphertext, crash):
        die_if(crash, "before part")
        self.bucket_parts[number] = bytes(ciphertext)
        die_if(crash, "after part")

    def commit(self, item, offset, parts, tail_epoch):
        self.item = dataclasses.replace(
            self.item, offset=offset, parts=tuple(parts), tail_epoch=tail_epoch, epoch=item.epoch
        )

    def at_rest(self):
        return [*self.bucket_parts.values(), *self.bucket_tails.values(), self.object or b""]


def die_if(crash, place):
    if crash == place:
        raise Crash(place)
