"""The command `vaultstream`: run the vault, look at its contracts, bring its database up to date."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn

from vaultstream.adapters.audit_migrations import MigrationChanged, migrate
from vaultstream.gql.schema import sdl
from vaultstream.http.app import create_app
from vaultstream.local.data import DataBusy, folder_of
from vaultstream.local.dev import PortTaken, dev
from vaultstream.local.mint import NoToken, mint
from vaultstream.local.part import PartFailed
from vaultstream.local.work import work
from vaultstream.settings import PREFIX, Settings, SettingsError

SCHEMA_FILE = Path("schema/schema.graphql")
_STOP_SECONDS = 10
_EPILOG = """\
begin here:
  vaultstream dev                       the vault with all its parts on this machine; needs no account
  vaultstream token alice@example.com   a bearer token for it, for curl or a script

settings are environment variables, VAULTSTREAM_<NAME>. Those for `dev`:
  VAULTSTREAM_PORT   where the vault listens (8000)
  VAULTSTREAM_HOST   on which address (127.0.0.1)
  VAULTSTREAM_DATA   the data folder (.vaultstream)
`serve`, `work` and `migrate` take everything from the environment and say what is missing.
"""


class Failed(Exception):
    """The command could not do what it is for; the message tells the person why."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; an expected failure is told in plain words and ends with exit code 1."""
    chosen = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], None] = chosen.command
    try:
        command(chosen)
    except (Failed, DataBusy, PortTaken, PartFailed, NoToken, SettingsError, MigrationChanged) as failure:
        sys.exit(f"{failure}")
    except OSError as failure:
        sys.exit(f"{chosen.name}: {failure}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vaultstream",
        description="An encrypted file vault with a typed GraphQL API.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="name")

    def add(name: str, command: Callable[[argparse.Namespace], None], purpose: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=purpose, description=purpose)
        added.set_defaults(command=command)
        return added

    add("dev", _dev, "run the vault and everything it needs on this machine, until Ctrl-C")
    serve = add("serve", _serve, "run the API alone, with the settings of the environment")
    serve.add_argument("--host", help="the address to listen on, in place of VAULTSTREAM_HOST")
    serve.add_argument("--port", type=int, help="the port to listen on, in place of VAULTSTREAM_PORT")
    add("work", _work, "run the embedded stack's workers alone, with the settings of the environment")
    token = add("token", _token, "print a bearer token for the vault that `vaultstream dev` runs")
    token.add_argument("email", help="alice@example.com, bob@example.com or mallory@example.com")
    contract = add("schema", _schema, "print the GraphQL schema")
    how = contract.add_mutually_exclusive_group()
    how.add_argument("--write", action="store_true", help=f"write it to {SCHEMA_FILE}")
    how.add_argument("--check", action="store_true", help=f"fail unless {SCHEMA_FILE} is what the code says")
    add("migrate", _migrate, "bring the audit database of VAULTSTREAM_POSTGRES_DSN, its owner's, up to date")
    return parser


def _dev(_: argparse.Namespace) -> None:
    dev(folder_of(os.environ), os.environ)


def _serve(chosen: argparse.Namespace) -> None:
    given = {f"{PREFIX}HOST": chosen.host, f"{PREFIX}PORT": chosen.port and f"{chosen.port}"}
    settings = Settings.from_env(os.environ | {name: text for name, text in given.items() if text})
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        server_header=False,
        log_level="info",
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


def _work(_: argparse.Namespace) -> None:
    work(Settings.from_env(os.environ), folder_of(os.environ) / "workers")


def _token(chosen: argparse.Namespace) -> None:
    print(mint(folder_of(os.environ), chosen.email))


def _schema(chosen: argparse.Namespace) -> None:
    text = sdl()
    if chosen.write:
        SCHEMA_FILE.write_text(text)
    elif not chosen.check:
        print(text, end="")
    elif not SCHEMA_FILE.exists() or SCHEMA_FILE.read_text() != text:
        raise Failed(f"{SCHEMA_FILE} is not what the code says; run `make schema` and look at the difference")


def _migrate(_: argparse.Namespace) -> None:
    dsn = os.environ.get(f"{PREFIX}POSTGRES_DSN")
    if not dsn:
        raise Failed(f"{PREFIX}POSTGRES_DSN is not set: the owner's address of the audit database")
    applied = asyncio.run(migrate(dsn))
    print("\n".join(f"applied {name}" for name in applied) or "the audit database is up to date")
