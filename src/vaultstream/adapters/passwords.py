"""Passwords of links: Argon2id (RFC 9106), slow on purpose, in threads of their own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

_AT_ONCE = 2  # each takes 64 MiB while it works


class Passwords:
    """Hashes with RFC 9106's second recommended option: 64 MiB, three passes."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="argon2")

    async def hashed(self, password: str) -> str:
        """The hash to keep, with its salt and settings (PHC string format)."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, _bytes(password))

    async def matches(self, kept: str, password: str) -> bool:
        """Whether this is the password that `kept` is the hash of."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._verify, kept, password)

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, _bytes(password))
        except (VerifyMismatchError, InvalidHashError):
            return False

    def close(self) -> None:
        """Let go of the threads; what runs ends by itself."""
        self._threads.shutdown(wait=False)


def _bytes(password: str) -> bytes:
    """Any text has its bytes, lone surrogates too."""
    return password.encode("utf-8", "surrogatepass")
