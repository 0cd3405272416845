"""How files and folders are named in a zip: any system can unpack them, and no two fall together."""

import re
from collections.abc import Sequence

from vaultstream import names
from vaultstream.files import File
from vaultstream.folders import Folder

SKIPPED = "SKIPPED.txt"  # in the top directory of a zip: what was left out, and why
NAME_BYTES_MAX = 255  # what Linux lets a name have
PATH_BYTES_MAX = 1024  # what macOS lets a path have
_ZIP = ".zip"
_UNNAMED = "vault"  # several things, or a person's top folder
_ENDING_CHARACTERS_MAX = 20
# "Naming Files, Paths, and Namespaces", Microsoft; slashes and control characters are in no name of the vault.
_RESERVED = re.compile('[<>:"|?*]')
_DEVICE = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])", re.IGNORECASE)


def zip_name(chosen: Sequence[Folder | File], called: str | None = None) -> str:
    """What a zip itself is called: as somebody wished, or like the one thing that is in it."""
    name = called or (chosen[0].name if len(chosen) == 1 else "") or _UNNAMED
    return name if name.lower().endswith(_ZIP) else name + _ZIP


def portable(name: str) -> str:
    """The name with nothing in it that Windows refuses; what is lawful there stays as it is. Idempotent."""
    plain = _RESERVED.sub("_", name)
    kept = plain.rstrip(" .")
    plain = kept + "_" * (len(plain) - len(kept))
    return f"_{plain}" if _DEVICE.fullmatch(plain.partition(".")[0].rstrip()) else plain


class Names:
    """The names in one directory of a zip: different to every system, whatever it takes for the same."""

    def __init__(self, *taken: str) -> None:
        self._numbers = {names.fold(name): 1 for name in taken}

    def place(self, name: str) -> str:
        """The name under which an item goes here: its own, as far as that is portable and free."""
        plain = portable(name)
        placed = _fitted(plain, "")
        first = names.fold(placed)
        number = self._numbers.get(first, 0)
        while names.fold(placed) in self._numbers:
            number += 1
            placed = _fitted(plain, f" ({number})")
        self._numbers[first] = max(number, 1)
        self._numbers.setdefault(names.fold(placed), 1)
        return placed


def _fitted(name: str, mark: str) -> str:
    """The name with a mark before its ending, cut before that until it is short enough."""
    stem, dot, ending = name.rpartition(".")
    if not stem or not ending or len(ending) > _ENDING_CHARACTERS_MAX:
        stem, dot, ending = name, "", ""
    tail = f"{mark}{dot}{ending}"
    room = NAME_BYTES_MAX - len(tail.encode())
    short = stem.encode()[:room].decode(errors="ignore")
    return (stem if short == stem else short.rstrip(" .")) + tail
