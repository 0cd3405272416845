"""`python -m vaultstream`: the same as the command `vaultstream`."""

from vaultstream.cli import main

if __name__ == "__main__":
    main()
