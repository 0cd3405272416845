"""The local sign-in: what a lawful client gets, and what everybody else does not."""

import base64
import hashlib
import re
import secrets
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from parts import CLIENT_ID

REDIRECT_PATH = "/signed-in"


class Client:
    """A vault's page as the issuer sees it: one signing-in with its own verifier, state and nonce."""

    def __init__(self, http: httpx.Client, issuer):
        self.http, self.issuer = http, issuer
        self.redirect_uri = issuer.public_url + REDIRECT_PATH
        self.verifier = secrets.token_urlsafe(48)
        self.asked = {
            "client_id": CLIENT_ID,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid email",
            "state": secrets.token_urlsafe(8),
            "nonce": secrets.token_urlsafe(8),
            "code_challenge": _challenge(self.verifier),
            "code_challenge_method": "S256",
        }

    def authorize(self, **changed) -> httpx.Response:
        return self.http.get("/authorize", params=_without_none(self.asked | changed))

    def choose(self, email: str) -> dict[str, str]:
        """Press a person's button on the page that is shown; gives the answer's parameters."""
        page = self.authorize()
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
        answer = self.http.post("/authorize", data=fields | {"person": email})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(self.redirect_uri + "?")
        return _parameters(answer)

    def trade(self, **form) -> httpx.Response:
        return self.http.post("/token", data={"client_id": CLIENT_ID} | form)

    def trade_code(self, code: str, **changed) -> httpx.Response:
        lawful = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return self.trade(**(lawful | changed))

    def refresh(self, token: str) -> httpx.Response:
        return self.trade(grant_type="refresh_token", refresh_token=token)


@pytest.fixture
def client(issuer):
    with httpx.Client(base_url=issuer.url) as http:
        yield Client(http, issuer)


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _parameters(answer: httpx.Response) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def _without_none(parameters: dict) -> dict:
    return {name: value for name, value in parameters.items() if value is not None}


def _verified(client: Client, token: str) -> dict:
    """The token's claims, checked as a stranger would: by the published keys alone."""
    discovered = client.http.get("/.well-known/openid-configuration").json()
    keys = jwt.PyJWKSet.from_dict(client.http.get(urlsplit(discovered["jwks_uri"]).path).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["RS256"], audience=CLIENT_ID, issuer=discovered["issuer"])


def test_a_person_signs_in_with_one_click_and_the_tokens_say_who_it_is(client):
    answered = client.choose("alice@example.com")
    assert answered["state"] == client.asked["state"]
    tokens = client.trade_code(answered["code"])
    assert tokens.status_code == 200
    assert tokens.headers["cache-control"] == "no-store"
    identity = _verified(client, tokens.json()["id_token"])
    assert identity["nonce"] == client.asked["nonce"]
    access = _verified(client, tokens.json()["access_token"])
    for claims in (identity, access):
        assert (claims["sub"], claims["email"], claims["name"]) == ("local-alice", "alice@example.com", "Alice")
        assert claims["email_verified"] is True
        assert claims["exp"] - claims["iat"] == tokens.json()["expires_in"] == 3600
    assert identity["jti"] != access["jti"]


def test_the_page_offers_everybody_by_a_button_and_runs_no_script(client, issuer):
    page = client.authorize()
    assert page.status_code == 200
    people = re.findall(r'<button name="person" value="([^"]+)">', page.text)
    assert people == ["alice@example.com", "bob@example.com", "mallory@example.com"]
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert f"form-action 'self' {issuer.public_url};" in policy
    style = re.search(r"<style>(.*)</style>", page.text, re.DOTALL)[1]
    assert f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in policy


def test_what_a_client_sends_is_shown_as_text_only(client):
    page = client.authorize(state='"><script>alert(1)</script>')
    assert "<script>" not in page.text


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "another-client"},
        {"redirect_uri": None},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "{public_url}.evil.example/"},
        {"redirect_uri": "{public_url}@evil.example/"},
        {"redirect_uri": "{public_url}0/"},
        {"redirect_uri": "{public_url}\\@evil.example/"},
        {"redirect_uri": "{public_url}/#fragment"},
        {"redirect_uri": "http://127.0.0.1/"},
        {"redirect_uri": "http://127.0.0.1:notaport/"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": ""},
    ],
    ids=lambda changed: "-".join(f"{value}" for value in changed.values()),
)
def test_a_redirect_to_a_stranger_is_refused_on_the_spot(client, issuer, changed):
    changed = {name: value and value.format(public_url=issuer.public_url) for name, value in changed.items()}
    answer = client.authorize(**changed)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    posted = client.http.post(
        "/authorize", data=_without_none(client.asked | changed) | {"person": "alice@example.com"}
    )
    assert posted.status_code == 400


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"scope": "email"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_an_unlawful_request_of_the_vault_is_answered_to_the_vault(client, changed, error):
    answer = client.authorize(**changed)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(client.redirect_uri + "?")
    assert _parameters(answer)["error"] == error
    assert _parameters(answer)["state"] == client.asked["state"]


def test_nobody_unknown_can_be_chosen(client):
    answer = client.http.post("/authorize", data=client.asked | {"person": "eve@example.com"})
    assert answer.status_code == 200
    assert "Choose who to be" in answer.text


@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": "w" * 64},
        {"code_verifier": ""},
        {"redirect_uri": "http://127.0.0.1:1/"},
    ],
)
def test_a_code_without_what_belongs_to_it_is_worth_nothing_and_then_used_up(client, changed):
    code = client.choose("bob@example.com")["code"]
    refused = client.trade_code(code, **changed)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert client.trade_code(code).json()["error"] == "invalid_grant"


def test_a_code_that_was_never_given_is_refused(client):
    assert client.trade_code("not-a-code").json()["error"] == "invalid_grant"


def test_a_code_used_twice_ends_what_its_first_use_began(client):
    code = client.choose("alice@example.com")["code"]
    refresh_token = client.trade_code(code).json()["refresh_token"]
    assert client.trade_code(code).json()["error"] == "invalid_grant"
    assert client.refresh(refresh_token).json()["error"] == "invalid_grant"


def test_a_refresh_token_is_good_once_and_a_copy_of_it_ends_the_session(client):
    first = client.trade_code(client.choose("bob@example.com")["code"]).json()
    second = client.refresh(first["refresh_token"]).json()
    assert _verified(client, second["access_token"])["email"] == "bob@example.com"
    assert second["refresh_token"] != first["refresh_token"]
    assert client.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    assert client.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_refresh_token_is_no_code_and_a_code_no_refresh_token(client):
    code = client.choose("bob@example.com")["code"]
    assert client.refresh(code).json()["error"] == "invalid_grant"
    refresh_token = client.trade_code(code).json()["refresh_token"]
    assert client.trade_code(refresh_token).json()["error"] == "invalid_grant"


def test_another_client_or_another_way_to_ask_gets_no_tokens(client):
    assert client.trade(client_id="another", grant_type="refresh_token").json()["error"] == "invalid_client"
    assert client.trade(grant_type="password").json()["error"] == "unsupported_grant_type"


def test_signing_out_ends_the_session_and_leads_back_to_the_vault(client, issuer):
    tokens = client.trade_code(client.choose("alice@example.com")["code"]).json()
    answer = client.http.get(
        "/end_session",
        params={"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": issuer.public_url + "/"},
    )
    assert (answer.status_code, answer.headers["location"]) == (303, issuer.public_url + "/")
    assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_signing_out_never_leads_to_a_stranger_nor_ends_anothers_session(client):
    tokens = client.trade_code(client.choose("alice@example.com")["code"]).json()
    forged = jwt.encode({"sid": "x", "aud": CLIENT_ID, "iss": client.issuer.url}, "k" * 32, algorithm="HS256")
    answer = client.http.get(
        "/end_session",
        params={"id_token_hint": forged, "post_logout_redirect_uri": "https://evil.example/"},
    )
    assert answer.status_code == 200
    assert "location" not in answer.headers
    assert client.refresh(tokens["refresh_token"]).status_code == 200


def test_only_the_vaults_own_page_may_read_the_tokens(client, issuer):
    def allowed(origin: str) -> str | None:
        return client.http.post("/token", headers={"origin": origin}).headers.get("access-control-allow-origin")

    assert allowed(issuer.public_url) == issuer.public_url
    assert allowed("https://evil.example") is None


def test_a_foreign_host_name_for_loopback_is_refused(client):
    assert client.http.get("/jwks", headers={"host": "evil.example"}).status_code == 400


def test_the_minted_token_of_the_tests_is_one_of_the_issuers(client, signed_in):
    assert _verified(client, signed_in("mallory@example.com"))["email"] == "mallory@example.com"
