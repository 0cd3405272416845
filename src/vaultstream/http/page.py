"""The first page: sign in, bring a file, watch it become safe, take it back. Plain files, served as they are."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from vaultstream.settings import Settings

_FILES = Path(__file__).parent / "static"


class Fresh(StaticFiles):
    """Files that a browser may keep, but asks about each time: after an upgrade no page mixes old with new."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or 304."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def routes(settings: Settings) -> list[BaseRoute]:
    """The page at /, its files under /static, and what it must know of this vault at /config.json."""

    async def page(_request: Request) -> Response:
        return FileResponse(_FILES / "index.html", headers={"Cache-Control": "no-cache"})

    async def config(_request: Request) -> Response:
        known = {"issuer": settings.oidc_issuer, "clientId": settings.oidc_client_id}
        return JSONResponse(known, headers={"Cache-Control": "no-cache"})

    return [
        Route("/", page),
        Route("/config.json", config),
        Mount("/static", Fresh(directory=_FILES)),
    ]
