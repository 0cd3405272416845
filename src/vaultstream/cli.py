"""The command `vaultstream`: reads the command line, then becomes the program of that command."""

import argparse
import os
import sys
from collections.abc import Sequence

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


def main(arguments: Sequence[str] | None = None) -> None:
    """Replace this process by the command's own program, which says itself what goes wrong."""
    parser = _parser()
    known, more = parser.parse_known_args(arguments)
    chosen = vars(known)
    command = chosen.pop("command")
    if more and command != "costs":  # whose options are its own
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    settings = {name: text for name, text in chosen.items() if name.startswith("VAULTSTREAM_") and text}
    rest = chosen.pop("rest", more)
    given = [text for name, text in chosen.items() if not name.startswith("VAULTSTREAM_") and text] + rest
    program = [sys.executable, "-m", f"vaultstream.commands.{command}", *given]
    os.execve(sys.executable, program, os.environ | settings)  # noqa: S606  # our own program, no shell


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vaultstream",
        description="An encrypted file vault with a typed GraphQL API.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")

    def add(name: str, purpose: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=purpose, description=purpose)

    add("dev", "run the vault and everything it needs on this machine, until Ctrl-C")
    serve = add("serve", "run the API alone, with the settings of the environment")
    serve.add_argument("--host", dest="VAULTSTREAM_HOST", metavar="HOST", help="the address to listen on")
    serve.add_argument("--port", dest="VAULTSTREAM_PORT", metavar="PORT", help="the port to listen on")
    add("work", "run the embedded stack's workers alone, with the settings of the environment")
    token = add("token", "print a bearer token, good for an hour, for the vault that `dev` runs")
    token.add_argument("email", help="alice@example.com, bob@example.com or mallory@example.com")
    how = add("schema", "print the GraphQL schema").add_mutually_exclusive_group()
    how.add_argument("--write", action="store_const", const="--write", help="write it to schema/schema.graphql")
    how.add_argument("--check", action="store_const", const="--check", help="fail unless that file is fresh")
    add("migrate", "bring the audit database of VAULTSTREAM_POSTGRES_DSN, its owner's, up to date")
    redrive = add("redrive", "give workers the events once more that failed every attempt")
    redrive.add_argument("worker", nargs="?", help="whose; everybody's if none is named")
    search = add("search", "look after the search index, with the settings of the environment")
    search.add_argument("deed", choices=["rebuild"], help="make it anew from the table, while the vault goes on")
    audit = add("audit", "export the audit log, prove an export, look after the log; `audit` alone says how")
    audit.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="what to do")
    commands.add_parser("costs", help="print the price table and what files cost to keep, by what-ifs", add_help=False)
    moving = add("tiers", "print when stored files move to colder storage, or let days go by for the vault `dev` runs")
    moving.add_argument("deed", nargs="?", choices=["advance"], help="make all stored files older")
    moving.add_argument("--days", type=_days, help="by how many days (with `advance`)")
    return parser


def _days(text: str) -> str:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 36_500:
        raise argparse.ArgumentTypeError("1 to 36500")
    return text
