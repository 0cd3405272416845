"""How large the image's packages are and what importing each Lambda handler costs: `python -m benchmarks.package`.

CPU time of a fresh interpreter that has nothing but the service's own packages, the least of several rounds: what a
cold start pays before the vault is opened.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv")
ROUNDS = 5
IMPORT = """
import sys, time
sys.path.insert(0, {packages!r})
began = time.process_time()
import lambdas.{name}
print(time.process_time() - began, len(sys.modules))
"""


def install(packages: Path) -> None:
    """What the image has, bytecode too."""
    for what in (["--require-hashes", "-r", "requirements/service.txt"], ["--no-deps", "."]):
        command = [UV, "pip", "install", "-q", "--target", packages, "--compile-bytecode", *what]
        subprocess.run(command, cwd=ROOT, check=True)


def imported(packages: Path, name: str) -> tuple[float, int]:
    """CPU seconds that a handler's import takes, and how many modules there are then."""
    command = [sys.executable, "-I", "-S", "-B", "-c", IMPORT.format(packages=f"{packages}", name=name)]
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=True)
    seconds, modules = done.stdout.split()
    return float(seconds), int(modules)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        packages = Path(folder)
        install(packages)
        size = sum(path.stat().st_size for path in packages.rglob("*") if path.is_file())
        print(f"packages: {size / 2**20:.0f} MiB")
        for path in sorted((ROOT / "lambdas").glob("[a-z]*.py")):
            seconds, modules = min(imported(packages, path.stem) for _ in range(ROUNDS))
            print(f"{path.stem}: {seconds:.2f} s of CPU, {modules} modules")


if __name__ == "__main__":
    main()
