"""Private keys that are made once and kept in a file only we can read."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

_BITS = 2048


def rsa_key(path: Path) -> RSAPrivateKey:
    """The RSA key in this file, which is made if there is none."""
    key = load_pem_private_key(keep(path, _new_pem), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError(f"{path} does not hold an RSA key")
    return key


def secret_text(path: Path) -> str:
    """The random text in this file, which is made if there is none: 192 bits, letters that need no quoting."""
    return keep(path, lambda: secrets.token_hex(24).encode()).decode()


def keep(path: Path, make: Callable[[], bytes]) -> bytes:
    """A file's bytes; made whole or not at all, mode 0600, when there is none. The first of two makers wins."""
    if not path.exists():
        new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(make())
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(new, path)
        finally:
            new.unlink(missing_ok=True)
    return path.read_bytes()


def _new_pem() -> bytes:
    key = generate_private_key(public_exponent=65537, key_size=_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
