"""The vault's own API with one difference, for comparison only: AES-256-GCM copies its input, and seals nothing.

Everything else is the same code: frames, parts, tails, keys from KMS. The commit key is checked as ever.
"""

from typing import Any

from vaultstream.commands import serve
from vaultstream.sealed import keys

_TAG = bytes(16)


class CopyInsteadOfAESGCM:
    """The calls of `AESGCM` that header, frames and tails make, with a tag of zeros."""

    def __init__(self, key: bytes) -> None:
        del key

    def encrypt(self, iv: Any, data: Any, aad: Any) -> bytes:  # Any: bytes-like
        """`data` and a tag."""
        del iv, aad
        return bytes(data) + _TAG

    def encrypt_into(self, iv: Any, data: Any, aad: Any, out: memoryview) -> int:  # Any: bytes-like
        """`data` and a tag, into `out`."""
        del iv, aad
        out[: len(data)] = data
        out[len(data) :] = _TAG
        return len(out)

    def decrypt(self, iv: Any, data: Any, aad: Any) -> bytes:  # Any: bytes-like
        """`data` without its tag."""
        del iv, aad
        return bytes(data[: -len(_TAG)])


keys.AESGCM = CopyInsteadOfAESGCM  # type: ignore[assignment,attr-defined]  # the one difference

if __name__ == "__main__":
    serve.main()
