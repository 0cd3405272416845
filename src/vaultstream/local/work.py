"""`vaultstream work`: the workers of the embedded stack, each behind the same handler that AWS Lambda calls."""

import asyncio
import logging
import os
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from lambdas import audit, hasten, lifecycle, relay, rescan, scan, search, sweep, thumbnail
from vaultstream.adapters import clients
from vaultstream.adapters.renderer_office import Office
from vaultstream.adapters.renderer_process import DEFAULT_LIMITS
from vaultstream.adapters.telemetry.logs import log_to_stderr
from vaultstream.events import AUDIT, HASTEN, LIFECYCLE, RESCAN, SCAN, SEARCH, THUMBNAIL, Worker
from vaultstream.local.container import Container
from vaultstream.local.data import workers_ready
from vaultstream.local.pump import pump
from vaultstream.local.stream import Checkpoint, Stream
from vaultstream.settings import Settings
from vaultstream.workers.lambda_entry import Handler

SWEEP_SECONDS = 15
_HANDLERS: Mapping[Worker, Handler] = {
    SCAN: scan.handler,
    RESCAN: rescan.handler,
    THUMBNAIL: thumbnail.handler,
    HASTEN: hasten.handler,
    AUDIT: audit.handler,
    SEARCH: search.handler,
    LIFECYCLE: lifecycle.handler,
}


def work(settings: Settings, folder: Path) -> None:
    """Run the workers of this data folder until SIGTERM or SIGINT; a call that does not come back is cut off."""
    log_to_stderr(as_json=not settings.is_local)
    ready = workers_ready(folder)
    ready.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    ready.unlink(missing_ok=True)
    is_closed = False
    try:
        is_closed = asyncio.run(_work(settings, ready))
    finally:
        ready.unlink(missing_ok=True)
        if not is_closed:
            logging.shutdown()
            os._exit(1)  # a handler's thread may run on; its message comes back to the queue


async def _work(settings: Settings, ready: Path) -> bool:
    """Returns whether every handler could be closed."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    containers = {worker.name: Container(worker.name, handler) for worker, handler in _HANDLERS.items()}
    containers |= {"relay": Container("relay", relay.handler), "sweep": Container("sweep", sweep.handler)}
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        session = clients.session(settings)
        sqs, dynamodb, streams = [
            await stack.enter_async_context(clients.client(session, settings, service))
            for service in ("sqs", "dynamodb", "dynamodbstreams")
        ]
        stream = Stream(dynamodb, streams, settings.table, Checkpoint(ready.with_name("stream.json")))
        running: list[asyncio.Task[object]] = [tasks.create_task(stream.carry(containers["relay"]))]
        running += [
            tasks.create_task(pump(sqs, settings.queue_prefix, worker, containers[worker.name])) for worker in _HANDLERS
        ]
        running.append(tasks.create_task(_sweep(containers["sweep"])))
        running.append(tasks.create_task(Office(DEFAULT_LIMITS).works()))  # which tells the log
        ready.touch()  # noqa: ASYNC240  # once, and to a local file
        await stopping.wait()
        for task in running:
            task.cancel()
    closed = await asyncio.gather(*(container.close() for container in containers.values()))
    return all(closed)


async def _sweep(container: Container) -> None:
    while True:
        await container.invoke({"source": "vaultstream.timer"})
        await asyncio.sleep(SWEEP_SECONDS)
