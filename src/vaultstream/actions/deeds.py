"""Makes the event that a deed leaves behind: by whom, from where, about what."""

from typing import Any

from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.events import Decision, Event, EventName

OPERATOR = "operator"


def by_person(
    vault: Vault,
    actor: Actor,
    name: EventName,
    item_id: str | None,
    *,
    topics: tuple[str, ...] = (),
    version_number: int | None = None,
    refused: str | None = None,
    **details: Any,  # Any: JSON values, by each event's own schema
) -> Event:
    """The event of a person's deed; `refused` says why the vault did not let it happen.

    Its details name the token where it was a program that acted for them.
    """
    if actor.grant is not None:
        details["token_id"] = actor.grant.token_id
    return Event(
        id=vault.unique(),
        name=name,
        at=vault.now(),
        subject=actor.user_id,
        request_id=actor.origin.request_id,
        item_id=item_id,
        version_number=version_number,
        ip=actor.origin.ip,
        agent=actor.origin.agent,
        decision=Decision.ALLOWED if refused is None else Decision.DENIED,
        reason=refused,
        topics=topics,
        details=details,
    )


def by_operator(vault: Vault, name: EventName, **details: Any) -> Event:  # Any: as above
    """The event of a deed at the command line."""
    unique = vault.unique()
    return Event(unique, name, vault.now(), OPERATOR, f"command-{unique}", details=details)


def by_worker(
    vault: Vault,
    worker: str,
    name: EventName,
    item_id: str,
    *,
    request_id: str,
    topics: tuple[str, ...] = (),
    version_number: int | None = None,
    **details: Any,  # Any: JSON values, by each event's own schema
) -> Event:
    """The event of a worker's deed; its request id is that of the event that asked for it."""
    return Event(
        id=vault.unique(),
        name=name,
        at=vault.now(),
        subject=f"worker:{worker}",
        request_id=request_id,
        item_id=item_id,
        version_number=version_number,
        topics=topics,
        details=details,
    )
