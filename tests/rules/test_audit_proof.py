"""An export of the audit log is proved or the first bad row is named, whatever was done to it, by its lines alone."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vaultstream.audit_chain import EMPTY, Head, canonical, digest, linked, parsed, row_of
from vaultstream.audit_proof import Checkpoint, Prover, Run, Tampered
from vaultstream.events import Decision, Event, EventName
from vaultstream.ids import ulid

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
some = settings(max_examples=50, deadline=None)
START = datetime(2026, 1, 1, tzinfo=UTC)

texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('\x00\\u0",:'), max_size=8)
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts | st.just({"hash": "0" * 64}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | st.just("hash"), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def events(draw: st.DrawFn, number: int) -> Event:
    return Event(
        id=ulid(1_770_000_000_000 + number, bytes(10)),
        name=draw(st.sampled_from([EventName.DOWNLOAD_BEGUN, EventName.FILE_RENAMED])),
        at=START + timedelta(seconds=number),
        subject=draw(texts),
        request_id=draw(texts),
        item_id=draw(st.none() | texts),
        version_number=draw(st.none() | st.integers(1, 99)),
        agent=draw(texts),
        decision=draw(st.sampled_from(Decision)),
        reason=draw(st.none() | texts),
        details=draw(st.dictionaries(texts, values, max_size=3)),
    )


@dataclass(frozen=True)
class Export:
    """The lines of an export: its checkpoints, then its rows."""

    checkpoints: list[bytes]
    rows: list[bytes]

    @property
    def lines(self) -> list[bytes]:
        return [*self.checkpoints, *self.rows]


def signed(seq: int, its_digest: bytes, key: ec.EllipticCurvePrivateKey = KEY) -> bytes:
    checkpoint = Checkpoint("vault", seq, its_digest, START + timedelta(days=1))
    return checkpoint.line(key.sign(checkpoint.text().encode(), ec.ECDSA(hashes.SHA256()))).encode()


def exported(rows: list[dict], checkpoints: list[int]) -> Export:
    at = {row["seq"]: bytes.fromhex(row["hash"]) for row in rows}
    last = rows[-1]["seq"]
    seqs = [last, *(seq for seq in sorted(checkpoints) if seq != last)]
    return Export([signed(seq, at[seq]) for seq in seqs], [canonical(row).encode() for row in rows])


@st.composite
def chains(draw: st.DrawFn, least: int = 1) -> list[dict]:
    count = draw(st.integers(least, 12))
    return linked(EMPTY, [draw(events(number)) for number in range(count)], START)


@st.composite
def exports(draw: st.DrawFn, least: int = 1) -> Export:
    rows = draw(chains(least))
    return exported(rows, draw(st.lists(st.integers(1, len(rows)), max_size=3)))


def prove(lines: list[bytes], after: int = 0, trusted: tuple[bytes, ...] = ()):
    prover = Prover(KEY.public_key(), after=after)
    for line in trusted:
        prover.trust(line)
    for line in lines:
        prover.take(line)
    return prover.finish()


def first_bad(lines: list[bytes], **given) -> int:
    with pytest.raises(Tampered) as caught:
        prove(lines, **given)
    return caught.value.seq


@some
@given(exports())
def test_what_was_not_touched_is_proved(export: Export):
    proof = prove(export.lines)
    assert (proof.rows, proof.first, proof.last) == (len(export.rows), 1, len(export.rows))


@some
@given(exports(), st.data())
def test_a_flipped_bit_is_found_in_its_row(export: Export, data: st.DataObject):
    place = data.draw(st.integers(0, len(export.rows) - 1))
    line = bytearray(export.rows[place])
    line[data.draw(st.integers(0, len(line) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    export.rows[place] = bytes(line)
    assert first_bad(export.lines) == place + 1


@some
@given(exports(least=2), st.data())
def test_a_dropped_row_is_named(export: Export, data: st.DataObject):
    place = data.draw(st.integers(0, len(export.rows) - 1))
    del export.rows[place]
    assert first_bad(export.lines) == place + 1


@some
@given(exports(least=2), st.data())
def test_of_two_swapped_rows_the_first_is_named(export: Export, data: st.DataObject):
    first, second = sorted(data.draw(st.sets(st.integers(0, len(export.rows) - 1), min_size=2, max_size=2)))
    rows = export.rows
    rows[first], rows[second] = rows[second], rows[first]
    assert first_bad(export.lines) == first + 1


@some
@given(exports(least=2), st.data())
def test_a_cut_tail_is_named_from_its_first_row(export: Export, data: st.DataObject):
    kept = data.draw(st.integers(0, len(export.rows) - 1))
    assert first_bad([*export.checkpoints, *export.rows[:kept]]) == kept + 1


@some
@given(exports(), st.data())
def test_a_row_that_was_slipped_in_is_named(export: Export, data: st.DataObject):
    place = data.draw(st.integers(0, len(export.rows)))
    export.rows.insert(place, data.draw(st.sampled_from(export.rows)))
    assume(export.rows[place] != (export.rows[place + 1] if place + 1 < len(export.rows) else None))
    assert first_bad(export.lines) == place + 1


@some
@given(chains(least=2), st.data())
def test_who_makes_the_chain_anew_is_found_by_the_checkpoints(rows: list[dict], data: st.DataObject):
    """The first row that may be bad is the one after the last checkpoint that still agrees."""
    marks = data.draw(st.sets(st.integers(1, len(rows)), max_size=3)) | {len(rows)}
    place = data.draw(st.integers(0, len(rows) - 1))
    forged = [dict(row) for row in rows]
    forged[place]["subject"] += "!"
    head = Head(place, bytes.fromhex(rows[place - 1]["hash"])) if place else EMPTY
    for row in forged[place:]:
        head = Head(row["seq"], digest(head.digest, row))
        row["hash"] = head.digest.hex()
    export = exported(rows, sorted(marks))
    lines = [*export.checkpoints, *(canonical(row).encode() for row in forged)]
    assert first_bad(lines) == max((mark for mark in marks if mark <= place), default=0) + 1


@some
@given(exports(), st.data())
def test_a_checkpoint_of_another_key_or_with_a_flipped_bit_proves_nothing(export: Export, data: st.DataObject):
    place = data.draw(st.integers(0, len(export.checkpoints) - 1))
    genuine = export.checkpoints[place]
    told = json.loads(genuine)["checkpoint"]
    if data.draw(st.booleans()):
        export.checkpoints[place] = signed(told["seq"], bytes.fromhex(told["hash"]), OTHER_KEY)
        assert first_bad(export.lines) == told["seq"]
    else:
        line = bytearray(genuine)
        line[data.draw(st.integers(0, len(line) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        export.checkpoints[place] = bytes(line)
        first_bad(export.lines)


@some
@given(exports(least=2), st.data())
def test_a_whole_but_older_export_is_found_by_a_checkpoint_that_was_kept_apart(export: Export, data: st.DataObject):
    kept = data.draw(st.integers(1, len(export.rows) - 1))
    older = exported([json.loads(row) for row in export.rows[:kept]], [])
    assert prove(older.lines).last == kept
    assert first_bad(older.lines, trusted=(export.checkpoints[0],)) == kept + 1


@some
@given(chains(least=2), st.data())
def test_a_part_is_proved_by_the_checkpoint_before_it(rows: list[dict], data: st.DataObject):
    after = data.draw(st.integers(1, len(rows) - 1))
    part = exported(rows[after:], [])
    before = signed(after, bytes.fromhex(rows[after - 1]["hash"]))
    assert prove([*part.checkpoints, before, *part.rows], after=after).first == after + 1
    assert first_bad(part.lines, after=after) == after + 1
    assert first_bad([*part.checkpoints, before, *part.rows]) == 1


def dropping(run: Run, number: int) -> Event:
    event = Event(ulid(number, bytes(10)), EventName.AUDIT_MONTH_DROPPED, START, "operator", "request")
    return Event(event.id, event.name, event.at, "operator", "request", details={"runs": [run.plain()]})


@some
@given(chains(least=3), st.data())
def test_rows_that_went_with_their_month_are_missed_only_where_no_record_tells_of_it(rows, data: st.DataObject):
    first = data.draw(st.integers(1, len(rows) - 1))
    last = data.draw(st.integers(first, len(rows) - 1))
    run = Run(first, last, bytes.fromhex(rows[last - 1]["hash"]))
    head = Head(len(rows), bytes.fromhex(rows[-1]["hash"]))
    told = rows + linked(head, [dropping(run, 1)], START)
    untold = rows + linked(head, [dropping(Run(first, last, bytes(32)), 1)], START)
    for chain in (told, untold):
        export = exported(chain, [])
        lines = [*export.checkpoints, *export.rows[: first - 1], run.line().encode(), *export.rows[last:]]
        if chain is told:
            proof = prove(lines)
            assert (proof.rows, proof.dropped_rows) == (len(chain) - run.last + run.first - 1, run.last - run.first + 1)
        else:
            assert first_bad(lines) == first


def test_an_empty_file_proves_nothing():
    assert first_bad([]) == 1


@some
@given(values)
def test_a_number_has_one_form_however_it_was_written(value):
    settled = parsed(canonical(value))
    assert parsed(canonical(settled)) == settled
    assert canonical(parsed(canonical(settled))) == canonical(settled)


@some
@given(events(1))
def test_a_row_reads_back_from_its_columns_as_the_line_that_was_linked(event: Event):
    (plain,) = linked(EMPTY, [event], START)
    columns = plain | {
        "hash": bytes.fromhex(plain["hash"]),
        "at": datetime.fromisoformat(plain["at"]),
        "received_at": datetime.fromisoformat(plain["received_at"]),
        "details": json.dumps(plain["details"]),
    }
    assert canonical(row_of(columns).plain()) == canonical(plain)
