"""`vaultstream token`: a bearer token for the vault that runs here, signed with its local sign-in's own key."""

from datetime import UTC, datetime
from pathlib import Path

from vaultstream.local import ports
from vaultstream.local.data import is_held
from vaultstream.local.embedded import CLIENT_ID
from vaultstream.local.issuer.people import PEOPLE, by_email
from vaultstream.local.issuer.tokens import Signer


class NoToken(Exception):
    """No token can be had; the message says what to do."""


def mint(folder: Path, email: str) -> str:
    """An hour's token for one of the local people; raises NoToken."""
    person = by_email(email)
    if person is None:
        raise NoToken(f"The local sign-in knows nobody as {email}; it knows {_names()}.")
    at = ports.known(folder)
    if not is_held(folder) or "sign-in" not in at:
        raise NoToken(f"No vault is running with the data in {folder}. Start it: vaultstream dev")
    signer = Signer.over(folder / "sign-in", issuer=f"http://127.0.0.1:{at['sign-in']}", client_id=CLIENT_ID)
    return signer.access_token(person, datetime.now(UTC))


def _names() -> str:
    return ", ".join(person.email for person in PEOPLE)
