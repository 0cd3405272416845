"""Runs ministack in its own environment, saving its state every two seconds rather than on a clean stop only.

This file is the one that another interpreter runs (see `installed.ministack_python`): it imports nothing of ours.
"""

import asyncio
import logging
import os
import signal

from hypercorn.asyncio import serve  # type: ignore[import-not-found]  # installed beside ministack only
from hypercorn.config import Config  # type: ignore[import-not-found]  # installed beside ministack only
from ministack import app as ministack  # type: ignore[import-not-found]  # in its own environment
from ministack.core import persistence  # type: ignore[import-not-found]  # in its own environment

_SAVE_SECONDS = 2


async def _save_often() -> None:
    """Write what is in memory down, so that kill -9 loses two seconds of queued messages at most."""
    while True:
        await asyncio.sleep(_SAVE_SECONDS)
        persistence.save_all(ministack._build_persistence_save_dict())  # noqa: SLF001  # it has no public one


async def _run() -> None:
    config = Config()
    config.bind = [f"127.0.0.1:{os.environ['GATEWAY_PORT']}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.2
    config.loglevel = "WARNING"
    stopping = asyncio.Event()

    def stop() -> None:
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # each open connection would log a traceback
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    saving = asyncio.create_task(_save_often()) if persistence.PERSIST_STATE else None
    await serve(ministack.app, config, shutdown_trigger=stopping.wait)
    if saving is not None:
        saving.cancel()


if __name__ == "__main__":
    os.umask(0o077)
    asyncio.run(_run())
