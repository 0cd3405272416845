"""`vaultstream work`: the workers of the embedded stack alone, with the settings of the environment."""

import os

from vaultstream.commands.plainly import plainly
from vaultstream.local.data import folder_of
from vaultstream.local.work import work
from vaultstream.settings import Settings, SettingsError


def main() -> None:
    """Work until a signal."""
    plainly(lambda: work(Settings.from_env(os.environ), folder_of(os.environ)), SettingsError)


if __name__ == "__main__":
    main()
