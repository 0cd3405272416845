"""A file that is drawn can take little, reach nothing, and outlive nobody."""

import asyncio
import os
import shlex
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.adapters import corpus
from vaultstream.adapters import renderer as renderer_module
from vaultstream.adapters.renderer import Limits, Renderer, RendererBroken
from vaultstream.renderings import TOO_COSTLY, RenderFailed


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 (what is waited for is another process)
            await asyncio.sleep(0.01)


def drawing_processes() -> set[int]:
    """The ids of this process's children that draw."""
    ids = {
        int(number) for listing in Path("/proc/self/task").glob("*/children") for number in listing.read_text().split()
    }
    return {number for number in ids if "render_child" in told(number, "cmdline")}


def told(number: int, name: str) -> str:
    """What the system tells about a process; nothing of one that has gone."""
    try:
        return Path(f"/proc/{number}/{name}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


async def test_a_file_that_never_ends_is_killed_by_the_clock():
    renderer = Renderer(Limits(wall_seconds=1))
    data = corpus.endless_pdf()
    with pytest.raises(RenderFailed, match=TOO_COSTLY):
        await renderer.render(pieces(data), "application/pdf", len(data))
    await renderer.close()
    assert drawing_processes() == set()


async def test_a_file_that_burns_the_processor_is_killed_by_the_system():
    renderer = Renderer(Limits(cpu_seconds=1))
    data = corpus.endless_pdf()
    with pytest.raises(RenderFailed, match=TOO_COSTLY):
        await renderer.render(pieces(data), "application/pdf", len(data))
    await renderer.close()


async def test_a_file_that_eats_memory_fails_and_only_for_that_reason():
    data = corpus.encoded(corpus.picture(4000, 4000), "png", interlace=True)  # needs all its 48 MB at once
    tight, usual = Renderer(Limits(memory_bytes=96 << 20)), Renderer()
    with pytest.raises(RenderFailed):
        await tight.render(pieces(data), "image/png", len(data))
    assert (await usual.render(pieces(data), "image/png", len(data))).width == 4000
    await tight.close()
    await usual.close()


async def test_the_process_has_no_rights_that_drawing_does_not_need():
    os.environ["VAULT_SECRET_OF_THE_PARENT"] = "hush"
    renderer = Renderer()
    await renderer.warm()
    del os.environ["VAULT_SECRET_OF_THE_PARENT"]
    (child,) = drawing_processes()
    limits = {line[:26].strip(): line[26:].split()[0] for line in told(child, "limits").splitlines()}
    assert limits["Max file size"] == "0"
    assert limits["Max core file size"] == "0"
    assert limits["Max address space"] == str(1 << 30)
    assert limits["Max cpu time"] == "20"
    assert limits["Max open files"] == "16"
    names = {pair.split("=")[0] for pair in told(child, "environ").split("\0") if pair}
    assert names == {"LC_ALL", "MALLOC_ARENA_MAX", "TMPDIR", "VIPS_CONCURRENCY", "VIPS_DISC_THRESHOLD"}
    status = dict(line.split(":", 1) for line in told(child, "status").splitlines())
    assert set(status["Uid"].split()) == {str(65534 if os.getuid() == 0 else os.getuid())}
    assert os.getsid(child) == child
    if os.getuid() == 0:  # others depend on their kernel's leave
        assert os.readlink(f"/proc/{child}/ns/net") != os.readlink("/proc/self/ns/net")
    await renderer.close()
    assert drawing_processes() == set()


async def test_each_file_has_a_process_of_its_own():
    renderer = Renderer()
    data = corpus.encoded(corpus.picture(), "png")
    seen = []
    for _ in range(3):
        await renderer.warm()
        seen.append(drawing_processes())
        await renderer.render(pieces(data), "image/png", len(data))
    assert len(set.union(*seen)) == 3
    await renderer.close()


async def test_a_spare_that_was_killed_is_replaced():
    renderer = Renderer()
    await renderer.warm()
    (child,) = drawing_processes()
    os.kill(child, 9)
    await until(lambda: child not in drawing_processes())
    data = corpus.encoded(corpus.picture(), "png")
    assert (await renderer.render(pieces(data), "image/png", len(data))).width == 400
    await renderer.close()


async def test_a_cancelled_render_leaves_no_process():
    renderer = Renderer()
    data, fed = corpus.endless_pdf(), asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        yield data
        fed.set()

    task = asyncio.create_task(renderer.render(source(), "application/pdf", len(data)))
    await asyncio.wait_for(fed.wait(), 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await renderer.close()
    assert drawing_processes() == set()


async def test_closing_twice_or_unused_or_at_once_after_starting_is_harmless():
    renderer = Renderer()
    await renderer.close()
    renderer = Renderer()
    warming = asyncio.create_task(renderer.warm())
    await until(lambda: renderer._spare is not None)
    await renderer.close()
    await renderer.close()
    with pytest.raises(asyncio.CancelledError):
        await warming
    assert drawing_processes() == set()


async def test_no_more_files_are_drawn_at_a_time_than_allowed():
    renderer = Renderer(parallel=2)
    data = corpus.encoded(corpus.picture(), "png")
    now, most, gate = 0, 0, asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await gate.wait()
        yield data
        now -= 1

    tasks = [asyncio.create_task(renderer.render(source(), "image/png", len(data))) for _ in range(5)]
    await until(lambda: now == 2)
    gate.set()
    assert [rendering.width for rendering in await asyncio.gather(*tasks)] == [400] * 5
    assert most == 2
    await renderer.close()


@pytest.mark.parametrize(
    "program",
    [
        "import sys; sys.stdout.buffer.write(b'RR' + bytes([1]) + bytes(9)); sys.stdout.flush(); sys.stdin.read()",
        "import sys; sys.stdout.write('RR'); sys.stdout.flush(); sys.stdin.buffer.read(9); sys.exit(3)",
        "import os, sys; sys.stdout.write('RR'); sys.stdout.flush(); sys.stdin.buffer.read(9); os.abort()",
        "import sys; sys.stdout.write('R' * 9_000_000)",
    ],
    ids=["nonsense", "exit", "crash", "flood"],
)
async def test_a_process_that_is_taken_over_can_only_make_its_own_file_fail(monkeypatch, tmp_path, program):
    broken = tmp_path / "python"
    broken.write_text(f"#!/bin/sh\nexec {sys.executable} -c {shlex.quote(program)}\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    renderer = Renderer(Limits(wall_seconds=5))
    data = corpus.encoded(corpus.picture(), "png")
    with pytest.raises(RenderFailed, match="could not be drawn"):
        await renderer.render(pieces(data), "image/png", len(data))
    monkeypatch.undo()
    await renderer.close()


async def test_an_installation_that_cannot_draw_says_so_and_blames_no_file(monkeypatch):
    monkeypatch.setattr(renderer_module, "_CHILD_PROGRAM", "vaultstream.no_such_program")
    renderer = Renderer()
    with pytest.raises(RendererBroken):
        await renderer.warm()
    await renderer.close()
    data = corpus.encoded(corpus.picture(), "png")
    with pytest.raises(RendererBroken):
        await Renderer().render(pieces(data), "image/png", len(data))
