"""A page to try queries on, for a vault on somebody's own machine: plain files of ours, nothing from elsewhere."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs

from starlette.responses import FileResponse, Response
from starlette.types import Scope

_FILES = Path(__file__).parent / "graphiql_files"
_PARTS = {"script": ("console.js", "text/javascript"), "style": ("console.css", "text/css")}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)


def page(scope: Scope, headers: Mapping[str, str]) -> Response | None:
    """The page for a browser that opens the path, or one of its parts; None for every other request."""
    if scope["method"] != "GET":
        return None
    asked = parse_qs(scope["query_string"].decode("latin-1"))
    if asked.keys() & {"query", "documentId", "extensions"}:
        return None
    if part := _PARTS.get(asked.get("part", [""])[0]):
        return _file(*part)
    return _file("console.html", "text/html") if "text/html" in headers.get("accept", "") else None


def _file(name: str, media_type: str) -> Response:
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": _POLICY, "Vary": "Accept"}
    return FileResponse(_FILES / name, media_type=media_type, headers=headers)
