"""The cache's patience cut short, so that tests need not wait as long as processes do."""

from collections.abc import Callable

from vaultstream.adapters.cache import trust

LEASE = 0.4
_SHORT = {
    "LEASE_SECONDS": LEASE,
    "_RENEW_SECONDS": LEASE / 3,
    "_SETTLED_SECONDS": LEASE * 1.1,
    "_LOOK_SECONDS": 0.05,
}


def shorten(put: Callable[[object, str, float], None]) -> None:
    """Set each of them, by `setattr` or a monkeypatch's."""
    for name, seconds in _SHORT.items():
        put(trust, name, seconds)
