"""One program for each command of `vaultstream`: each imports only what it needs, so that the light ones are quick."""
