"""`vaultstream serve`: the API alone, with the settings of the environment."""

import asyncio
import os

import uvicorn

from vaultstream.adapters.secret_store import revealed
from vaultstream.adapters.telemetry.logs import log_to_stderr
from vaultstream.commands.plainly import plainly
from vaultstream.http.app import create_app
from vaultstream.http.known_first import KnownFirst
from vaultstream.settings import Settings, SettingsError

_STOP_SECONDS = 10


def main() -> None:
    """Serve until a signal; requests in progress get some seconds to end."""
    plainly(_serve, SettingsError)


def _serve() -> None:
    settings = Settings.from_env(asyncio.run(revealed(os.environ)))
    log_to_stderr(as_json=not settings.is_local)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=KnownFirst,
        access_log=False,
        log_config=None,
        log_level="warning",  # an address in each line about a socket would be one too many
        server_header=False,
        proxy_headers=False,  # which addresses to believe, the settings say
        ws_per_message_deflate=False,  # messages are small, and each socket would keep a compressor's window
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


if __name__ == "__main__":
    main()
