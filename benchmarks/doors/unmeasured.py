"""The vault's own API with one difference, for comparison only: nothing is counted, measured or traced."""

from collections.abc import Callable
from typing import Any

from vaultstream.adapters import vault
from vaultstream.adapters.meters import Meters
from vaultstream.adapters.telemetry.calls import Calls
from vaultstream.commands import serve
from vaultstream.http.envelope import Envelope


def _nothing(*_: Any, **__: Any) -> None:  # Any: whatever the real one is given
    return


def _untold(*_: Any) -> Callable[[str], None]:  # Any: as above
    return _nothing


Meters.count = Meters.observe = _nothing  # type: ignore[method-assign]  # the one difference, in each of its places
Envelope._measure = _nothing  # type: ignore[method-assign]  # noqa: SLF001  # as above
Calls.begin = _untold  # type: ignore[method-assign]  # as above
vault.watch_aws = _nothing
vault.watched_postgres = _nothing  # type: ignore[assignment]  # as above

if __name__ == "__main__":
    serve.main()
