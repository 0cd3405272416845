"""Who comes in by a token of the sign-in service: people, by what tells who they are and for whom it was made."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from parts import LocalIssuer

from vaultstream.actor import Origin
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.http.auth import Authenticator

ORIGIN = Origin("request-1")


@pytest.fixture
def authenticator(vault: Vault) -> Authenticator:
    return Authenticator(vault)


def signed(issuer: LocalIssuer, **claims: Any) -> str:
    """A token by the issuer's own key with these claims; None leaves one out."""
    now = datetime.now(UTC)
    usual = {
        "iss": issuer.url,
        "sub": "subject-1",
        "aud": issuer.signer.client_id,
        "email": "carol@example.com",
        "email_verified": True,
        "iat": now,
        "exp": now + timedelta(hours=1),
    }
    kept = {name: value for name, value in (usual | claims).items() if value is not None}
    return jwt.encode(kept, issuer.signer.key, algorithm="RS256", headers={"kid": issuer.signer.key_id})


async def test_an_id_token_lets_its_person_in(authenticator: Authenticator, issuer: LocalIssuer) -> None:
    actor = await authenticator.bearer(signed(issuer), ORIGIN)
    same = await authenticator.bearer(signed(issuer, token_use="id"), ORIGIN)
    assert (actor.user_id, actor.grant) == (same.user_id, None)


@pytest.mark.parametrize(
    "claims",
    [
        {"token_use": "access", "aud": None, "email": None, "email_verified": None, "client_id": "vaultstream-test"},
        {"token_use": "access", "email": None},
        {"token_use": "access"},
        {"token_use": 1},
        {"aud": None},
    ],
)
async def test_an_access_token_of_the_service_is_told_what_to_send_instead(
    authenticator: Authenticator, issuer: LocalIssuer, claims: dict[str, Any]
) -> None:
    with pytest.raises(VaultError, match="send the ID token") as caught:
        await authenticator.bearer(signed(issuer, **claims), ORIGIN)
    assert caught.value.code is Code.UNAUTHENTICATED


@pytest.mark.parametrize("claims", [{"aud": "another"}, {"iss": "https://issuer.example"}, {"sub": None}])
async def test_a_token_for_others_is_not_ours(
    authenticator: Authenticator, issuer: LocalIssuer, claims: dict[str, Any]
) -> None:
    with pytest.raises(VaultError, match="not one of the sign-in service") as caught:
        await authenticator.bearer(signed(issuer, **claims), ORIGIN)
    assert caught.value.code is Code.UNAUTHENTICATED
