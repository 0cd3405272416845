"""`vaultstream redrive [WORKER]`: gives workers their dead letters once more."""

import asyncio
import os
import sys

from botocore.exceptions import BotoCoreError, ClientError

from vaultstream.adapters import clients
from vaultstream.adapters.queues import Queues
from vaultstream.commands.plainly import plainly
from vaultstream.events import WORKERS
from vaultstream.settings import Settings, SettingsError


def main() -> None:
    """Redrive one worker's, or everybody's, and say how many."""
    chosen = sys.argv[1] if len(sys.argv) > 1 else None
    plainly(
        lambda: asyncio.run(_redrive(Settings.from_env(os.environ), chosen)), SettingsError, ClientError, BotoCoreError
    )


async def _redrive(settings: Settings, chosen: str | None) -> None:
    async with clients.client(clients.session(settings), settings, "sqs") as sqs:
        queues = Queues(sqs, settings.queue_prefix)
        for worker in WORKERS:
            if chosen in {None, worker.name}:
                sys.stdout.write(f"{worker.name}: {await queues.redrive(worker)} given once more\n")


if __name__ == "__main__":
    main()
