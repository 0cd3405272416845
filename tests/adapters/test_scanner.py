"""Every stream gets a verdict from the embedded rules, whatever its length and wherever the mark stands."""

import os
import sysconfig
from collections.abc import AsyncIterator
from importlib import metadata
from pathlib import Path

import pytest
import yara_x
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters import corpus
from vaultstream.adapters import scanner_yara
from vaultstream.adapters.scanner import Scanner
from vaultstream.adapters.scanner_yara import OVERLAP_BYTES, WINDOW_BYTES, YaraStream, kind_of, packaged_rules
from vaultstream.verdict import ScanOutcome, Verdict, clean, combined, infected, unscannable

STEP_BYTES = WINDOW_BYTES - OVERLAP_BYTES


async def pieces(data: bytes, size_bytes: int = 64 << 10) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size_bytes):
        yield data[start : start + size_bytes]


async def scanned(data: bytes, size_bytes: int = 64 << 10) -> Verdict:
    return await Scanner().scan(pieces(data, size_bytes))


async def test_the_test_file_is_found():
    verdict = await scanned(corpus.EICAR)
    assert (verdict.status, verdict.signature, verdict.reason) == (ScanOutcome.INFECTED, "EICAR.TestFile", None)
    assert verdict.engine == f"yara-x {yara_x_version()} rules {packaged_rules().version}"


def yara_x_version() -> str:
    return metadata.version("yara-x")


@pytest.mark.parametrize("cut", [1, 30, 67])
async def test_a_part_of_the_test_file_is_not(cut: int):
    assert (await scanned(corpus.EICAR[:cut])).status is ScanOutcome.CLEAN
    assert (await scanned(corpus.EICAR[cut:])).status is ScanOutcome.CLEAN


@given(
    border=st.integers(1, 3),
    shift=st.integers(-len(corpus.EICAR) - 2, 2),
    side=st.sampled_from([0, OVERLAP_BYTES]),
    chunk_bytes=st.sampled_from([777, 64 << 10, WINDOW_BYTES, 4 * WINDOW_BYTES]),
    after=st.sampled_from([0, 1, WINDOW_BYTES]),
)
@settings(max_examples=60, deadline=None)
async def test_a_mark_is_found_wherever_it_lies_across_a_border_of_windows(border, shift, side, chunk_bytes, after):
    before = bytes(border * STEP_BYTES + side + shift)
    assert (await scanned(before + corpus.EICAR + bytes(after), chunk_bytes)).signature == "EICAR.TestFile"


@given(st.integers(0, 3 * WINDOW_BYTES), st.sampled_from(sorted(corpus.likenesses())))
@settings(max_examples=40, deadline=None)
async def test_every_family_is_found_behind_any_length_of_the_same_kind_of_file(padding_bytes, family):
    likeness = corpus.likenesses()[family]
    head = likeness[:12] if kind_of(likeness) != "other" and family != "Polyglot.GifScript" else b""
    padding = b" " * padding_bytes if head else b""
    assert (await scanned(head + padding + likeness)).signature == family


async def test_marks_of_one_family_convict_together_however_far_apart_they_lie():
    marks = [
        b" AutoOpen ",
        corpus.wide("_VBA_" + "PROJECT"),
        b" Microsoft.XMLHT" + b"TP ",
        b" WScript.Sh" + b"ell ",
    ]
    gap = bytes(2 * WINDOW_BYTES)
    assert (await scanned(corpus.OLE + gap.join(marks))).signature == "Office.MacroDropper"
    for missing in range(len(marks)):
        rest = marks[:missing] + marks[missing + 1 :]
        assert (await scanned(corpus.OLE + gap.join(rest))).status is ScanOutcome.CLEAN


async def test_the_same_words_in_another_kind_of_file_convict_nobody():
    likeness = corpus.likenesses()["Office.MacroDropper"].removeprefix(corpus.OLE)
    assert (await scanned(b"An essay on macros: " + likeness)).status is ScanOutcome.CLEAN
    article = b"# How a web shell looks\nIt calls `ev" + b"al($_" + b"POST['c'])` and nothing else."
    assert (await scanned(article)).status is ScanOutcome.CLEAN


async def test_ordinary_files_are_clean():
    pictures = [corpus.encoded(corpus.picture(), kind) for kind in ("jpeg", "png", "webp", "gif", "tiff", "avif")]
    programs = b"<?php\nfunction f($x) { return htmlspecialchars($_GET['q']); } require __DIR__ . '/a.php';"
    script = b"<script>document.title = 'x'; eval('1 + 1');</script>"
    random = os.urandom(2 * WINDOW_BYTES)
    for data in (b"", b"\0", *pictures, corpus.pdf(b"0 0 m 9 9 l S"), programs, script, random):
        assert await scanned(data) == clean(f"yara-x {yara_x_version()} rules {packaged_rules().version}")


def standard_library() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(sysconfig.get_path("stdlib")).glob("*.py")}


async def test_the_sources_of_the_standard_library_are_clean():
    for name, source in standard_library().items():
        assert (await scanned(source)).status is ScanOutcome.CLEAN, name


async def test_a_conviction_ends_the_reading_and_closes_the_source():
    state = {"read": 0, "closed": False}

    async def source() -> AsyncIterator[bytes]:
        try:
            while True:
                state["read"] += 1
                yield corpus.EICAR + bytes(WINDOW_BYTES)
        finally:
            state["closed"] = True

    assert (await Scanner().scan(source())).status is ScanOutcome.INFECTED
    assert state == {"read": 1, "closed": True}


async def test_what_the_source_raises_is_passed_on_and_is_no_verdict():
    async def source() -> AsyncIterator[bytes]:
        yield bytes(WINDOW_BYTES)
        raise ConnectionResetError("the object store hung up")

    with pytest.raises(ConnectionResetError):
        await Scanner().scan(source())


async def test_a_long_stream_is_scanned_in_bounded_memory():
    stream = YaraStream(packaged_rules())
    for size_bytes in (1, WINDOW_BYTES - 1, 5 * WINDOW_BYTES, 3):
        await stream.feed(bytes(size_bytes))
        assert len(stream._window) < WINDOW_BYTES
    assert (await stream.finish()).status is ScanOutcome.CLEAN


async def test_a_window_that_takes_too_long_is_unscannable_and_not_clean(monkeypatch):
    slow = yara_x.Compiler()
    slow.define_global("kind", "")
    slow.define_global("offset", 0)
    slow.add_source(
        'rule slow { meta: family = "Slow" condition: for all i in (0..99999999999) : (uint8(i % 9) == 97) }'
    )
    rule_set = scanner_yara.RuleSet(slow.build(), {"Slow": frozenset({"slow"})}, "test")
    monkeypatch.setattr(scanner_yara, "WINDOW_TIMEOUT_SECONDS", 1)
    stream = YaraStream(rule_set)
    await stream.feed(b"a" * 1000)
    verdict = await stream.finish()
    assert verdict == unscannable(verdict.engine, "A part of this file took the rules longer than 1 seconds.")


async def test_the_rules_say_what_they_are_and_are_compiled_once():
    rule_set = packaged_rules()
    assert packaged_rules() is rule_set
    for rule in rule_set.rules:
        assert set(dict(rule.metadata)) == {"family", "description"}, rule.identifier
    assert set(rule_set.families) == set(corpus.likenesses()) | {"Encrypted.PDF", "Encrypted.Office"}
    await Scanner().ping()


def test_the_sternest_verdict_wins():
    verdicts = (clean("a"), unscannable("b", "too large"), infected("c", "Bad"))
    assert combined(verdicts) == Verdict(ScanOutcome.INFECTED, "a, b, c", signature="Bad")
    assert combined(verdicts[:2]) == Verdict(ScanOutcome.UNSCANNABLE, "a, b", reason="too large")
    assert combined(verdicts[:1]) == clean("a")
    with pytest.raises(ValueError):
        combined(())


@pytest.mark.parametrize(
    "parts",
    [
        {"status": ScanOutcome.CLEAN, "signature": "Bad"},
        {"status": ScanOutcome.CLEAN, "reason": "why"},
        {"status": ScanOutcome.INFECTED},
        {"status": ScanOutcome.UNSCANNABLE},
        {"status": ScanOutcome.UNSCANNABLE, "signature": "Bad", "reason": "why"},
    ],
)
def test_a_verdict_that_contradicts_itself_cannot_be_made(parts):
    with pytest.raises(ValueError):
        Verdict(engine="e", **parts)
