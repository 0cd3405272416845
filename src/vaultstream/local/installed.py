"""Where the programs of the parts were installed; asked of the import system, without running their wrappers."""

import sys
from importlib.util import find_spec
from pathlib import Path

from vaultstream.local.part import PartFailed

_MEND = "run `make run` once: it installs every part"


def installed(package: str, inside: str) -> Path:
    """A file or folder of an installed Python package; raises PartFailed when it is not there."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise PartFailed(f"the package {package} is not installed: {_MEND}")
    return Path(spec.origin).parent / inside


def npm_installed(inside: str) -> Path:
    """A file below node_modules, of the folder we are in or of the checkout; raises PartFailed when there is none."""
    for root in (Path.cwd(), *Path(__file__).parents):
        path = root / "node_modules" / inside
        if path.exists():
            return path
    raise PartFailed(f"{inside} is not installed: {_MEND}")


def ministack_python() -> Path:
    """The interpreter of the environment that holds ministack; raises PartFailed when there is none."""
    python = Path(sys.prefix) / "ministack" / "bin" / "python"
    if not python.exists():
        raise PartFailed(f"ministack is not installed in {python.parent.parent}: {_MEND}")
    return python
