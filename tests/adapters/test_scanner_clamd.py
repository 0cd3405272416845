"""clamd's verdict is believed only when it is one; everything else keeps the file closed."""

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters import corpus
from tests.adapters.clamd_server import FOUND, MARK, VERSION, ClamdServer, running
from vaultstream.adapters.scanner import AHEAD_CHUNKS, BEHIND_BYTES, Scanner
from vaultstream.adapters.scanner_clamd import Clamd, verdict_of
from vaultstream.verdict import ScannerUnavailable, ScanOutcome, Verdict, clean


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


def scanner(server: ClamdServer, **options) -> Scanner:
    return Scanner(server.url, clamd_timeout_seconds=options.pop("timeout_seconds", 10.0), **options)


async def test_clamd_gets_every_byte_in_order_and_both_engines_sign_the_verdict():
    data = [os.urandom(size) for size in (0, 1, 300_000, 0, 5)]
    async with running(ClamdServer()) as server:
        verdict = await scanner(server).scan(pieces(*data))
    assert verdict.status is ScanOutcome.CLEAN
    assert verdict.engine.startswith("yara-x ")
    assert verdict.engine.endswith(f", {VERSION}")
    assert server.received == [b"".join(data)]


@given(st.lists(st.integers(0, 400_000), max_size=20), st.booleans())
@settings(max_examples=15, deadline=None)
async def test_clamd_gets_the_same_bytes_however_they_come_and_however_little_its_socket_takes(sizes, is_unix):
    data = [os.urandom(size) for size in sizes]
    with tempfile.TemporaryDirectory() as folder:
        async with running(ClamdServer(), Path(folder) / "clamd.sock" if is_unix else None) as server:
            assert (await scanner(server).scan(pieces(*data))).status is ScanOutcome.CLEAN
    assert server.received == [b"".join(data)]


async def test_an_empty_file_is_a_file():
    async with running(ClamdServer()) as server:
        assert (await scanner(server).scan(pieces())).status is ScanOutcome.CLEAN
    assert server.received == [b""]


async def test_a_find_of_clamd_convicts_over_a_unix_socket_too(tmp_path):
    async with running(ClamdServer(), tmp_path / "clamd.sock") as server:
        await scanner(server).ping()
        verdict = await scanner(server).scan(pieces(b"clean so far ", MARK))
    assert (verdict.status, verdict.signature) == (ScanOutcome.INFECTED, FOUND)


async def test_a_find_of_the_rules_convicts_without_waiting_for_clamd():
    async with running(ClamdServer(ponders=True)) as server:
        verdict = await scanner(server).scan(pieces(corpus.EICAR, bytes(1 << 20)))
        await asyncio.wait_for(server.ended.wait(), 5)
    assert (verdict.status, verdict.signature) == (ScanOutcome.INFECTED, "EICAR.TestFile")


async def test_the_rules_stay_so_far_behind_and_no_farther_and_their_find_ends_the_reading():
    read = 0

    async def source() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield corpus.EICAR if read == 1 else bytes(1 << 20)

    async with running(ClamdServer()) as server:
        verdict = await scanner(server).scan(source())
        await asyncio.wait_for(server.ended.wait(), 5)
    assert (verdict.status, verdict.signature) == (ScanOutcome.INFECTED, "EICAR.TestFile")
    behind = 2 + (BEHIND_BYTES >> 20)  # the mark, the rules' window, what waits for them
    assert behind <= read <= behind + AHEAD_CHUNKS
    assert server.received == []


@pytest.mark.parametrize("place", [0, 99, 100, 101, 900, 1999])
async def test_the_rules_see_what_they_are_behind_with_and_what_comes_before_it(monkeypatch, place):
    monkeypatch.setattr("vaultstream.adapters.scanner.BEHIND_BYTES", 100_000)
    data = bytearray(2_000_000)
    async with running(ClamdServer()) as server:
        chunks = [bytes(data[start : start + 30_000]) for start in range(0, len(data), 30_000)]
        assert (await scanner(server).scan(pieces(*chunks))).status is ScanOutcome.CLEAN
        data[place * 1000 : place * 1000 + len(corpus.EICAR)] = corpus.EICAR
        chunks = [bytes(data[start : start + 30_000]) for start in range(0, len(data), 30_000)]
        assert (await scanner(server).scan(pieces(*chunks))).signature == "EICAR.TestFile"


async def test_a_find_of_clamd_closes_the_source_in_the_middle_of_a_read(tmp_path):
    closed = asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        try:
            yield bytes(1 << 20)
            await asyncio.Event().wait()
        finally:
            closed.set()

    cutting = ClamdServer(cut_after_bytes=100, last_words=f"stream: {FOUND} FOUND\0".encode())
    async with running(cutting, tmp_path / "clamd.sock") as server:  # whose buffer is too small for the chunk
        verdict = await scanner(server).scan(source())
    assert (verdict.status, verdict.signature) == (ScanOutcome.INFECTED, FOUND)
    assert closed.is_set()


async def test_what_the_source_raises_is_passed_on_and_is_no_verdict():
    async def source() -> AsyncIterator[bytes]:
        yield bytes(1 << 20)
        raise ConnectionResetError("the object store hung up")

    async with running(ClamdServer()) as server:
        with pytest.raises(ConnectionResetError):
            await scanner(server).scan(source())
    assert server.received == []


async def test_a_file_over_clamds_stream_limit_is_unscannable():
    async with running(ClamdServer(limit_bytes=1 << 20)) as server:
        for _ in range(20):
            verdict = await scanner(server).scan(pieces(*[bytes(256 << 10)] * 40))
            assert (verdict.status, verdict.reason) == (
                ScanOutcome.UNSCANNABLE,
                "This file is larger than clamd takes.",
            )


async def test_a_file_over_what_clamd_looks_at_is_unscannable_whatever_clamd_says():
    async with running(ClamdServer()) as server:
        small = await scanner(server, clamd_limit_bytes=1000).scan(pieces(bytes(1000)))
        large = await scanner(server, clamd_limit_bytes=1000).scan(pieces(bytes(1000), b"\0"))
    assert small.status is ScanOutcome.CLEAN
    assert (large.status, large.reason) == (ScanOutcome.UNSCANNABLE, "This file is larger than clamd looks at.")


async def test_a_file_that_clamd_gave_up_on_is_convicted_by_what_the_rules_find_later():
    async with running(ClamdServer()) as server:
        verdict = await scanner(server, clamd_limit_bytes=10).scan(pieces(bytes(1 << 20), corpus.EICAR))
    assert (verdict.status, verdict.signature) == (ScanOutcome.INFECTED, "EICAR.TestFile")


@pytest.mark.parametrize(
    "server",
    [
        ClamdServer(cut_after_bytes=100),
        ClamdServer(cut_after_bytes=5 << 20),
        ClamdServer(cut_after_bytes=100, last_words=b"stream: OK\0"),
        ClamdServer(reply=b""),
        ClamdServer(reply=b"stream: OK"),
        ClamdServer(reply=b"stream: FOUND\0"),
        ClamdServer(reply=b"stream:  FOUND\0"),
        ClamdServer(reply=b"Can't allocate memory ERROR\0"),
        ClamdServer(reply=b"INSTREAM: Can't write to temporary file. ERROR\0"),
        ClamdServer(reply=b"PONG\0"),
        ClamdServer(reply=b"\xff\xfe\0"),
        ClamdServer(reply=b"x" * 100_000),
    ],
    ids=lambda server: str((server.reply or b"cut")[:20]),
)
async def test_a_cut_or_garbled_answer_is_no_verdict(server):
    async with running(server):
        with pytest.raises(ScannerUnavailable):
            await scanner(server).scan(pieces(*[bytes(1 << 20)] * 8))


async def test_a_find_in_the_first_half_convicts_though_clamd_hangs_up_on_the_rest():
    async with running(ClamdServer(cut_after_bytes=100, last_words=f"stream: {FOUND} FOUND\0".encode())) as server:
        verdict = await scanner(server).scan(pieces(*[bytes(1 << 20)] * 8))
    assert (verdict.status, verdict.signature) == (ScanOutcome.INFECTED, FOUND)


@pytest.mark.parametrize("server", [ClamdServer(silent=True), ClamdServer(stop_reading=True)], ids=["silent", "full"])
async def test_a_clamd_that_stands_still_is_given_up_in_time(server):
    async with running(server):
        with pytest.raises(ScannerUnavailable):
            await scanner(server, timeout_seconds=0.2).scan(pieces(*[bytes(1 << 20)] * 64))


async def test_no_clamd_no_verdict(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as bound:
        free = bound.getsockname()[1]
    for url in (f"tcp://127.0.0.1:{free}", f"unix://{tmp_path}/none.sock", "tcp://no-such-host.invalid:3310"):
        with pytest.raises(ScannerUnavailable, match="reached"):
            await Scanner(url).ping()
        with pytest.raises(ScannerUnavailable, match="reached"):
            await Scanner(url).scan(pieces(b"data"))


async def test_a_ping_that_is_not_answered_with_pong_fails():
    async with running(ClamdServer(reply=b"COMMAND UNAVAILABLE\0")) as server:
        with pytest.raises(ScannerUnavailable):
            await scanner(server).ping()


async def test_a_cancelled_scan_closes_its_connection():
    async with running(ClamdServer()) as server:

        async def endless() -> AsyncIterator[bytes]:
            yield b"data"
            await asyncio.Event().wait()

        task = asyncio.create_task(scanner(server).scan(endless()))
        await asyncio.wait_for(server.begun.wait(), 5)
        server.ended.clear()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.ended.wait(), 5)
    assert server.received == []


@pytest.mark.parametrize("is_unix", [True, False])
async def test_a_cancelled_scan_does_not_wait_for_a_clamd_that_takes_no_more(tmp_path, is_unix):
    async with running(ClamdServer(stop_reading=True), tmp_path / "clamd.sock" if is_unix else None) as server:
        task = asyncio.create_task(scanner(server, timeout_seconds=3600.0).scan(pieces(*[bytes(1 << 20)] * 64)))
        await asyncio.wait_for(server.begun.wait(), 5)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=5)
    assert done == {task}
    assert task.cancelled()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:3310",
        "tcp://host",
        "tcp://:3310",
        "http://host:1",
        "unix://",
        "unix://host/path",
        "tcp://h:x",
    ],
)
def test_an_address_that_is_none_is_refused_at_once(url):
    with pytest.raises(ValueError):
        Clamd(url)


@pytest.mark.parametrize("name", ["Heuristics.Limits.Exceeded.MaxFileSize", "Heuristics.Encrypted.Zip"])
def test_what_clamd_could_not_look_into_is_unscannable_and_not_infected(name):
    verdict = verdict_of(f"stream: {name} FOUND", "clamd")
    reason = f"clamd could not look at all of this file ({name})."
    assert verdict == Verdict(ScanOutcome.UNSCANNABLE, "clamd", reason=reason)


@given(st.text())
def test_no_answer_but_the_one_is_clean(reply):
    try:
        verdict = verdict_of(reply, "clamd")
    except ScannerUnavailable:
        return
    assert (verdict == clean("clamd")) == (reply == "stream: OK")
