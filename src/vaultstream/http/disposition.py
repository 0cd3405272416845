"""Under what name and type content is handed out, so that no browser runs it as part of the vault."""

import re
import unicodedata
from urllib.parse import quote

OCTETS = "application/octet-stream"
# What a browser may show in place: it draws or plays these, and runs nothing in them.
SHOWN = frozenset(
    {
        "audio/aac",
        "audio/flac",
        "audio/mp4",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "audio/webm",
        "image/avif",
        "image/bmp",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "text/plain",
        "video/mp4",
        "video/ogg",
        "video/webm",
    }
)
# What may be named to a browser, which then saves it: useful to the program that opens it.
SAVED = SHOWN | {
    "application/gzip",
    "application/json",
    "application/msword",
    "application/pdf",
    "application/rtf",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/x-7z-compressed",
    "application/x-tar",
    "application/zip",
    "text/csv",
}
_ATTR_CHARS = "!#$&+-.^_`|~"  # RFC 8187, section 3.2.1, beside letters and digits
_PLAIN = re.compile(r"[^A-Za-z0-9 !#$&'()+,\-.=@\[\]^_`{}~]")


def safe_type(declared: str) -> str:
    """The Content-Type to send for what a sender once declared; its parameters are not believed."""
    essence = _essence(declared)
    if essence not in SAVED:
        return OCTETS
    return f"{essence}; charset=utf-8" if essence.startswith("text/") else essence


def disposition(name: str, declared: str, *, inline: bool) -> str:
    """The Content-Disposition: shown in place only where that was asked for and the type is SHOWN.

    `filename*` is RFC 8187's exact name; `filename` the nearest plain one, for those who know no better. No
    character of the name can end its place in the header.
    """
    kind = "inline" if inline and _essence(declared) in SHOWN else "attachment"
    exact = quote(_without_surrogates(name), safe=_ATTR_CHARS)
    return f"{kind}; filename=\"{_plain(name)}\"; filename*=UTF-8''{exact}"


def _essence(declared: str) -> str:
    return declared.partition(";")[0].strip().lower()


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name)
    letters = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _PLAIN.sub("_", letters).strip(" .") or "download"


def _without_surrogates(name: str) -> str:
    return name.encode("utf-8", "replace").decode()
