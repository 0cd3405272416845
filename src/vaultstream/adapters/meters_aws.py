"""Measures every call that an AWS client makes, by the hooks that botocore has for it."""

import time
from collections.abc import Callable
from typing import Any

from vaultstream.adapters.meters import Meters
from vaultstream.metrics import CALL_SECONDS

_BEGUN = "vaultstream_begun"


def measure(client: Any, system: str, meters: Meters, clock: Callable[[], float] = time.perf_counter) -> None:
    """From now on each call of the client is in the meters; Any: botocore makes its clients at run time."""

    def begin(context: dict[str, Any], **_: Any) -> None:  # Any: what botocore tells of the call
        context[_BEGUN] = clock()

    def end(context: dict[str, Any], http_response: Any, **_: Any) -> None:  # Any: as above
        status = http_response.status_code
        outcome = "ok" if status < 400 else "refused" if status < 500 else "failed"
        meters.observe(CALL_SECONDS, clock() - context[_BEGUN], system, outcome)

    def fail(context: dict[str, Any], **_: Any) -> None:  # Any: as above
        meters.observe(CALL_SECONDS, clock() - context[_BEGUN], system, "failed")

    client.meta.events.register_first("before-call", begin)
    client.meta.events.register_last("after-call", end)
    client.meta.events.register_last("after-call-error", fail)
