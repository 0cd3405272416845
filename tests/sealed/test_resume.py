"""A model of resumable uploads under crashes, losses and hostile clients: no IV seals two different things."""

import contextlib
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.sealed.upload_model import CRASHES, DATA_KEY, FRAME, MESSAGE_ID, PART_FRAMES, Crash, IvReused, World
from vaultstream.sealed import Opener, derive

WINDOW = 8
"""Bytes of plaintext in a row that would show at rest."""


class Uploads(RuleBasedStateMachine):
    """Clients that send, resend other bytes, lie about checksums; servers that die; a store that loses parts."""

    bump_epoch = True

    @initialize()
    def begin(self):
        self.world = World(self.bump_epoch)
        self.random = Random(1)
        self.sent = []
        self.accepted = b""
        self.late_puts = []

    def fresh_bytes(self, size):
        """Bytes nobody sent before: what a hostile client sends for an offset it sent already."""
        data = self.random.randbytes(size)
        self.sent.append(data)
        return data

    def request(self, deed):
        """Runs a request that may die; what the database then says is what the client goes on from."""
        with contextlib.suppress(Crash):
            deed()

    @precondition(lambda self: not self.world.item.finished)
    @rule(
        sizes=st.lists(st.integers(0, 5 * FRAME), max_size=4),
        crash=st.sampled_from(CRASHES),
        checksum_matches=st.sampled_from([True, True, True, False]),
        checkpoint=st.booleans(),
    )
    def send(self, sizes, crash, checksum_matches, checkpoint):
        before = self.world.item.offset
        chunks = [self.fresh_bytes(size) for size in sizes]
        self.late_puts.extend(self.world.bucket_parts.items())
        self.request(lambda: self.world.patch(chunks, crash, checksum_matches, checkpoint))
        gained = self.world.item.offset - before
        assert 0 <= gained <= sum(sizes)
        assert checksum_matches or gained == 0
        assert crash is not None or not checksum_matches or gained == sum(sizes)
        self.accepted += b"".join(chunks)[:gained]

    @precondition(lambda self: len(self.sent) > 3 and self.world.object is None)
    @rule(crash=st.sampled_from([None, "before part", "after part", "before commit", "after commit"]))
    def finish(self, crash):
        self.request(lambda: self.world.finish(crash))

    @precondition(lambda self: self.world.item.finished)
    @rule()
    def begin_another(self):
        event("an object was completed" if self.world.object else "an object was refused")
        self.begin()

    @precondition(lambda self: self.late_puts and self.world.object is None)
    @rule(data=st.data())
    def late_put(self, data):
        """A request that lost its lease still has a part on the wire, and it lands now."""
        number, ciphertext = data.draw(st.sampled_from(self.late_puts))
        self.world.bucket_parts[number] = ciphertext

    @precondition(lambda self: len(self.world.bucket_parts) > len(self.world.item.parts))
    @rule()
    def lose_part(self):
        """A part that no commit names is gone."""
        del self.world.bucket_parts[max(self.world.bucket_parts)]

    @invariant()
    def the_offset_is_what_was_accepted(self):
        assert self.world.item.offset == len(self.accepted)

    @invariant()
    def the_object_opens_to_the_accepted_bytes(self):
        if self.world.object is None:
            return
        frame_key = derive(DATA_KEY, MESSAGE_ID, FRAME)
        opener = Opener(frame_key, len(self.accepted))
        assert b"".join(opener.update(self.world.object)) == self.accepted
        opener.finish()

    @invariant()
    def no_plaintext_is_at_rest(self):
        at_rest = b"\0".join(self.world.at_rest())
        for data in self.sent:
            for at in range(0, len(data) - WINDOW + 1, WINDOW):
                assert data[at : at + WINDOW] not in at_rest


class UploadsWithoutEpochs(Uploads):
    """The same world with the one line missing that the format relies on."""

    bump_epoch = False


BUDGET = settings(max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TestUploads = Uploads.TestCase
TestUploads.settings = BUDGET


def test_without_the_epoch_the_model_finds_a_reused_iv():
    search = settings(BUDGET, database=None, derandomize=True, phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises(IvReused):
        run_state_machine_as_test(UploadsWithoutEpochs, settings=search)


def hostile_resend(world):
    """Other bytes for an offset whose first attempt died after its part was stored."""
    for filler in (b"a", b"b"):
        with pytest.raises(Crash):
            world.patch([filler * FRAME * PART_FRAMES], crash="after part")


def test_a_hostile_resend_reuses_an_iv_only_without_epochs():
    hostile_resend(World())
    with pytest.raises(IvReused):
        hostile_resend(World(bump_epoch=False))


def test_an_identical_retry_after_a_crash_may_share_its_iv_for_it_shares_its_bytes():
    world = World(bump_epoch=False)
    for _ in range(2):
        with pytest.raises(Crash):
            world.patch([b"x" * FRAME * PART_FRAMES], crash="after part")
    assert len(world.frames.sealed) == 1 + PART_FRAMES


def test_a_rolled_back_checksum_leaves_the_offset_and_raises_the_epoch():
    world = World()
    world.patch([b"kept"])
    world.patch([b"dropped"], checksum_matches=False)
    assert (world.item.offset, world.item.epoch) == (4, 1)
    world.patch([b"also kept"])
    world.finish()
    opener = Opener(world.frame_key, 13)
    assert b"".join(opener.update(world.object)) == b"keptalso kept"


def test_an_object_is_never_completed_from_other_parts_than_the_recorded_ones():
    for replaced in (None, b"a late part of a request that lost its lease"):
        world = World()
        world.patch([b"x" * FRAME * PART_FRAMES])
        world.bucket_parts[1] = replaced
        world.finish()
        assert world.object is None
