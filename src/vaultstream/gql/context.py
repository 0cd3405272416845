"""What every resolver is given: the vault, who asks, and the loaders of this one operation."""

from dataclasses import dataclass

import strawberry

from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.budgets import Standing
from vaultstream.gql.loaders import Loaders


@dataclass(frozen=True, slots=True)
class Charge:
    """What was paid for an operation before it ran, and how its actor stood then."""

    points: int
    standing: Standing


class Context:
    """One operation's surroundings; a subscription has one for all of its events."""

    charge: Charge  # paid before anything runs: see `spending.paid`

    def __init__(self, vault: Vault, actor: Actor) -> None:
        self.vault = vault
        self.actor = actor
        self.loaders = Loaders(vault, actor)

    def forget(self) -> None:
        """Let go of what was loaded: something has changed since, by a mutation or between two events."""
        self.loaders = Loaders(self.vault, self.actor)


Info = strawberry.Info[Context, None]
