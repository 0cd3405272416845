"""What may name a file or folder, and when two names are the same one."""

import unicodedata

from vaultstream.errors import Code, VaultError

NAME_CHARACTERS_MAX = 255
_ENDING_CHARACTERS_MAX = 20  # what is longer after the last dot is no kind of file
FOLDED_BYTES_MAX = 1000  # a DynamoDB sort key holds 1,024 bytes; the rest is its prefix
_BIDI_CONTROLS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def fold(name: str) -> str:
    """The form under which a name is unique in its folder: NFC, case-folded, NFC again. Idempotent."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def lawful(name: str) -> str:
    """The name as it is kept (NFC); raises INVALID with what is wrong with it."""
    name = unicodedata.normalize("NFC", name)
    if problem := _problem(name):
        raise VaultError(Code.INVALID, f"Choose another name: {problem}.", path=("name",))
    return name


def _problem(name: str) -> str | None:
    if not name or name != name.strip():
        return "a name is not empty and neither begins nor ends with a space"
    if name in {".", ".."} or "/" in name or "\\" in name:
        return "a name is not a path, so it has no slash and is neither . nor .."
    if any(unicodedata.category(char) in {"Cc", "Cs"} or char in _BIDI_CONTROLS for char in name):
        return "a name has no control characters and none that reverse the direction of writing"
    if len(name) > NAME_CHARACTERS_MAX or len(fold(name).encode()) > FOLDED_BYTES_MAX:
        return f"a name has at most {NAME_CHARACTERS_MAX} characters ({FOLDED_BYTES_MAX} bytes)"
    return None


def numbered(name: str, number: int) -> str:
    """The name told from its like: "plan.txt" with 2 is "plan (2).txt". Long names are cut, so that it is lawful."""
    stem, dot, ending = name.rpartition(".")
    if not stem or not ending or len(ending) > _ENDING_CHARACTERS_MAX:
        stem, dot, ending = name, "", ""
    mark = f" ({number}){dot}{ending}"
    while len(stem + mark) > NAME_CHARACTERS_MAX or len(fold(stem + mark).encode()) > FOLDED_BYTES_MAX:
        stem = stem[:-1]
    return stem.rstrip() + mark
