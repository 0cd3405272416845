"""The door for zips: whoever holds a signed URL gets what its person, token or link still may have, as one file."""

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vaultstream.actions import visit, zips
from vaultstream.actions.packing import Zip
from vaultstream.adapters.vault import Vault
from vaultstream.http.auth import origin_of
from vaultstream.http.content import Plaintext, require_signed
from vaultstream.http.disposition import disposition
from vaultstream.ids import FileId, FolderId, ItemId, LinkId, TokenId, UserId, kind_of

_TYPE = "application/zip"
# It is made anew each time, so there is nothing to go on with and nothing to keep; its address is told to nobody.
_SEALING = {
    "Accept-Ranges": "none",
    "Cache-Control": "private, no-store, no-transform",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Content-Type": _TYPE,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def routes() -> list[Route]:
    """GET and HEAD of a zip."""
    return [Route("/zip", _zip)]


async def _zip(request: Request) -> Response:
    vault: Vault = request.app.state.vault
    require_signed(request, vault, origin_of(request.scope))
    asked = parse_qs(request.scope["query_string"].decode("latin-1"))
    opened = await _opened(request, vault, {name: values[0] for name, values in asked.items()})
    headers = _SEALING | {"Content-Disposition": disposition(opened.name, _TYPE, inline=False)}
    is_head = request.method == "HEAD"
    answer = Response(headers=headers) if is_head else Plaintext(opened.read(), 200, headers, vault.meters)
    del answer.headers["Content-Length"]  # nobody knows it before the end, which chunked coding marks
    return answer


async def _opened(request: Request, vault: Vault, asked: dict[str, str]) -> Zip:
    """What was signed has all that it needs."""
    wanted, name, origin = [_item(text) for text in asked["items"].split(",")], asked["name"], origin_of(request.scope)
    if link_id := asked.get("link"):
        return await visit.opened_zip(vault, LinkId(link_id), origin, wanted, name)
    token_id = asked.get("token")
    return await zips.open(vault, origin, UserId(asked["for"]), TokenId(token_id) if token_id else None, wanted, name)


def _item(text: str) -> ItemId:
    return FolderId(text) if kind_of(text) == "folder" else FileId(text)
