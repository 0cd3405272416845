"""The issuer's addresses: discovery, keys, the sign-in page, tokens and the end of a session."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from vaultstream.local.issuer import page
from vaultstream.local.issuer.exchange import Exchange, TokenRefused
from vaultstream.local.issuer.grants import Grant, Grants, new_session
from vaultstream.local.issuer.people import by_email
from vaultstream.local.issuer.request import FIELDS, Client, Refused, Untrusted, read
from vaultstream.local.issuer.tokens import ALGORITHM, Signer

_NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Issuer:
    """The handlers over one signer, one store of grants and one client."""

    signer: Signer
    grants: Grants
    client: Client

    async def discovery(self, _: HttpRequest) -> Response:
        """Where everything is (OpenID Connect Discovery 1.0)."""
        return JSONResponse(_discovery(self.signer.issuer))

    async def keys(self, _: HttpRequest) -> Response:
        """The public keys."""
        return JSONResponse(self.signer.key_set())

    async def authorize(self, request: HttpRequest) -> Response:
        """Show the sign-in page for a lawful request, and hand out a code when its button comes back."""
        form = await request.form() if request.method == "POST" else FormData()
        given = form if request.method == "POST" else request.query_params
        parameters = {name: value for name, value in given.items() if isinstance(value, str)}
        try:
            asked = read(parameters, self.client)
        except Untrusted:
            return self._page(400, page.notice("This is not from your vault", _UNTRUSTED.format(self.client.origin)))
        except Refused as refused:
            return RedirectResponse(refused.location, 303)
        person = by_email(parameters.get("person", ""))
        if request.method == "GET" or person is None:
            fields = {name: parameters[name] for name in FIELDS if name in parameters}
            return self._page(200, page.sign_in(fields))
        grant = Grant(new_session(), person.subject, asked.challenge, asked.redirect_uri, asked.nonce)
        return RedirectResponse(asked.answer(code=self.grants.give_code(grant, _now())), 303, _NO_STORE)

    async def token(self, request: HttpRequest) -> Response:
        """Trade a code or a refresh token for tokens."""
        form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        try:
            tokens = Exchange(self.signer, self.grants, self.client).trade(form, _now())
        except TokenRefused as refused:
            return JSONResponse({"error": refused.error, "error_description": f"{refused}"}, 400, _NO_STORE)
        return JSONResponse(tokens, headers=_NO_STORE)

    async def end_session(self, request: HttpRequest) -> Response:
        """End what an id token began (OpenID Connect RP-Initiated Logout 1.0), then go back to the vault."""
        session = self.signer.session_of(request.query_params.get("id_token_hint", ""))
        if session is not None:
            self.grants.end_session(session)
        target = request.query_params.get("post_logout_redirect_uri", "")
        if target and self.client.owns(target):
            return RedirectResponse(target, 303)
        return self._page(200, page.notice("Signed out", "You can close this page."))

    def _page(self, status: int, html: str) -> Response:
        return HTMLResponse(html, status, page.headers(self.client.origin))


_UNTRUSTED = "Open the vault at {}, exactly so, and sign in from there."


def create_app(issuer: Issuer) -> Starlette:
    """The application; only the vault's own origin may read its answers from a script."""
    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", issuer.discovery),
            Route("/jwks", issuer.keys),
            Route("/authorize", issuer.authorize, methods=["GET", "POST"]),
            Route("/token", issuer.token, methods=["POST"]),
            Route("/end_session", issuer.end_session),
            Route("/_health", _health),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]),
            Middleware(CORSMiddleware, allow_origins=[issuer.client.origin], allow_methods=["GET", "POST"]),
        ],
    )


async def _health(_: HttpRequest) -> Response:
    return PlainTextResponse("ok\n")


def _discovery(issuer: str) -> dict[str, Any]:  # Any: JSON
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks",
        "end_session_endpoint": f"{issuer}/end_session",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": ["none"],
        "scopes_supported": ["openid", "email", "profile"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "jti", "email", "email_verified", "name"],
    }


def _now() -> datetime:
    return datetime.now(UTC)
