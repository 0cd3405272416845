"""What one environment came out as, to be asked questions."""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
STACKS = ("Security", "Network", "Storage", "Database", "Workers", "Api", "Edge", "Observability")
Resource = Mapping[str, Any]
RunCdk = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Synth:
    """What one environment came out as."""

    environment: str
    folder: Path

    @cached_property
    def templates(self) -> dict[str, Any]:
        return {stack: self.read(f"{stack}.template.json") for stack in STACKS}

    def read(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text())

    def all(self, kind: str) -> Iterator[tuple[str, Resource]]:
        """Every resource of a type, as "<stack>/<logical id>" and its properties."""
        for stack, template in self.templates.items():
            for name, resource in template["Resources"].items():
                if resource["Type"] == kind:
                    yield f"{stack}/{name}", resource.get("Properties", {})

    def one(self, kind: str, **properties: object) -> Resource:
        """The one resource of a type that has these properties."""
        (found,) = [each for _, each in self.all(kind) if properties.items() <= each.items()]
        return found

    @property
    def types(self) -> set[str]:
        return {each["Type"] for template in self.templates.values() for each in template["Resources"].values()}


class Synths(dict[str, Synth]):
    """Every environment by its name, made when it is first asked for."""

    def __init__(self, make: Callable[[str], Synth]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, environment: str) -> Synth:
        self[environment] = self._make(environment)
        return self[environment]
