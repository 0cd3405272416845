"""Tags: short words that people put on files, each kept once in its folded form."""

import unicodedata
from collections.abc import Iterable

from vaultstream import names
from vaultstream.errors import Code, VaultError

TAGS_MAX = 20
TAG_CHARACTERS_MAX = 50


def lawful(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags as they are kept: folded as names are, each once, in order; raises INVALID. Idempotent."""
    kept = sorted({folded(tag) for tag in tags})
    if len(kept) > TAGS_MAX:
        raise VaultError(Code.INVALID, f"A file has at most {TAGS_MAX} tags.", path=("tags",))
    if not all(map(_is_lawful, kept)):
        raise VaultError(
            Code.INVALID, f"A tag has 1 to {TAG_CHARACTERS_MAX} characters that can be seen.", path=("tags",)
        )
    return tuple(kept)


def folded(tag: str) -> str:
    """The form in which two tags are the same one: folded as names are, its spaces single and none at its ends."""
    return " ".join(names.fold(tag).split())


def _is_lawful(tag: str) -> bool:
    seen = all(unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"} for char in tag)
    return 0 < len(tag) <= TAG_CHARACTERS_MAX and seen
