"""Figures as text and pictures: medians, Markdown tables, the machine they were measured on."""

import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("cryptography", "uvicorn", "uvloop", "aiobotocore", "aiohttp")


def machine() -> str:
    """What the figures depend on."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f"{os.cpu_count()} shared cores ({_processor()}), Python {platform.python_version()}, {packages}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table: the first column is text, the others are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def spread(values: Sequence[float], form: str) -> str:
    """The median, and from where to where the values go."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:{form}} ({low:{form}} to {high:{form}})" if len(values) > 1 else f"{middle:{form}}"


def write(name: str, text: str) -> None:
    """Print a result, and keep it beside the others."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text)
    print(text)


def figure() -> tuple[Figure, Axes]:
    """An empty picture with one pair of axes, drawn without a screen."""
    made = Figure(figsize=(9, 5), layout="constrained")
    return made, made.add_subplot()


def keep_picture(made: Figure, name: str) -> None:
    """Keep a picture beside the result of the same name."""
    RESULTS.mkdir(exist_ok=True)
    made.savefig(RESULTS / f"{name}.png", dpi=110)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
