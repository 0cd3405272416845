"""`vaultstream token`: a bearer token for the vault that `vaultstream dev` runs."""

import os
import sys

from vaultstream.commands.plainly import plainly
from vaultstream.local.data import folder_of
from vaultstream.local.mint import NoToken, mint


def main() -> None:
    """Print a token for the e-mail address that is the one argument."""
    plainly(lambda: _token(sys.argv[1]), NoToken)


def _token(email: str) -> None:
    sys.stdout.write(f"{mint(folder_of(os.environ), email)}\n")


if __name__ == "__main__":
    main()
