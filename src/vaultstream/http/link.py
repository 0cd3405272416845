"""The door for links: `/s/{token}` tells what a link leads to and gives its contents, without an account.

A browser that opens the address gets the page, which then asks by GraphQL; all others get JSON.
"""

import base64
import binascii
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from vaultstream.actions import visit
from vaultstream.actions.visit import Visit
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.files import File
from vaultstream.http import page
from vaultstream.http.answers import problem, problem_of
from vaultstream.http.auth import origin_of
from vaultstream.http.disposition import safe_type
from vaultstream.ids import FileId, FolderId, ItemId, kind_of

_PAGE = 100
_THUMBNAIL_PX = 256
# A token is a key: its address is told to no other site, and no answer to it is kept or indexed.
_SEALING = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="link", charset="UTF-8"'}


def routes() -> list[Route]:
    """What a link leads to as JSON, and the way to its contents."""
    return [Route("/s/{token}", _described), Route("/s/{token}/download", _download)]


async def _described(request: Request) -> Response:
    """What the link leads to, or with `?item=` what lies under it; a folder with a page of what it holds."""
    if "text/html" in request.headers.get("accept", ""):
        answer = page.index()
        answer.headers.update(_SEALING | {"Vary": "Accept"})
        return answer
    vault: Vault = request.app.state.vault
    try:
        seen = await visit.visit(
            vault, origin_of(request.scope), request.path_params["token"], _password(request), _item(request)
        )
        listed = await visit.page(vault, seen, _PAGE, request.query_params.get("after"))
    except VaultError as error:
        return _refusal(error)
    body = _shown(vault, seen)
    if listed is not None:
        body["children"] = [_shown(vault, Visit(seen.link, it, seen.origin, seen.token)) for it in listed.children]
        body["after"] = listed.cursors[-1] if listed.has_next else None
    return JSONResponse(body, headers=_SEALING)


async def _download(request: Request) -> Response:
    """A redirect to a short-lived address of the contents (of a folder's in a zip), which counts as a download; only
    asked for by GET.
    """
    if request.method != "GET":
        return problem_of(405, "A download is asked for by GET: each counts.", headers={**_SEALING, "Allow": "GET"})
    vault: Vault = request.app.state.vault
    token = request.path_params["token"]
    try:
        url = await visit.ticket(vault, origin_of(request.scope), token, _password(request), _item(request))
    except VaultError as error:
        return _refusal(error)
    if "application/json" in request.headers.get("accept", ""):  # a script, which could not read a redirect's address
        return JSONResponse({"url": url}, headers=_SEALING)
    return RedirectResponse(url, 303, _SEALING)


def _shown(vault: Vault, seen: Visit) -> dict[str, Any]:  # Any: JSON values
    item, base = seen.item, vault.settings.public_url.rstrip("/")
    body: dict[str, Any] = {  # Any: JSON values
        "id": item.id,
        "name": item.name,
        "isFolder": not isinstance(item, File),
        "updatedAt": item.updated_at.isoformat(),
        "canDownload": seen.can_download,
        "downloadUrl": f"{base}/s/{seen.token}/download?item={item.id}" if seen.can_download else None,
    }
    if isinstance(item, File):
        body["sizeBytes"] = item.current.size_bytes
        body["contentType"] = safe_type(item.current.content_type)
        body["thumbnailUrl"] = visit.thumbnail_url(vault, seen, _THUMBNAIL_PX)
    return body


def _item(request: Request) -> ItemId | None:
    """The item of `?item=`; what is no id opens nothing."""
    text = request.query_params.get("item")
    match kind_of(text) if text is not None else "none given":
        case "folder":
            return FolderId(text or "")
        case "file":
            return FileId(text or "")
        case "none given":
            return None
    raise visit.closed()


def _password(request: Request) -> str | None:
    """The password of HTTP Basic authentication (RFC 7617), whatever the name beside it; never one in an address."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(given.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return None


def _refusal(error: VaultError) -> Response:
    """As everywhere, but that a password is asked for in the way that programs and browsers know."""
    if error.code is Code.FORBIDDEN and error.path == ("password",):
        return problem_of(401, error.message, headers=_SEALING | _CHALLENGE, code=error.code, path=error.path)
    return problem(error, _SEALING)
