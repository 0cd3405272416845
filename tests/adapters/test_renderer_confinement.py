"""A file that is drawn can take little, reach nothing, and outlive nobody."""

import asyncio
import os
import shlex
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.adapters import corpus
from vaultstream.adapters import renderer_process
from vaultstream.adapters.renderer import Renderer
from vaultstream.adapters.renderer_process import Limits, RendererBroken
from vaultstream.renderings import TOO_COSTLY, RenderFailed, Rendering, RenderKilled

PICTURE = corpus.encoded(corpus.picture(), "png")

AMPLE_BYTES = 8 << 30  # an endless PDF grows as it is drawn, a fast machine's to a GiB in a second


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def drawn(renderer: Renderer) -> Rendering:
    return await renderer.render(pieces(PICTURE), "image/png", len(PICTURE))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 (what is waited for is another process)
            await asyncio.sleep(0.01)


def children_of(number: int | str) -> set[int]:
    listings = Path(f"/proc/{number}/task").glob("*/children")
    return {int(child) for listing in listings for child in listing.read_text().split()}


def nurseries() -> set[int]:
    """The ids of this process's children that bear those who draw."""
    return {number for number in children_of("self") if "render_nursery" in told(number, "cmdline")}


def drawing_processes() -> set[int]:
    """The ids of those who draw for this process."""
    return {child for nursery in nurseries() for child in children_of(nursery)}


def told(number: int | str, name: str) -> str:
    """What the system tells about a process; nothing of one that has gone."""
    try:
        return Path(f"/proc/{number}/{name}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def open_files(number: int) -> list[str]:
    return [os.readlink(f"/proc/{number}/fd/{name}") for name in sorted(os.listdir(f"/proc/{number}/fd"), key=int)]


def processes_with(argument: str) -> set[int]:
    """All processes of the machine that were started with it, and their forks."""
    return {int(name) for name in os.listdir("/proc") if name.isdigit() and argument in told(name, "cmdline")}


@asynccontextmanager
async def drawing(renderer: Renderer) -> AsyncIterator[tuple[int, "asyncio.Task[Rendering]"]]:
    """A child that waits for the second half of a picture, and the render that it will answer after the block."""
    before, gate, poured = drawing_processes(), asyncio.Event(), asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        yield PICTURE[:1500]
        poured.set()  # to a child that has given up its rights
        await gate.wait()
        yield PICTURE[1500:]

    task = asyncio.create_task(renderer.render(source(), "image/png", len(PICTURE)))
    await asyncio.wait_for(poured.wait(), 60)
    (child,) = drawing_processes() - before
    await until(lambda: os.getpgid(child) == child)  # its nursery's to do
    yield child, task
    gate.set()
    await asyncio.wait({task}, timeout=20)


async def test_a_file_that_never_ends_is_killed_by_the_clock():
    renderer = Renderer(Limits(wall_seconds=1, memory_bytes=AMPLE_BYTES))
    data = corpus.endless_pdf()
    with pytest.raises(RenderFailed, match=TOO_COSTLY):
        await renderer.render(pieces(data), "application/pdf", len(data))
    await renderer.close()
    assert drawing_processes() == set()


async def test_a_file_that_burns_the_processor_is_killed_by_the_system():
    renderer = Renderer(Limits(cpu_seconds=1, memory_bytes=AMPLE_BYTES))
    data = corpus.endless_pdf()
    with pytest.raises(RenderFailed, match=TOO_COSTLY) as caught:
        await renderer.render(pieces(data), "application/pdf", len(data))
    assert type(caught.value) is RenderFailed  # of its own costs, so nobody tries again
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
    renderer = Renderer()
    async with drawing(renderer) as (child, _):
        limits = {line[:26].strip(): line[26:].split()[0] for line in told(child, "limits").splitlines()}
        assert limits["Max file size"] == "0"
        assert limits["Max core file size"] == "0"
        assert limits["Max address space"] == str(1 << 30)
        assert limits["Max cpu time"] == "20"
        assert limits["Max open files"] == "16"
        status = dict(line.split(":", 1) for line in told(child, "status").splitlines())
        assert set(status["Uid"].split()) == {str(65534 if os.getuid() == 0 else os.getuid())}
        assert os.getpgid(child) == child
        if os.getuid() == 0:  # others depend on their kernel's leave
            assert os.readlink(f"/proc/{child}/ns/net") != os.readlink("/proc/self/ns/net")
            kinds = [file.split(":")[0] for file in open_files(child)]
            assert kinds == ["socket", "/dev/null", "/dev/null"], "the wire, and nothing of its nursery or of others"
    await renderer.close()
    assert drawing_processes() == nurseries() == set()


async def test_what_bears_them_has_nothing_to_inherit_and_runs_no_thread():
    os.environ["VAULT_SECRET_OF_THE_PARENT"] = "hush"
    renderer = Renderer()
    for _ in range(3):
        await drawn(renderer)
    del os.environ["VAULT_SECRET_OF_THE_PARENT"]
    (nursery,) = nurseries()
    assert set(told(nursery, "environ").strip("\0").split("\0")) == {
        f"{name}={value}" for name, value in renderer_process._ENVIRONMENT.items()
    }
    assert not [name for name in renderer_process._ENVIRONMENT if "VAULT" in name or "AWS" in name]
    assert "Threads:\t1\n" in told(nursery, "status")
    # Its control, two of /dev/null, and what it waits with: a lease is closed a moment after it told of an end.
    await until(lambda: len(os.listdir(f"/proc/{nursery}/fd")) == 4)
    assert os.getsid(nursery) == nursery
    await renderer.close()


async def test_each_file_has_a_process_of_its_own():
    renderer = Renderer()
    seen = set()
    for _ in range(3):
        async with drawing(renderer) as (child, task):
            seen.add(child)
        assert task.result().width == 400
    assert len(seen) == 3
    await renderer.close()


async def test_a_process_that_is_killed_takes_only_its_own_file_with_it():
    renderer = Renderer()
    async with drawing(renderer) as (one, its_render), drawing(renderer) as (_, others_render):
        os.kill(one, 9)
        await until(lambda: one not in drawing_processes())
    with pytest.raises(RenderKilled, match=TOO_COSTLY):
        its_render.result()
    assert others_render.result().width == 400
    await renderer.close()


async def test_a_nursery_that_is_killed_while_it_is_idle_is_replaced():
    renderer = Renderer()
    await drawn(renderer)
    (nursery,) = nurseries()
    os.kill(nursery, 9)
    await until(lambda: nursery not in nurseries())
    assert (await drawn(renderer)).width == 400
    assert nursery not in nurseries()
    await renderer.close()


async def test_a_nursery_that_is_killed_takes_its_children_with_it_and_no_file_is_blamed():
    renderer = Renderer()
    async with drawing(renderer) as (child, render):
        (nursery,) = nurseries()
        os.kill(nursery, 9)
        await until(lambda: not Path(f"/proc/{child}").exists())
    with pytest.raises(RendererBroken):
        render.result()
    assert (await drawn(renderer)).width == 400
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
    rendering = asyncio.create_task(drawn(renderer))
    await until(nurseries)
    await renderer.close()
    await renderer.close()
    await asyncio.wait({rendering})
    assert drawing_processes() == nurseries() == set()


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
    "deed",
    [
        "os.write(0, bytes([1]) + bytes(9))",
        "os._exit(3)",
        "os.abort()",
        "[os.write(0, b'R' * 9_000) for _ in range(1_000)]",
        "os.close(0)",
    ],
    ids=["nonsense", "exit", "crash", "flood", "silence"],
)
async def test_a_process_that_is_taken_over_can_only_make_its_own_file_fail(monkeypatch, tmp_path, deed):
    nursery_does(
        monkeypatch, tmp_path, f"({deed}, os._exit(0)) if len(source) == {len(PICTURE)} else usual(source, kind)"
    )
    renderer = Renderer(Limits(wall_seconds=5))
    for _ in range(2):
        with pytest.raises(RenderFailed, match="could not be drawn"):
            await drawn(renderer)
        other = corpus.encoded(corpus.picture(200, 100), "png")
        assert (await renderer.render(pieces(other), "image/png", len(other))).width == 200
    await renderer.close()


async def test_what_a_process_started_ends_with_it(monkeypatch, tmp_path):
    nursery_does(monkeypatch, tmp_path, "os.fork() and os._exit(0) or time.sleep(99)")
    renderer = Renderer(Limits(memory_bytes=(1 << 30) + (4096 * os.getpid())))
    with pytest.raises(RenderFailed):
        await drawn(renderer)
    assert processes_with(f"\0{renderer._limits.memory_bytes}\0") == nurseries()
    await renderer.close()


def nursery_does(monkeypatch: pytest.MonkeyPatch, folder: Path, expression: str) -> None:
    """From now on nurseries are started whose children do this instead of drawing."""
    program = (
        "import os, sys, time; import vaultstream.adapters.render_nursery as it; usual = it.draw; "
        f"it.draw = lambda source, kind: {expression}; it.main()"
    )
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c {shlex.quote(program)} "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))


async def test_an_installation_that_cannot_draw_says_so_and_blames_no_file(monkeypatch):
    monkeypatch.setattr(renderer_process, "_PROGRAM", "vaultstream.no_such_program")
    renderer = Renderer()
    with pytest.raises(RendererBroken):
        await drawn(renderer)
    monkeypatch.undo()
    assert (await drawn(renderer)).width == 400
    await renderer.close()


async def test_a_nursery_that_does_not_come_up_in_time_is_not_waited_for_and_leaves_nothing(monkeypatch):
    renderer = Renderer()
    with monkeypatch.context() as impatient:
        impatient.setattr(renderer_process, "START_TIMEOUT_SECONDS", 0.001)
        with pytest.raises(RendererBroken):
            await drawn(renderer)
    assert nurseries() == set()
    assert (await drawn(renderer)).width == 400
    await renderer.close()
