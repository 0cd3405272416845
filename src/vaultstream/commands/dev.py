"""`vaultstream dev`: the embedded stack, until Ctrl-C."""

import os

from vaultstream.commands.plainly import plainly
from vaultstream.local.data import DataBusy, folder_of
from vaultstream.local.dev import PortTaken, dev
from vaultstream.local.part import PartFailed
from vaultstream.settings import SettingsError


def main() -> None:
    """Run the stack of this environment's data folder."""
    plainly(lambda: dev(folder_of(os.environ), os.environ), DataBusy, PortTaken, PartFailed, SettingsError)


if __name__ == "__main__":
    main()
