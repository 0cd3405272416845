"""The templates of both environments, synthesized once a session by the program that deploys them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the tests share `synths`

from synths import ROOT, RunCdk, Synth  # found by the line above


def make(target: str) -> None:
    """Have the environment that synthesizes; it is there already unless nobody asked before."""
    subprocess.run(["make", "-s", target], cwd=ROOT, check=True, capture_output=True, timeout=300)


@pytest.fixture(scope="session")
def run_cdk() -> RunCdk:
    """Runs Python where CDK is. There is no network: a template that anybody has to be asked for is none."""
    make(".venv/cdk/.done")
    home = ROOT / ".venv" / "cdk" / "bin"
    env = {"PATH": f"{home}:{os.environ['PATH']}", "HOME": os.environ["HOME"]}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["unshare", "-rn", f"{home}/python", *arguments]
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False)

    return run


@pytest.fixture(scope="session")
def synths(run_cdk: RunCdk, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Synth]:
    """Both environments, with a package of one file: what is in it shows in no template but as a hash."""
    package = tmp_path_factory.mktemp("package")
    (package / "lambdas.py").write_text("")
    made = {}
    for environment in ("dev", "prod"):
        folder = tmp_path_factory.mktemp(environment)
        done = run_cdk("-m", "cdk.app", environment, "--code", f"{package}", "--output", f"{folder}")
        assert done.returncode == 0, done.stderr[-4000:]
        made[environment] = Synth(environment, folder)
    return made


@pytest.fixture(scope="session", params=["dev", "prod"])
def synth(request: pytest.FixtureRequest, synths: dict[str, Synth]) -> Synth:
    """One environment after the other."""
    return synths[request.param]
