"""The page that people look at: what `web/` was built into, served as it is."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from vaultstream.errors import Code, VaultError
from vaultstream.settings import Settings

SITE = Path(__file__).parent / "site"
_ASK_EACH_TIME = {"Cache-Control": "no-cache"}  # after an upgrade no page mixes old with new


class Hashed(StaticFiles):
    """Files whose names hold their contents' hash: a browser keeps them and never asks again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or 304."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def index() -> Response:
    """The page's one document; what it shows is decided in the browser. Raises NOT_FOUND where it was not built."""
    return _file("index.html")


def routes(settings: Settings) -> list[BaseRoute]:
    """The page at /, its files under /assets, and what it must know of this vault at /config.json."""

    async def page(_request: Request) -> Response:
        return index()

    async def icon(_request: Request) -> Response:
        return _file("favicon.svg")

    async def config(_request: Request) -> Response:
        known = {"issuer": settings.oidc_issuer, "clientId": settings.oidc_client_id, "sockets": settings.has_sockets}
        return JSONResponse(known, headers=_ASK_EACH_TIME)

    return [
        Route("/", page),
        Route("/favicon.svg", icon),
        Route("/config.json", config),
        Mount("/assets", Hashed(directory=SITE / "assets", check_dir=False)),
    ]


def _file(name: str) -> Response:
    if not (SITE / name).is_file():
        raise VaultError(Code.NOT_FOUND, "The page is not built here: `make run` and `make test` build it.")
    return FileResponse(SITE / name, headers=_ASK_EACH_TIME)
