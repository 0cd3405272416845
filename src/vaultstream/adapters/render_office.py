"""The process that has LibreOffice make a PDF of one untrusted document, behind walls (`render_walls.py`).

Run by `renderer_office.py` as `python -I -m vaultstream.adapters.render_office PROGRAM MEMORY CPU WALL` (a path, bytes,
seconds, seconds) with its wire as standard input. It says READY, or why there are no walls; reads `u64 size` and the
document, and answers with a PDF of its first page, or with why there is none (`renderings.py`). There is no answer
where it or LibreOffice was killed from outside.
"""

import os
import resource
import select
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from subprocess import DEVNULL, Popen

from vaultstream.adapters import render_walls
from vaultstream.adapters.render_documents import Filters, filters
from vaultstream.renderings import TOO_COSTLY, RenderFailed, Unsupported, packed

READY = b"R"
SIZE = struct.Struct("!Q")
MAX_PDF_BYTES = 64 << 20

_MEMORY_FOR_FILES_BYTES = 256 << 20  # the document, what is unpacked of it, the profile and the PDF
_FOLDERS = ("/usr", "/etc/fonts", "/etc/libreoffice", "/var/cache/fontconfig")
_ROOM = Path("/room")
_DOCUMENT, _PDF = _ROOM / "document", _ROOM / "document.pdf"
_AGAIN = 81  # how LibreOffice ends when it has made its profile (EXITHELPER_NORMAL_RESTART)
_COSTLY = {-signal.SIGXCPU, -signal.SIGXFSZ}
# No macro runs, and nothing that a document names is fetched: both are so by default, where nobody can be asked.
_SETTINGS = (
    ("Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Office.Writer/Content/Update", "Link", "2"),
    ("Office.Calc/Content/Update", "Link", "2"),
)
_ITEM = '<item oor:path="/org.openoffice.{}"><prop oor:name="{}" oor:op="fuse"><value>{}</value></prop></item>'
_PROFILE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<oor:items xmlns:oor="http://openoffice.org/2001/registry">'
    + "".join(_ITEM.format(*setting) for setting in _SETTINGS)
    + "</oor:items>"
)


def main() -> None:
    """Serve one document."""
    program = Path(sys.argv[-4])
    memory_bytes, cpu_seconds, wall_seconds = map(int, sys.argv[-3:])
    os.closerange(3, 256)
    wire = socket.socket(fileno=0)
    try:
        render_walls.withdraw(_folders(program), _MEMORY_FOR_FILES_BYTES)
        render_walls.limit(memory_bytes, cpu_seconds, MAX_PDF_BYTES)
    except OSError as error:
        wire.sendall(str(error).encode())
        return
    wire.sendall(READY)
    with wire.makefile("rb") as given:
        (size_bytes,) = SIZE.unpack(given.read(SIZE.size))
        document = given.read(size_bytes)
    if len(document) == size_bytes:
        wire.sendall(_answer(program, document, time.monotonic() + wall_seconds, wire))


def _folders(program: Path) -> list[Path]:
    own = program.parents[1]
    return [path for name in _FOLDERS if (path := Path(name)).is_dir()] + [own] * (not own.is_relative_to("/usr"))


def _answer(program: Path, document: bytes, deadline: float, wire: socket.socket) -> bytes:
    try:
        return _converted(program, document, deadline, wire)
    except (Unsupported, RenderFailed) as refusal:
        return packed(refusal)
    except MemoryError:
        return packed(RenderFailed(TOO_COSTLY))


def _converted(program: Path, document: bytes, deadline: float, wire: socket.socket) -> bytes:
    chosen = filters(document)
    (_ROOM / "profile" / "user").mkdir(parents=True)
    (_ROOM / "profile" / "user" / "registrymodifications.xcu").write_text(_PROFILE)
    _DOCUMENT.write_bytes(document)
    status = _ran(program, chosen, deadline, wire)
    if status == _AGAIN:
        status = _ran(program, chosen, deadline, wire)
    if status in _COSTLY or (status != 0 and _has_spent_its_time()):
        raise RenderFailed(TOO_COSTLY)
    if status == -signal.SIGKILL:
        os._exit(0)  # without an answer, as if this process had been killed in its place
    if status != 0:
        raise RenderFailed("This document could not be opened.")
    if not _PDF.is_file():
        raise RenderFailed(chosen.refused)
    with _PDF.open("rb") as pdf:
        return pdf.read(MAX_PDF_BYTES)


def _has_spent_its_time() -> bool:
    """LibreOffice catches the signal that says so, and aborts."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime >= resource.getrlimit(resource.RLIMIT_CPU)[0]


def _ran(program: Path, chosen: Filters, deadline: float, wire: socket.socket) -> int:
    """How it ended, as an exit code or minus a signal. This process, and so all in here, ends when nobody waits."""
    page = '{"PageRange":{"type":"string","value":"1"}}'
    asked = (f"--infilter={chosen.reads}", "--convert-to", f"pdf:{chosen.writes}:{page}", "--outdir", str(_ROOM))
    profile = f"-env:UserInstallation=file://{_ROOM}/profile"
    environment = {
        "HOME": str(_ROOM),
        "LC_ALL": "C.UTF-8",
        "LD_LIBRARY_PATH": str(program.parent),  # which it would look up in /proc, and there is none
        "MAX_CONCURRENCY": "1",
        "SAL_USE_VCLPLUGIN": "svp",
        "TMPDIR": str(_ROOM),
    }
    with Popen(  # noqa: S603  # our own words, and no shell
        [str(program), profile, "--headless", "--norestore", "--nologo", *asked, str(_DOCUMENT)],
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
        env=environment,
        cwd=_ROOM,
    ) as process:
        waiting = select.poll()
        waiting.register(os.pidfd_open(process.pid), select.POLLIN)
        waiting.register(wire, select.POLLRDHUP)
        happened = waiting.poll(max(0.0, deadline - time.monotonic()) * 1000)
        if any(what == wire.fileno() for what, _ in happened):
            os._exit(0)
        if not happened:
            process.kill()
            raise RenderFailed(TOO_COSTLY)
    return process.returncode


if __name__ == "__main__":
    main()
