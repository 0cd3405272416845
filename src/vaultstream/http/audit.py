"""The door for auditors: the audit log as one stream, in the form that was asked for."""

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vaultstream.actions import export
from vaultstream.actions.export import Form
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.http.auth import actor_of
from vaultstream.http.content import Plaintext
from vaultstream.http.disposition import disposition

_TYPES = {Form.NDJSON: "application/x-ndjson", Form.CSV: "text/csv; charset=utf-8; header=present"}
_NUMBER = re.compile("[0-9]{1,18}")


def routes() -> list[Route]:
    """GET and HEAD of the export."""
    return [Route("/audit/export", _export)]


async def _export(request: Request) -> Response:
    """`X-Audit-Until` is the number of the last row: with those of the rows it tells how far a reader is."""
    vault: Vault = request.app.state.vault
    form, after = _asked(request)
    exported = await export.opened(vault, await actor_of(request), form, after=after)
    headers = {
        "Cache-Control": "private, no-store, no-transform",
        "Content-Disposition": disposition(f"audit-{exported.until}.{form}", _TYPES[form], inline=False),
        "Content-Type": _TYPES[form],
        "X-Audit-Until": str(exported.until),
    }
    is_head = request.method == "HEAD"
    pieces = exported.read()
    answer = Response(headers=headers) if is_head else Plaintext(pieces, 200, headers, vault.meters, way="export")
    del answer.headers["Content-Length"]  # nobody knows it before the end, which chunked coding marks
    return answer


def _asked(request: Request) -> tuple[Form, int]:
    query = request.query_params
    try:
        form = Form(query.get("format", Form.NDJSON))
    except ValueError:
        raise VaultError(Code.INVALID, "The format is ndjson or csv.", path=("format",)) from None
    after = query.get("after", "0")
    if not _NUMBER.fullmatch(after):
        raise VaultError(Code.INVALID, "It begins after a row's number.", path=("after",))
    return form, int(after)
