"""LibreOffice draws Office documents where it is installed and can be walled in; else they show what they carry.

Most of it is seen with programs that stand in for it, and tell from inside what they find.
"""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from tests.adapters import kinds, offices
from tests.adapters.test_renderer import colour_at, drawn, sizes
from tests.adapters.test_renderer_confinement import processes_with, until
from tests.adapters.test_renderer_confinement import told as describes
from vaultstream.adapters.renderer import Renderer
from vaultstream.adapters.renderer_office import Office
from vaultstream.adapters.renderer_process import Limits, RendererBroken
from vaultstream.renderings import DAMAGED_DOCUMENT, OTHER_KIND, TOO_COSTLY, RenderFailed, RenderKilled, Unsupported

walled = pytest.mark.skipif(not offices.walls_are_allowed(), reason="this kernel allows this user no namespaces")
COVERED = kinds.office("odt", cover=kinds.png())
BARE = offices.docx()
ENDLESS = "kill -STOP $$"  # it starts no other, which for a moment would be one more of its name
SHOWS_PDF = "cp $PDF /room/document.pdf"


@contextmanager
def installed(monkeypatch: pytest.MonkeyPatch, script: str) -> Iterator[Path]:
    """A program in LibreOffice's place, that runs this."""
    with offices.stand_in(script) as folder:
        monkeypatch.setenv("PATH", f"{folder / 'program'}:{os.environ['PATH']}")
        yield folder


async def told(script: str, monkeypatch: pytest.MonkeyPatch, limits: Limits | None = None) -> list[str]:
    """The lines that a script finds to say from in there."""
    with installed(monkeypatch, f"({script}) >/room/said 2>&1; (echo %PDF-; cat /room/said) >/room/document.pdf"):
        answer = await Office(limits or Limits()).pdf_of(offices.RICH_TEXT)
    return answer.decode().splitlines()[1:]


def answer_of(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, check=False, text=True)


def shows_halves(rendering) -> bool:
    image = rendering.images[-1]
    return (colour_at(image, 0.2, 0.5), colour_at(image, 0.8, 0.5)) == ("R", "B")


@walled
async def test_a_document_is_drawn_from_the_pdf_that_is_made_of_it(monkeypatch):
    with installed(monkeypatch, SHOWS_PDF):
        renderer = Renderer()
        for document in (BARE, COVERED, offices.RICH_TEXT, offices.compound_file(bytes(16), "WordDocument")):
            rendering = await drawn(renderer, document)
            assert (rendering.width, rendering.height) == (200, 100)
            assert sizes(rendering) == [(96, 96, 48), (320, 320, 160), (1024, 1024, 512)]
            assert shows_halves(rendering)
        await renderer.close()


@walled
async def test_it_is_asked_for_the_first_page_by_filters_that_are_named(monkeypatch):
    asked = await told('printf "%s\\n" "$@"; cat /room/document', monkeypatch)
    assert asked == [
        "-env:UserInstallation=file:///room/profile",
        "--headless",
        "--norestore",
        "--nologo",
        "--infilter=Rich Text Format",
        "--convert-to",
        'pdf:writer_pdf_Export:{"PageRange":{"type":"string","value":"1"}}',
        "--outdir",
        "/room",
        "/room/document",
        offices.RICH_TEXT.decode(),
    ]


@walled
async def test_it_finds_no_file_but_programs_and_can_write_to_none(monkeypatch, tmp_path):
    with offices.stand_in("") as folder:
        found = await told(
            f"ls /../proc /../home; cat {folder}/halves.pdf /..{folder}/halves.pdf {tmp_path} /etc/passwd; "
            "cat /proc/self/environ; ls -A /; ls -A /etc /dev; "
            'for there in /usr /etc/fonts /dev "${0%/*}"; do test -w $there && echo "may write to $there"; done; '
            "touch /usr/x; echo x >/usr/lib/x; mount -t tmpfs none /usr; echo x >/dev/urandom",
            monkeypatch,
        )
    assert offices.PDF.decode().splitlines()[0] not in found, "which everybody else may read"
    listed = {line for line in found if " " not in line}
    assert listed - {"fonts", "libreoffice", "/etc:", "/dev:", "var", ""} == {
        *("null", "urandom", "dev", "etc", "tmp", "usr", "room"),
        *(entry.name for entry in os.scandir("/") if entry.is_symlink()),
    }
    assert [line for line in found if "may write" in line] == ["may write to /dev"], "which is memory too"
    refused = [line for line in found if "denied" in line or "Read-only" in line or "must be superuser" in line]
    assert len(refused) >= 3


@walled
async def test_it_cannot_write_where_everybody_may(monkeypatch):
    script = 'cd "${0%/*}/.."; ls halves.pdf; echo x >trace && echo written'
    with installed(
        monkeypatch, f"({script}) >/room/said 2>&1; (echo %PDF-; cat /room/said) >/room/document.pdf"
    ) as folder:
        folder.chmod(0o777)
        found = (await Office(Limits()).pdf_of(offices.RICH_TEXT)).decode().splitlines()
        assert "trace" not in os.listdir(folder)
    assert found[:2] == ["%PDF-", "halves.pdf"]
    assert "Read-only file system" in found[2]


@walled
async def test_it_has_so_much_memory_for_files_and_no_more(monkeypatch):
    assert (await told("for i in {1..9}; do fallocate -l 60M /room/$i && echo $i; done", monkeypatch))[:5] == [
        *"1234",
        "fallocate: fallocate failed: No space left on device",
    ]


@walled
async def test_it_inherits_nothing(monkeypatch):
    monkeypatch.setenv("VAULT_SECRET_OF_THE_PARENT", "hush")
    with open("/dev/null") as mine:  # noqa: ASYNC230
        os.set_inheritable(mine.fileno(), True)
        fds = "for fd in {0..63}; do (: <&$fd) 2>/dev/null && echo open $fd; done"
        found = await told(f"/usr/bin/env; echo parent $PPID; id -u; {fds}", monkeypatch)
    variables = {line.partition("=")[0] for line in found if "=" in line}
    ours = {"HOME", "LC_ALL", "LD_LIBRARY_PATH", "MAX_CONCURRENCY", "SAL_USE_VCLPLUGIN", "TMPDIR"}
    assert variables == ours | {"PWD", "SHLVL", "_"}, "the last three are bash's"
    assert "hush" not in str(found)
    assert {"parent 1", str(os.getuid() or 65534)} <= set(found)
    assert [line for line in found if line.startswith("open")] == ["open 0", "open 1", "open 2"]


@walled
async def test_it_has_no_network_and_cannot_build_another_world(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        reached = f"(: </dev/tcp/127.0.0.1/{port}) && echo reached"
        assert answer_of("/bin/bash", "-c", reached).stdout == "reached\n", "from out here"
        found = await told(
            f"{reached}; unshare -U true && echo unshared; kill -0 {os.getpid()} && echo seen", monkeypatch
        )
    assert not {"reached", "unshared", "seen"} & set(found)
    assert any("Network is unreachable" in line for line in found)


@walled
async def test_it_runs_within_limits(monkeypatch):
    limits = Limits(memory_bytes=512 << 20, cpu_seconds=7)
    found = await told("ulimit -v; ulimit -t; ulimit -f; ulimit -c; ulimit -n; ulimit -u", monkeypatch, limits)
    assert found == [str(512 << 10), "7", str(64 << 10), "0", "64", "24"]


HARMFUL = {
    "sleep": ("sleep 99", Limits(wall_seconds=1), TOO_COSTLY),
    "processor": ("while :; do :; done", Limits(cpu_seconds=1), TOO_COSTLY),
    "memory": ("x=x; while :; do x=$x$x; done", Limits(memory_bytes=128 << 20), "could not be opened"),
    "a long file": ("exec yes >/room/document.pdf", Limits(), TOO_COSTLY),
    "processes": ("bomb() { bomb | bomb & }; bomb; exit 3", Limits(), "could not be opened"),
    "survivors": ('test "$1" = on && sleep 99; setsid "$0" on & exit 3', Limits(), "could not be opened"),
    "crash": ("kill -SEGV $$", Limits(), "could not be opened"),
    "a kill": ("kill -KILL $$", Limits(), TOO_COSTLY),
    "a kill of all": ("kill -KILL -1; kill -KILL 1; exit 4", Limits(), "could not be opened"),
    "nothing": ("exit 0", Limits(), DAMAGED_DOCUMENT),
    "nonsense": ("echo nonsense >/room/document.pdf", Limits(), "could not be drawn"),
    "a pipe": ("mkfifo /room/document.pdf", Limits(), DAMAGED_DOCUMENT),
    "a way out": ("ln -s /etc/passwd /room/document.pdf", Limits(), DAMAGED_DOCUMENT),
    "an answer of its own": ("printf '\\1\\0\\0' >/room/document.pdf", Limits(), "could not be drawn"),
    "starting over and over": ("exit 81", Limits(), "could not be opened"),
}


@walled
@pytest.mark.parametrize("name", sorted(HARMFUL))
async def test_a_document_that_does_harm_only_fails_and_others_are_converted(monkeypatch, name):
    script, limits, reason = HARMFUL[name]
    marked = "grep -q harmful /room/document || { cp $PDF /room/document.pdf; exit 0; }; "
    with installed(monkeypatch, marked + script) as folder:
        office = Office(limits)
        harmed, other = await asyncio.gather(
            office.pdf_of(b"{\\rtf1 harmful}"), office.pdf_of(offices.RICH_TEXT), return_exceptions=True
        )
        assert isinstance(harmed, RenderFailed)
        assert reason in harmed.reason
        assert other == offices.PDF
        assert processes_with(str(folder)) == set()


@walled
async def test_it_is_started_again_when_it_has_made_its_profile(monkeypatch):
    again = "test -e /room/profile/made || { touch /room/profile/made; exit 81; }; "
    with installed(monkeypatch, again + SHOWS_PDF):
        assert await Office(Limits()).pdf_of(offices.RICH_TEXT) == offices.PDF


@walled
async def test_nothing_of_a_document_is_there_for_the_next(monkeypatch):
    for _ in range(2):
        found = await told("ls -A /room; touch /room/trace /room/profile/trace /trace; ls -A /", monkeypatch)
        assert found[:3] == ["document", "profile", "said"]
        assert found.count("trace") == 1


@asynccontextmanager
async def converting(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[str, "asyncio.Task[bytes]"]]:
    """A conversion that goes on for long, and the path of its program, which all of its processes name."""
    with installed(monkeypatch, ENDLESS) as folder:
        task = asyncio.create_task(Office(Limits(wall_seconds=999)).pdf_of(offices.RICH_TEXT))
        await until(lambda: len(processes_with(str(folder))) == 3)  # who waits outside, the first inside, the program
        yield str(folder), task
        task.cancel()
        await asyncio.wait({task})
        assert processes_with(str(folder)) == set()


@walled
async def test_nobody_in_there_has_rights_and_they_die_before_the_worker_when_memory_is_short(monkeypatch):
    async with converting(monkeypatch) as (path, _):
        outside, first, program = sorted(processes_with(path))
        if os.getuid() == 0:  # it is nobody's to look into
            assert describes(outside, "environ") == "LC_ALL=C.UTF-8\0"
        for process in (first, program):
            status = dict(line.split(":\t", 1) for line in describes(process, "status").splitlines())
            assert {status[f"Cap{which}"] for which in ("Inh", "Prm", "Eff", "Amb")} == {"0" * 16}
            assert status["NoNewPrivs"] == "1"
            assert set(status["Uid"].split()) == {str(os.getuid() or 65534)}
            assert describes(process, "oom_score_adj") == "1000\n"
        assert os.stat(f"/proc/{first}/environ").st_uid == 0, "whose process it is: none of theirs may look into it"


@walled
async def test_a_conversion_that_is_cancelled_leaves_nothing(monkeypatch):
    async with converting(monkeypatch):
        pass


@walled
@pytest.mark.parametrize("place", [0, 1, 2], ids=["who waits outside", "the first inside", "the program"])
async def test_whoever_of_it_is_killed_takes_all_others_along(monkeypatch, place):
    async with converting(monkeypatch) as (path, task):
        os.kill(sorted(processes_with(path))[place], signal.SIGKILL)
        await until(lambda: not processes_with(path))
        with pytest.raises(RenderKilled, match=TOO_COSTLY):  # which gets it another try
            await task


@walled
async def test_a_worker_that_is_killed_leaves_nothing(monkeypatch):
    worker = (
        "import asyncio; from vaultstream.adapters.renderer_office import Office, Limits; "
        "asyncio.run(Office(Limits(wall_seconds=999)).pdf_of(b'{\\\\rtf1 x}'))"
    )
    with installed(monkeypatch, ENDLESS) as folder:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", worker)
        await until(lambda: len(processes_with(str(folder))) == 3)
        process.kill()
        await process.wait()
        await until(lambda: not processes_with(str(folder)))


@walled
async def test_what_it_cannot_draw_shows_the_picture_that_it_carries(monkeypatch):
    with installed(monkeypatch, f'grep -q "rtf" /room/document && {SHOWS_PDF}'):
        renderer = Renderer()
        assert sizes(await drawn(renderer, COVERED))[-1] == (1024, 400, 300)
        with pytest.raises(RenderFailed, match="could not be opened"):
            await drawn(renderer, BARE)
        with pytest.raises(Unsupported, match="password"):
            await drawn(renderer, offices.compound_file(bytes(16), "EncryptedPackage"))
        await renderer.close()


@pytest.mark.usefixtures("no_office")
async def test_without_it_a_document_shows_what_it_carries_and_the_log_says_so_once(caplog):
    renderer = Renderer()
    with caplog.at_level(logging.INFO, "vaultstream"):
        for _ in range(2):
            assert sizes(await drawn(renderer, COVERED))[-1] == (1024, 400, 300)
            for document, reason in ((BARE, "no preview of itself"), (offices.RICH_TEXT, OTHER_KIND)):
                with pytest.raises(Unsupported, match=reason):
                    await drawn(renderer, document)
    await renderer.close()
    assert [record.message for record in caplog.records if "Office" in record.message] == [
        "of Office documents only the picture that they carry is shown: LibreOffice is not installed."
    ]


@walled
async def test_where_the_kernel_allows_no_walls_nothing_is_run_without_them(monkeypatch):
    """The same program in a world that allows no further ones, as on Lambda."""
    script = "import asyncio; from vaultstream.adapters.renderer_office import Office, Limits; "
    script += "asyncio.run(Office(Limits()).pdf_of(b'{\\\\rtf1 x}'))"
    with installed(monkeypatch, f"touch {tempfile.gettempdir()}/was-run-without-walls; {SHOWS_PDF}"):
        bare = 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"'
        answer = answer_of("unshare", "-Ur", "sh", "-c", bare, "sh", sys.executable, "-c", script)
    assert "RendererBroken: LibreOffice cannot be walled in: " in answer.stderr
    assert "was-run-without-walls" not in os.listdir(tempfile.gettempdir())


@walled
async def test_a_program_that_does_not_work_is_found_out_before_a_document_is_blamed(monkeypatch, caplog):
    with installed(monkeypatch, "exit 1"):
        office = Office(Limits())
        assert not await office.works()
        assert "This document could not be opened." in caplog.text


@pytest.mark.usefixtures("no_office")
async def test_a_program_that_vanishes_is_the_installations_fault():
    with pytest.raises(RendererBroken, match="not installed"):
        await Office(Limits()).pdf_of(offices.RICH_TEXT)
