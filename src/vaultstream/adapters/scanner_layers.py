"""Shows the rules a stream and all that is packed in it, layer under layer, within bounds of depth, number and size."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from vaultstream.adapters.scanner_unpack import (
    FOREIGN_BYTES,
    MARK_BYTES,
    Cut,
    Damage,
    Damaged,
    Decoder,
    Member,
    candidates,
    is_foreign,
    member_at,
)
from vaultstream.adapters.scanner_yara import RuleSet, YaraStream
from vaultstream.verdict import ScanOutcome, Verdict, unscannable

DEPTH_MAX = 6
# What may be unpacked grows with what was sent, so that a small file costs little and a large one is looked at whole.
UNPACKED_BYTES = 256 << 20
UNPACKED_PER_BYTE = 20
MEMBERS = 10_000
BYTES_PER_MEMBER = 4 << 10

_FEED_BYTES = 256 << 10
# How far what only looked packed is unpacked before it counts as damaged: twice what gzip skips, 64 KiB of any bytes.
_TAKEN_BACK_BYTES = 128 << 10
_BOMB = "It unpacks to more than is looked at."
_DAMAGED = "It holds packed files that are damaged or incomplete."
_DEEP = f"It holds archives in archives, more than {DEPTH_MAX} deep."
_FOREIGN = "This kind of archive cannot be opened here."


@dataclass(slots=True)
class Budget:
    """What one file may still cost, whatever is packed in it, and the first reason for which something stays unseen."""

    unpacked_bytes: int = UNPACKED_BYTES
    members: float = MEMBERS
    doubt: str | None = None

    def earn(self, sent_bytes: int) -> None:
        """More of the file itself has come."""
        self.unpacked_bytes += sent_bytes * UNPACKED_PER_BYTE
        self.members += sent_bytes / BYTES_PER_MEMBER

    def is_spent(self) -> bool:
        """Whether nothing more is unpacked."""
        return self.unpacked_bytes < 0 or self.members < 0


class DeepStream:
    """One scan of a file and of all that is packed in it. `leaves_rest` says that another engine opens what is foreign.

    Feed it the file in order; stop early once `verdict` is set; `finish` gives the last word.
    """

    def __init__(self, rule_set: RuleSet, *, leaves_rest: bool) -> None:
        self._budget = Budget()
        self._layer = _Layer(rule_set, self._budget, 0, leaves_rest=leaves_rest)

    @property
    def verdict(self) -> Verdict | None:
        """The conviction, as soon as there is one."""
        return self._layer.verdict

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._budget.earn(len(chunk))
        await self._layer.feed(chunk)

    async def finish(self) -> Verdict:
        """The verdict on the whole file: something unseen is never clean."""
        verdict = await self._layer.finish()
        if verdict.status is ScanOutcome.CLEAN and self._budget.doubt is not None:
            return unscannable(verdict.engine, self._budget.doubt)
        return verdict


class _Packed:
    """A member that is being unpacked into the layer below."""

    def __init__(self, member: Member, decoder: Decoder, below: "_Layer", place: int) -> None:
        self.decoder = decoder
        self.below = below
        self.damage = member.damage
        self.mark_bytes = 1 if member.start == place else 0  # of its own mark, where that is part of what is packed
        self.taken: bytes | None = b""  # all that it has had, while it may be an accident

    def passed(self) -> None:
        """What came so far could be unpacked."""
        if self.taken is not None and len(self.taken) > _TAKEN_BACK_BYTES:
            self.taken = None
            if self.damage is Damage.LATE_TELLS:
                self.damage = Damage.TELLS


class _Layer:
    """One stream of bytes, shown to the rules, with one layer below for each thing packed in it, one after another."""

    def __init__(self, rule_set: RuleSet, budget: Budget, depth: int, *, leaves_rest: bool) -> None:
        self._rule_set, self._budget, self._depth, self._leaves_rest = rule_set, budget, depth, leaves_rest
        self._rules = YaraStream(rule_set)
        self._found: Verdict | None = None
        self._kept = b""
        self._is_begun = False
        self._packed: _Packed | None = None
        self._stored: tuple[YaraStream, int] | None = None

    @property
    def verdict(self) -> Verdict | None:
        return self._rules.verdict or self._found

    async def feed(self, chunk: bytes) -> None:
        await self._rules.feed(chunk)
        for start in range(0, len(chunk), _FEED_BYTES):
            if self.verdict is not None:
                return
            await self._look_into(chunk[start : start + _FEED_BYTES])

    async def finish(self) -> Verdict:
        left: bytes | None = self._kept
        while self.verdict is None and (left or self._packed is not None):
            if self._packed is None:
                left = await self._search(left or b"", at_end=True)
            else:  # what did not come to its end may have been an accident, and holds all that came since
                packed = self._packed
                await self._end_packed(packed, is_whole=False)
                left = (packed.taken or b"")[packed.mark_bytes :]
        if self.verdict is None:
            await self._end_stored()
        return self.verdict or await self._rules.finish()

    async def _look_into(self, chunk: bytes) -> None:
        await self._feed_stored(chunk)
        data = self._kept + chunk
        if not self._is_begun:
            if len(data) < FOREIGN_BYTES:
                self._kept = data
                return
            if is_foreign(data):
                self._doubt(_FOREIGN, needs_help=True)
        again: bytes | None = data
        while again is not None:
            again = await self._search(again)
        self._is_begun = True

    async def _search(self, data: bytes, *, at_end: bool = False) -> bytes | None:
        """Unpack what is packed in some bytes; returns what has to be looked through once more."""
        at, self._kept = 0, b""
        if self._packed is not None:
            at, again = await self._unpack(self._packed, data, 0)
            if again is not None:
                return again
        for place, kind in [] if self._packed or self._budget.is_spent() else candidates(data):
            if place < at:
                continue
            try:
                member = member_at(data, place, kind, at_start=place == 0 and not self._is_begun, at_end=at_end)
            except Cut:
                self._kept = data[place:]
                return None
            if member is None:
                continue
            at = await self._begin(member, data, place)
            if self._packed is not None:
                at, _ = await self._unpack(self._packed, data, at)
            if self._packed is not None or self.verdict is not None or self._budget.is_spent():
                return None
        if self._packed is None:
            self._kept = data[max(at, len(data) - MARK_BYTES + 1) :]
        return None

    async def _begin(self, member: Member, data: bytes, place: int) -> int:
        """Begin a member; returns where to look on."""
        self._budget.members -= 1
        if member.stored_bytes:
            await self._end_stored()
            self._stored = (YaraStream(self._rule_set), member.stored_bytes)
            await self._feed_stored(data[member.start :])
        if member.doubt is not None:
            self._doubt(member.doubt, needs_help=member.needs_help)
        elif member.decoder is not None and self._depth >= DEPTH_MAX:
            self._doubt(_DEEP)
        elif member.decoder is not None:
            below = _Layer(self._rule_set, self._budget, self._depth + 1, leaves_rest=self._leaves_rest)
            self._packed = _Packed(member, member.decoder, below, place)
        return member.start

    async def _unpack(self, packed: _Packed, data: bytes, start: int) -> tuple[int, bytes | None]:
        """Unpack what has come; returns where to look on, and what else has to be looked through before that."""
        piece = data[start:]
        is_from_before = bool(packed.taken)
        if packed.taken is not None:
            packed.taken += piece
        try:
            async for unpacked in _unpacked(packed.decoder, piece):
                self._budget.unpacked_bytes -= len(unpacked)
                await packed.below.feed(unpacked)
                if packed.below.verdict is not None or self._budget.is_spent():
                    self._found, self._packed = packed.below.verdict, None
                    self._doubt(_BOMB)
                    return len(data), None
        except Damaged:  # what only looked packed is looked through, but for where its own mark begins
            await self._end_packed(packed, is_whole=False)
            if packed.taken is None:
                return start, None
            return start + packed.mark_bytes, packed.taken[packed.mark_bytes :] if is_from_before else None
        packed.passed()
        if packed.decoder.rest is None:
            return len(data), None
        rest_bytes = len(packed.decoder.rest)
        await self._end_packed(packed, is_whole=True)
        return len(data) - rest_bytes, None

    async def _end_packed(self, packed: _Packed, *, is_whole: bool) -> None:
        self._packed = None
        verdict = await packed.below.finish()
        if verdict.status is ScanOutcome.INFECTED:
            self._found = verdict
        if verdict.reason is not None:
            self._doubt(verdict.reason)
        if not is_whole and packed.damage is Damage.TELLS:
            self._doubt(_DAMAGED)

    async def _feed_stored(self, data: bytes) -> None:
        """What is stored as it is has a kind of its own, which some rules ask for."""
        if self._stored is not None:
            rules, left_bytes = self._stored
            await rules.feed(data[:left_bytes])
            self._stored = (rules, left_bytes - len(data))
            if left_bytes <= len(data):
                await self._end_stored()

    async def _end_stored(self) -> None:
        if self._stored is not None:
            rules, self._stored = self._stored[0], None
            verdict = await rules.finish()
            if verdict.status is ScanOutcome.INFECTED:
                self._found = verdict

    def _doubt(self, reason: str, *, needs_help: bool = False) -> None:
        if not (needs_help and self._leaves_rest):
            self._budget.doubt = self._budget.doubt or reason


async def _unpacked(decoder: Decoder, data: bytes) -> AsyncIterator[bytes]:
    """What the data unpacks to, in steps, each in a thread."""
    while True:
        yield await asyncio.to_thread(decoder.step, data)
        if decoder.rest is not None or decoder.needs_input:
            return
        data = b""
