"""The vault as one ASGI app: read it top to bottom to know every way in."""

import gc
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from vaultstream.adapters.meters import Meters
from vaultstream.adapters.telemetry.tracer import Tracer
from vaultstream.adapters.vault import opened
from vaultstream.errors import Code, VaultError
from vaultstream.gql.persisted import check_trusted
from vaultstream.http import audit, content, health, link, metrics, page, uploads, zips
from vaultstream.http.answers import problem_of, refusal
from vaultstream.http.auth import Authenticator
from vaultstream.http.envelope import Envelope, unexpected
from vaultstream.http.graphql import GraphQLEndpoint
from vaultstream.settings import PREFIX, Settings, SettingsError
from vaultstream.trusted import trusted_documents

# With thousands of open sockets Python's own thresholds spend most of a core on walking what lives on:
# benchmarks/results/subscriptions.md.
_COLLECT_EVERY = (100_000, 20, 20)


def create_app(settings: Settings) -> Envelope:
    """The app for these settings; it opens the vault when the server starts it and closes it at the end.

    Raises SettingsError for a manifest of trusted documents that is not there or does not fit.
    """
    trusted, meters, tracer = _trusted(settings), Meters(), Tracer(settings.sampled_percent)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with opened(settings, meters, tracer) as vault:
            app.state.vault = vault
            app.state.authenticator = authenticator = Authenticator(vault)
            app.state.graphql = GraphQLEndpoint(
                vault,
                authenticator,
                introspection=settings.is_local,
                graphiql=settings.is_local,
                trusted=trusted,
                only_trusted=settings.trusted_only,
            )
            gc.set_threshold(*_COLLECT_EVERY)
            gc.freeze()  # what is loaded by now stays: the collector need not look at it again
            envelope.recall = app.state.graphql.recall
            yield
            envelope.recall = None

    routes = [
        Route("/health", health.health),
        Route("/ready", health.ready),
        *metrics.routes(settings),
        Route("/graphql", GraphQLDoor()),
        WebSocketRoute("/graphql", GraphQLDoor()),
        *uploads.routes(),
        *content.routes(),
        *zips.routes(),
        *audit.routes(),
        *link.routes(),
        *page.routes(settings),
    ]
    handlers = {VaultError: refusal, HTTPException: protocol_refusal, Exception: unexpected}
    app = GraphQLFirst(Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers))
    envelope = Envelope(app, asked=settings.sign_in_origins, meters=meters, tracer=tracer, proxies=settings.proxies)
    return envelope


def _trusted(settings: Settings) -> Mapping[str, str]:
    if not settings.trusted_documents:
        return {}
    try:
        manifest = Path(settings.trusted_documents).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{PREFIX}TRUSTED_DOCUMENTS cannot be read: {error}") from None
    trusted = trusted_documents(manifest)
    check_trusted(trusted, introspection=settings.is_local)
    return trusted


class GraphQLDoor:
    """One path for HTTP, server-sent events and WebSockets; the endpoint behind it is open while the app is."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        endpoint: GraphQLEndpoint = scope["app"].state.graphql
        await endpoint(scope, receive, send)


class GraphQLFirst:
    """Takes most requests past the router and its middleware: the endpoint answers for all that it raises. The route is
    listed all the same, with every other way in.
    """

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._door = GraphQLDoor()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope.get("path") != "/graphql":  # a lifespan has none
            await self._app(scope, receive, send)
            return
        scope["app"] = self._app
        await self._door(scope, receive, send)


async def protocol_refusal(_request: Request, error: Exception) -> Response:
    """What HTTP itself refuses (no such path, no such method), as a problem like every other."""
    if not isinstance(error, HTTPException):
        raise error
    code = Code.NOT_FOUND if error.status_code == 404 else Code.INVALID
    return problem_of(error.status_code, error.detail, headers=error.headers, code=code)
