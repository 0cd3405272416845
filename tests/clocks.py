"""A vault whose clock is ahead: what falls due later can be seen now."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from vaultstream.adapters.vault import Vault


class Ahead:
    """By how much a clock is ahead; a test moves it on."""

    def __init__(self, by: timedelta = timedelta(0)) -> None:
        self.by = by

    def move(self, **by: float) -> None:
        """Let time pass, in the units of timedelta."""
        self.by += timedelta(**by)


@dataclass(frozen=True, slots=True)
class MovedVault(Vault):
    """The same vault at another time."""

    ahead: Ahead

    def now(self) -> datetime:
        """The time, moved on."""
        return Vault.now(self) + self.ahead.by


def moved(vault: Vault, ahead: Ahead | None = None, **by: float) -> MovedVault:
    """The vault as it will be after so long, in the units of timedelta."""
    known = {field.name: getattr(vault, field.name) for field in fields(Vault)}
    return MovedVault(**known, ahead=ahead or Ahead(timedelta(**by)))
