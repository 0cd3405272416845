"""Serves the local issuer: `python -m vaultstream.local.issuer --data DIR --port N --public-url URL --client-id ID`."""

import argparse
import os
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from vaultstream.local.issuer.app import Issuer, create_app
from vaultstream.local.issuer.grants import Grants
from vaultstream.local.issuer.request import Client
from vaultstream.local.issuer.tokens import Signer

HOST = "127.0.0.1"  # not an option: whoever reaches it can be anybody
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def main() -> None:
    """Read the options, refuse whatever is not a vault on this machine, and serve."""
    parser = argparse.ArgumentParser(prog="vaultstream.local.issuer", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of its key and grants")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--public-url", required=True, help="where the vault is, exactly as in the browser")
    parser.add_argument("--client-id", required=True)
    options = parser.parse_args()
    if urlsplit(options.public_url).hostname not in _LOOPBACK:
        parser.error("this sign-in asks for no password: it serves a vault on loopback only")
    if os.environ.get("VAULTSTREAM_ENVIRONMENT", "local") != "local":
        parser.error("this sign-in asks for no password: it serves the local environment only")
    os.umask(0o077)
    issuer = Issuer(
        Signer.over(options.data, issuer=f"http://{HOST}:{options.port}", client_id=options.client_id),
        Grants(options.data),
        Client(options.client_id, options.public_url),
    )
    uvicorn.run(create_app(issuer), host=HOST, port=options.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
