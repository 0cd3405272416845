"""The root key: 32 random bytes in a file only its owner may read; it wraps all key material at rest."""

import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_ROOT_BYTES = 32
_NONCE_BYTES = 12


class RootKey:
    """Wraps and unwraps key material, bound to the key and version it belongs to."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def wrap(self, material: bytes, key_id: str, version: int) -> bytes:
        """The stored form of `material`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, material, _binding(key_id, version))

    def unwrap(self, wrapped: bytes, key_id: str, version: int) -> bytes:
        """The material again; raises RuntimeError if the store does not belong to this root key."""
        nonce, ciphertext = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, ciphertext, _binding(key_id, version))
        except InvalidTag as error:
            raise RuntimeError(f"the root key does not open version {version} of key {key_id}") from error


def open_root_key(path: Path, *, may_create: bool) -> RootKey:
    """The root key of a folder; made once, O_EXCL and mode 0600, and only where no keys depend on another."""
    if not path.exists():
        if not may_create:
            raise RuntimeError(f"{path} is missing: without it no key of this folder can be used")
        _create(path)
    if path.stat().st_mode & 0o077:
        raise RuntimeError(f"{path} must be readable by its owner only (chmod 600)")
    key = path.read_bytes()
    if len(key) != _ROOT_BYTES:
        raise RuntimeError(f"{path} is damaged: it must hold {_ROOT_BYTES} bytes")
    return RootKey(key)


def _create(path: Path) -> None:
    """Writes a draft, then links it into place, so that a crash leaves a whole key or none."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_ROOT_BYTES))
        file.flush()
        os.fsync(file.fileno())
    os.link(draft, path)
    draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _binding(key_id: str, version: int) -> bytes:
    return f"vaultstream-kms-material\0{key_id}\0{version}".encode()
