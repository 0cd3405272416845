"""`vaultstream schema`: the GraphQL contract, printed, written, or compared with the file that is reviewed."""

import sys
from pathlib import Path

from vaultstream.commands.plainly import plainly
from vaultstream.gql.schema import sdl

FILE = Path("schema/schema.graphql")


class Stale(Exception):
    """The file is not what the code says."""


def main() -> None:
    """`--write` writes the file, `--check` fails unless it is fresh; else the contract is printed."""
    plainly(_schema, Stale)


def _schema() -> None:
    if "--write" in sys.argv:
        FILE.write_text(sdl())
    elif "--check" not in sys.argv:
        sys.stdout.write(sdl())
    elif not FILE.exists() or FILE.read_text() != sdl():
        raise Stale(f"{FILE} is not what the code says: run `make schema` and look at the difference")


if __name__ == "__main__":
    main()
