"""Ends a program in plain words when something it knows of goes wrong."""

import sys
from collections.abc import Callable


def plainly(program: Callable[[], None], *expected: type[Exception]) -> None:
    """Run it; an expected failure, or one of the system's own, is told without a traceback, with exit code 1."""
    try:
        program()
    except Exception as failure:
        if not isinstance(failure, (OSError, *expected)):
            raise
        sys.exit(f"{failure}")
