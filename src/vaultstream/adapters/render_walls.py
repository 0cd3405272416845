"""Walls around a program that is not ours: namespaces with no network and no disk but a memory, which end with it.

Behind them are the folders that it is read from, which it cannot write to, and a file system in memory. Every step is
one that a user without rights may take where the kernel lets users have namespaces of their own; root becomes nobody
first, and takes the same steps. See unshare(2), user_namespaces(7), pid_namespaces(7), mount_setattr(2).
"""

import ctypes
import os
import resource
import signal
from collections.abc import Callable, Iterable
from pathlib import Path

_NOBODY = 65534
_NEW_USER, _NEW_NET, _NEW_PID, _NEW_IPC, _NEW_UTS, _NEW_MOUNT = 1 << 28, 1 << 30, 1 << 29, 1 << 27, 1 << 26, 1 << 17
_DIE_WITH_PARENT, _DUMPABLE, _NO_NEW_RIGHTS = 1, 4, 38  # linux/prctl.h
_NO_SUID, _NO_DEVICES, _BIND, _RECURSIVE, _PRIVATE = 2, 4, 1 << 12, 1 << 14, 1 << 18  # linux/mount.h
_READ_ONLY = 1  # MOUNT_ATTR_RDONLY, next to _NO_SUID and _NO_DEVICES, which are the same there
_DETACH = 2  # MNT_DETACH
_MOUNT_SETATTR = 442  # of every architecture
_HERE, _BENEATH = -100, 0x8000  # AT_FDCWD, AT_RECURSIVE
_CAPABILITY_VERSION = 0x20080522  # linux/capability.h
_DEVICES = (Path("/dev/null"), Path("/dev/urandom"))
_STAGE = Path("/proc")  # a folder that is everywhere, over which the new root is built
_FILES_MAX, _PROCESSES_MAX = 64, 24  # threads are counted; LibreOffice has 5 to 8

_c = ctypes.CDLL(None, use_errno=True)


def withdraw(folders: Iterable[Path], memory_bytes: int) -> None:
    """Go behind the walls, with these folders and as much memory for files. This process waits outside, and only a
    child of its returns: as process 1, whose end is the end of every process in there and of the memory.

    OSError where the kernel does not allow it, which the child raises as well. No module can be imported afterwards.
    """
    Path("/proc/self/oom_score_adj").write_text("1000")  # the kernel's first choice, not the worker
    _become_nobody()
    user, group = os.geteuid(), os.getegid()
    _must(_c.unshare, _NEW_USER | _NEW_NET | _NEW_PID | _NEW_IPC | _NEW_UTS)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    Path("/proc/sys/user/max_user_namespaces").write_text("0")  # whoever gets a foothold in there builds no more
    child = os.fork()
    if child:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
    _must(_c.prctl, _DIE_WITH_PARENT, signal.SIGKILL)
    _must(_c.unshare, _NEW_MOUNT)
    _move_in(folders, memory_bytes)
    _give_up_rights()


def limit(memory_bytes: int, cpu_seconds: int, file_bytes: int) -> None:
    """Bound this process and each that it starts."""
    limits = {
        resource.RLIMIT_AS: (memory_bytes, memory_bytes),
        resource.RLIMIT_CPU: (cpu_seconds, cpu_seconds + 1),
        resource.RLIMIT_FSIZE: (file_bytes, file_bytes),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_NOFILE: (_FILES_MAX, _FILES_MAX),
        resource.RLIMIT_NPROC: (_PROCESSES_MAX, _PROCESSES_MAX),  # of a user in a namespace, so of those in here
    }
    for name, most in limits.items():
        resource.setrlimit(name, most)


def _become_nobody() -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
        _must(_c.prctl, _DUMPABLE, 1)  # else what describes it in /proc stays root's


def _move_in(folders: Iterable[Path], memory_bytes: int) -> None:
    """Make a root of nothing but memory, with the folders in it, and leave the old one."""
    _mount(None, Path("/"), None, _RECURSIVE | _PRIVATE)
    _mount("tmpfs", _STAGE, "tmpfs", _NO_SUID | _NO_DEVICES, f"size={memory_bytes},nr_inodes=10000,mode=700")
    for link in (path for path in Path("/").iterdir() if path.is_symlink()):
        (_STAGE / link.name).symlink_to(link.readlink())  # /lib, where that is /usr/lib
    for folder in folders:
        inside = _STAGE / folder.relative_to("/")
        inside.mkdir(parents=True, exist_ok=True)
        _lay(folder, inside, _READ_ONLY | _NO_SUID | _NO_DEVICES)
    (_STAGE / "dev").mkdir()
    for device in _DEVICES:
        inside = _STAGE / device.relative_to("/")
        inside.touch()
        _lay(device, inside, _READ_ONLY | _NO_SUID)
    os.chdir(_STAGE)
    _must(_c.pivot_root, b".", b".")  # the old root lies over the new one, as in its manual
    _must(_c.umount2, b".", _DETACH)
    os.chdir("/")


def _give_up_rights() -> None:
    """Nothing more can be mounted, here or by what is started here; nobody in here can look into this process."""
    _must(_c.prctl, _NO_NEW_RIGHTS, 1, 0, 0, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _must(_c.capset, (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0), nothing)
    _must(_c.prctl, _DUMPABLE, 0)


def _lay(source: Path, inside: Path, attributes: int) -> None:
    """Show a folder or file in another place, with these attributes and all that is mounted below it."""
    _mount(str(source), inside, None, _BIND | _RECURSIVE)
    wanted = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)  # struct mount_attr: to set, to clear, propagation, user
    _must(_c.syscall, _MOUNT_SETATTR, _HERE, bytes(inside), _BENEATH, wanted, ctypes.c_size_t(ctypes.sizeof(wanted)))


def _mount(source: str | None, target: Path, kind: str | None, flags: int, options: str | None = None) -> None:
    words = [None if word is None else word.encode() for word in (source, kind, options)]
    _must(_c.mount, words[0], bytes(target), words[1], ctypes.c_ulong(flags), words[2])


def _must(call: Callable[..., int], *arguments: object) -> None:
    if call(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
