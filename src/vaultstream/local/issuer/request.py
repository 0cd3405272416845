"""An authorization request, checked: RFC 6749 section 4.1.1 with PKCE (RFC 7636), S256 only."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # a SHA-256 in base64url
FIELDS = (
    *("client_id", "redirect_uri", "response_type", "scope", "state", "nonce"),
    *("code_challenge", "code_challenge_method"),
)


class Untrusted(Exception):
    """It is not known where the request came from, so its sender must not be answered by a redirect."""


class Refused(Exception):
    """The client asked for something else than this issuer gives; `location` tells it so."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


@dataclass(frozen=True, slots=True)
class Client:
    """The one client: the vault's page at its public URL."""

    client_id: str
    public_url: str

    @property
    def origin(self) -> str:
        """The public URL's origin, as a browser writes it in a request's Origin."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    def owns(self, url: str) -> bool:
        """Whether a redirect to this URL stays with the vault: the same origin, compared as parsed."""
        return origin(url) == origin(self.public_url) != "" and not urlsplit(url).fragment


@dataclass(frozen=True, slots=True)
class Request:
    """What the client asked for, all of it lawful."""

    redirect_uri: str
    challenge: str
    state: str | None
    nonce: str | None

    def answer(self, **parameters: str) -> str:
        """The redirect that carries the answer back, with the client's own state."""
        return _redirect(self.redirect_uri, self.state, parameters)


def read(parameters: Mapping[str, str], client: Client) -> Request:
    """The request in these parameters; raises Untrusted or Refused."""
    redirect_uri = parameters.get("redirect_uri", "")
    if parameters.get("client_id") != client.client_id or not client.owns(redirect_uri):
        raise Untrusted
    state = parameters.get("state")
    problem = _problem(parameters)
    if problem is not None:
        error, description = problem
        raise Refused(_redirect(redirect_uri, state, {"error": error, "error_description": description}))
    return Request(redirect_uri, parameters["code_challenge"], state, parameters.get("nonce"))


def origin(url: str) -> str:
    """Scheme, host and port of an http(s) URL without a user; "" for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        return ""
    if not parts.hostname or "@" in parts.netloc or "\\" in url:
        return ""
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _problem(parameters: Mapping[str, str]) -> tuple[str, str] | None:
    if parameters.get("response_type") != "code":
        return "unsupported_response_type", "response_type must be code"
    if "openid" not in parameters.get("scope", "").split():
        return "invalid_scope", "scope must hold openid"
    if parameters.get("code_challenge_method") != "S256":
        return "invalid_request", "code_challenge_method must be S256"
    if not _CHALLENGE.fullmatch(parameters.get("code_challenge", "")):
        return "invalid_request", "code_challenge must be a SHA-256 in base64url"
    if parameters.get("prompt") == "none":
        return "login_required", "nobody stays signed in here"
    return None


def _redirect(redirect_uri: str, state: str | None, parameters: Mapping[str, str]) -> str:
    carried = {**parameters} if state is None else {**parameters, "state": state}
    return f"{redirect_uri}{'&' if urlsplit(redirect_uri).query else '?'}{urlencode(carried)}"
