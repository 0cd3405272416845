"""How large the Lambda package is and what importing each handler costs: `make bundle`, `python -m benchmarks.package`.

CPU time of a fresh interpreter that has nothing but the package, the least of several rounds: what a cold start pays
before the vault is opened.
"""

import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "build" / "lambda"
ROUNDS = 5
IMPORT = """
import sys, time
sys.path.insert(0, {package!r})
began = time.process_time()
import lambdas.{name}
print(time.process_time() - began, len(sys.modules))
"""


def imported(name: str) -> tuple[float, int]:
    """CPU seconds that a handler's import takes, and how many modules there are then."""
    command = [sys.executable, "-I", "-S", "-B", "-c", IMPORT.format(package=f"{PACKAGE}", name=name)]
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=True)
    seconds, modules = done.stdout.split()
    return float(seconds), int(modules)


def zipped(files: list[Path]) -> int:
    """The bytes that Lambda fetches."""
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for file in files:
            out.write(file, file.relative_to(PACKAGE))
    return archive.tell()


def main() -> None:
    files = [path for path in PACKAGE.rglob("*") if path.is_file()]
    unpacked = sum(path.stat().st_size for path in files)
    print(f"package: {unpacked / 2**20:.0f} MiB unpacked, of 250; {zipped(files) / 2**20:.0f} MiB zipped")
    for path in sorted((ROOT / "lambdas").glob("[a-z]*.py")):
        seconds, modules = min(imported(path.stem) for _ in range(ROUNDS))
        print(f"{path.stem}: {seconds:.2f} s of CPU, {modules} modules")


if __name__ == "__main__":
    main()
