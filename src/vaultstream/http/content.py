"""The door for downloads: whoever holds a signed URL gets the plaintext, if its person, token or link still may."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from vaultstream.actions import admit, download, visit
from vaultstream.actions.download import Content
from vaultstream.actor import Origin
from vaultstream.adapters.meters import Meters
from vaultstream.adapters.vault import Vault
from vaultstream.errors import not_found
from vaultstream.http.answers import problem_of
from vaultstream.http.auth import origin_of
from vaultstream.http.disposition import disposition, safe_type
from vaultstream.http.preconditions import Validators, Verdict, judge, range_applies
from vaultstream.http.ranges import Selected, Selection, select, whole
from vaultstream.ids import FileId, LinkId, TokenId, UserId
from vaultstream.metrics import TRANSFER_BYTES

_NUMBER = re.compile("[1-9][0-9]{0,8}")
READER_IDLE_SECONDS = 300  # a player that is paused reads no further for a while; a dead peer never does
# The content is a person's own: nothing in it runs, no other site reads it, and its address, which is a key, is
# told to nobody. A copy may be kept by their own browser, which asks each time whether they still may have it.
_SEALING = {
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, max-age=0, must-revalidate, no-transform",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def routes() -> list[Route]:
    """GET and HEAD of a version, and of one of its thumbnails."""
    return [
        Route("/content/{file_id}/{version_number}", _content),
        Route("/content/{file_id}/{version_number}/thumbnail/{edge}", _content),
    ]


async def _content(request: Request) -> Response:
    vault, origin = _vault(request), origin_of(request.scope)
    require_signed(request, vault, origin)
    query = parse_qs(request.scope["query_string"].decode("latin-1"))
    file_id, number = FileId(request.path_params["file_id"]), _number(request.path_params["version_number"])
    edge = _number(text) if (text := request.path_params.get("edge")) else None
    if link := query.get("link"):
        content = await visit.content(vault, LinkId(link[0]), origin, file_id, number, thumbnail_edge=edge)
    else:
        user_id, token_id = UserId(query.get("for", [""])[0]), query.get("token")
        holder = await admit.holder(vault, origin, user_id, TokenId(token_id[0]) if token_id else None)
        content = await download.open(vault, holder, file_id, number, thumbnail_edge=edge)
    return await _answer(request, content, inline=query.get("inline") == ["1"])


async def _answer(request: Request, content: Content, *, inline: bool) -> Response:
    validators = Validators(content.etag, content.modified_at)
    known = _SEALING | {"ETag": validators.etag, "Last-Modified": validators.last_modified}
    verdict = judge(request.headers, validators)
    if verdict is Verdict.FAILED:
        return problem_of(412, "The content is not the one you asked for.", headers=known)
    if verdict is Verdict.NOT_MODIFIED:
        return Response(status_code=304, headers=known)
    selection = _selection(request, content, validators)
    if selection.selected is Selected.NOTHING:
        headers = known | {"Content-Range": selection.content_range or ""}
        return problem_of(416, f"The content has {content.size_bytes} bytes.", headers=headers)
    headers = known | _described(content, selection, inline=inline)
    if request.method == "HEAD":
        return Response(status_code=selection.selected, headers=headers)
    await content.record(selection.start, selection.stop)
    pieces = content.read(selection.start, selection.stop)
    return Plaintext(pieces, selection.selected, headers, _vault(request).meters)


def _selection(request: Request, content: Content, validators: Validators) -> Selection:
    """Range is for GET alone (RFC 9110, section 14.2): a HEAD tells of the whole."""
    if request.method == "HEAD" or not range_applies(request.headers, validators):
        return whole(content.size_bytes)
    return select(request.headers.get("range"), content.size_bytes)


def _described(content: Content, selection: Selection, *, inline: bool) -> dict[str, str]:
    headers = {
        "Content-Length": str(selection.stop - selection.start),
        "Content-Type": safe_type(content.content_type),
        "Content-Disposition": disposition(content.name, content.content_type, inline=inline),
    }
    if selection.content_range is not None:
        headers["Content-Range"] = selection.content_range
    return headers


class Plaintext(Response):
    """A body that is sent as it is opened, at the pace of its reader.

    The first piece is opened before the status is sent, so that a failure there has an answer of its own. A later
    one breaks the connection: a body that ends before its Content-Length is never taken for whole. Where the
    reader goes away or stands still the source is closed.
    """

    def __init__(
        self,
        pieces: AsyncGenerator[bytes],
        status: int,
        headers: dict[str, str],
        meters: Meters,
        *,
        way: str = "download",
    ) -> None:
        super().__init__(status_code=status, headers=headers)
        self._way = way
        self._pieces = pieces
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # ASGI's own form
        """Send it all, or fail loudly."""
        gone = asyncio.create_task(_hung_up(receive))
        try:
            async with aclosing(self._pieces) as pieces:
                piece = await anext(pieces, None)
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                while piece is not None and not gone.done():
                    async with asyncio.timeout(READER_IDLE_SECONDS):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
                    self._meters.count(TRANSFER_BYTES, self._way, by=len(piece))
                    piece = await anext(pieces, None)
                if piece is None:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()


async def _hung_up(receive: Receive) -> None:
    """Over once the reader is gone; asking anew for every piece would cost more than opening it."""
    while (await receive())["type"] != "http.disconnect":
        pass


def require_signed(request: Request, vault: Vault, origin: Origin) -> None:
    """Let a signed URL pass, at the one address under which the vault is known; raises FORBIDDEN or EXPIRED."""
    path = request.scope["raw_path"].decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    url = f"{vault.settings.public_url.rstrip('/')}{path}?{query}"
    if vault.settings.edge_checks_signatures:
        vault.proofs.check(url, vault.now())
    else:
        vault.signer.verify(url, vault.now(), origin.ip)


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise not_found("version")
    return int(text)


def _vault(request: Request) -> Vault:
    vault: Vault = request.app.state.vault
    return vault
