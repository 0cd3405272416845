"""The eight stacks, each of which owns what changes together."""
