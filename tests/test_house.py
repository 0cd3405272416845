"""The house keeps its shape: imports point down, nothing goes in circles, files and functions stay small."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "vaultstream"
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 60

# What each floor may import of the package: its own floor and those below it.
FLOORS = {
    "root": {"root"},
    "sealed": {"root", "sealed"},
    "breadth": {"breadth"},
    "pipelined": {"pipelined"},
    "postgres": {"root", "postgres"},
    "adapters": {"root", "sealed", "pipelined", "postgres", "adapters"},
    "actions": {"root", "sealed", "adapters", "actions"},
    "gql": {"root", "breadth", "adapters", "actions", "gql"},
    "http": {"root", "adapters", "actions", "gql", "http"},
    "workers": {"root", "sealed", "adapters", "actions", "workers"},
    "local": {"root", "adapters", "workers", "local"},
    "commands": {"root", "adapters", "actions", "gql", "http", "local", "commands"},
    "cli": {"root", "commands", "cli"},
}
CONTRACTS = ("table", "events", "settings", "metrics", "tiers")
PURE = {"root", "sealed"}
IMPURE_MODULES = {
    "asyncio",
    "os",
    "random",
    "secrets",
    "socket",
    "time",
    "aioboto3",
    "asyncpg",
    "redis",
    "aiohttp",
    "starlette",
}
ACCESS_CALLERS = {"actions"}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield (
            ".".join(("vaultstream", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"),
            path,
        )


MODULES = list(modules())


def floor_of(module: str) -> str:
    parts = module.split(".")[1:]
    if parts and parts[0] in FLOORS:
        return parts[0]
    return "cli" if parts and parts[0] == "__main__" else "root"


def imported(path: Path) -> Iterator[tuple[str, ast.stmt]]:
    """Every module that a file imports when it runs, by full name; `from a import b` is `a.b` where that is one."""
    known = {module for module, _ in MODULES}
    tree = ast.parse(path.read_text())
    never_run = {id(each) for node in ast.walk(tree) if _is_for_types_only(node) for each in ast.walk(node)}
    for node in (each for each in ast.walk(tree) if id(each) not in never_run):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} imports relatively"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield (full if full in known else node.module), node


def _is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[module for module, _ in MODULES])
def test_imports_point_down(module: str, path: Path) -> None:
    allowed = FLOORS[floor_of(module)]
    for name, _ in imported(path):
        if name.split(".")[0] == "vaultstream":
            assert floor_of(name) in allowed, f"{module} imports {name}"


def test_only_the_vault_opens_other_adapters() -> None:
    """An adapter is blind to the others: it may import its own family and the root."""
    for module, path in modules():
        if floor_of(module) != "adapters" or module in {"vaultstream.adapters", "vaultstream.adapters.vault"}:
            continue
        family = module.split(".")[2].split("_")[0]
        for name, _ in imported(path):
            if floor_of(name) == "adapters" and name.count(".") > 1:
                assert name.split(".")[2].split("_")[0] in {family, family[:6]}, f"{module} imports {name}"


def test_nothing_imports_in_circles() -> None:
    graph = {
        module: {name for name, _ in imported(path) if name.startswith("vaultstream") and name != module}
        for module, path in modules()
    }
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " → ".join((*way, module))
        if module not in done:
            for name in graph.get(module, ()):
                visit(name, (*way, module))
            done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[module for module, _ in MODULES])
def test_no_import_hides_in_a_function(module: str, path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inner = [each for each in ast.walk(node) if isinstance(each, (ast.Import, ast.ImportFrom))]
            assert not inner, f"{module}.{node.name} imports"


def test_contracts_import_the_standard_library_and_each_other_only() -> None:
    known = sys.stdlib_module_names | {f"vaultstream.{name}" for name in CONTRACTS}
    for name in CONTRACTS:
        for used, _ in imported(PACKAGE / f"{name}.py"):
            assert known & {used, used.split(".")[0]}, f"{name} imports {used}"


def test_root_modules_are_pure() -> None:
    for module, path in modules():
        if floor_of(module) not in PURE:
            continue
        used = {name.split(".")[0] for name, _ in imported(path)}
        assert not used & IMPURE_MODULES, f"{module} imports {used & IMPURE_MODULES}"
        awaits = [
            each
            for each in ast.walk(ast.parse(path.read_text()))
            if isinstance(each, (ast.Await, ast.AsyncFunctionDef))
        ]
        assert not awaits, f"{module} waits"


def test_only_actions_ask_access_and_quota_to_decide() -> None:
    for module, path in modules():
        if floor_of(module) in {"actions", "root"}:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                deciding = (node.value.id, node.attr) in {
                    ("access", "require"),
                    ("access", "decide"),
                    ("quota", "reserve"),
                }
                assert not deciding, f"{module} decides on line {node.lineno}"


SOURCES = [*MODULES, *((f"lambdas.{path.stem}", path) for path in sorted((ROOT / "lambdas").glob("*.py")))]


@pytest.mark.parametrize(("module", "path"), SOURCES, ids=[module for module, _ in SOURCES])
def test_files_and_functions_stay_small(module: str, path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= FILE_LINES_MAX, f"{module} is long"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= FUNCTION_LINES_MAX, f"{module}.{node.name} has {lines} lines"


@pytest.mark.parametrize(("module", "path"), SOURCES, ids=[module for module, _ in SOURCES])
def test_every_module_says_its_purpose(module: str, path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert not tree.body or ast.get_docstring(tree), f"{module} has no docstring"


def test_nothing_but_the_command_line_and_tests_imports_the_local_stack() -> None:
    for module, path in modules():
        if floor_of(module) not in {"local", "commands"}:
            assert not any(name.startswith("vaultstream.local") for name, _ in imported(path)), module
