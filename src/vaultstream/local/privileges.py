"""Lets a program that refuses to run as root run all the same: as another uid that can still reach its files."""

import ctypes
import os
import pwd
from collections.abc import Callable
from pathlib import Path

from vaultstream.local.part import PartFailed

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAP_AMBIENT = 1, 8, 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_SIGKILL = 9
UNPRIVILEGED = "nobody"  # in every Linux system's passwd file, so nothing has to be created


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def unprivileged_ids() -> tuple[int, int] | None:
    """The uid and gid for a program that refuses root; None when this process is not root anyway."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise PartFailed(
            f"this machine has no user '{UNPRIVILEGED}': start the vault as a user who is not root"
        ) from None
    return entry.pw_uid, entry.pw_gid


def give_folder(folder: Path, ids: tuple[int, int] | None) -> None:
    """Make a folder only its program can open; it belongs to `ids`, or to us."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if ids is not None:
        os.chown(folder, *ids)


def before_exec(ids: tuple[int, int] | None) -> Callable[[], None]:
    """What a forked child does before it becomes the program: change its uid, then promise to die with us.

    The order matters: a change of uid takes the promise back.
    """
    parent = os.getpid()

    def prepare() -> None:
        if ids is not None:
            _become(*ids)
        _LIBC.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the promise was made
            os._exit(1)

    return prepare


def _become(uid: int, gid: int) -> None:
    """Change to another user, keeping one right: to find files under folders that only root may pass.

    Without it neither the program nor its data could be reached in a checkout below /root or a private
    temporary folder.
    """
    search = _right_to_search()
    _LIBC.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if search is None:
        return
    bit = 1 << search
    header = _Header(_CAPABILITY_VERSION_3, 0)
    sets = (_Sets * 2)(_Sets(bit, bit, bit), _Sets(0, 0, 0))
    _LIBC.capset(ctypes.byref(header), sets)
    _LIBC.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, search, 0, 0)


def _right_to_search() -> int | None:
    """The lesser of the two rights to pass any folder that this process has; containers often lack the first."""
    status = Path("/proc/self/status").read_text()
    permitted = int(status.split("CapPrm:")[1].split()[0], 16)
    for capability in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE):
        if permitted >> capability & 1:
            return capability
    return None
