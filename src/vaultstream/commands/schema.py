"""`vaultstream schema`: the contracts made from code, printed, written, or compared with the files under review."""

import sys
from pathlib import Path

from vaultstream.commands.plainly import plainly
from vaultstream.event_schemas import schema_files
from vaultstream.gql.schema import sdl
from vaultstream.metric_table import metric_table

FOLDER = Path("schema")


class Stale(Exception):
    """A file is not what the code says."""


def main() -> None:
    """`--write` writes the files, `--check` fails unless they are fresh; else the GraphQL schema is printed."""
    plainly(_schema, Stale)


def _schema() -> None:
    if "--write" not in sys.argv and "--check" not in sys.argv:
        sys.stdout.write(sdl())
        return
    contracts = {FOLDER / "schema.graphql": sdl()}
    contracts[FOLDER / "metrics.md"] = metric_table()
    contracts |= {FOLDER / "events" / name: text for name, text in schema_files().items()}
    stale = [path for path, text in contracts.items() if not path.exists() or path.read_text() != text]
    if stale and "--check" in sys.argv:
        raise Stale(f"{stale[0]} is not what the code says: run `make schema` and look at the difference")
    for path in stale:
        path.write_text(contracts[path])


if __name__ == "__main__":
    main()
