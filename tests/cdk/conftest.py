"""The templates of both environments, synthesized once a session by the program that deploys them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import parts as world
import pytest

from vaultstream.local import parts
from vaultstream.local.probes import free_port

sys.path.insert(0, str(Path(__file__).parent))  # the tests share modules, and speak with the clients of others
sys.path.insert(0, str(Path(__file__).parents[1] / "gql"))
sys.path.insert(0, str(Path(__file__).parents[1] / "adapters"))

import emulator  # found by the line above, as is the next
from synths import ROOT, RunCdk, Synth, Synths


def have(target: str) -> None:
    """Have the environment that synthesizes; it is there already unless nobody asked before."""
    subprocess.run(["make", "-s", target], cwd=ROOT, check=True, capture_output=True, timeout=300)


@pytest.fixture(scope="session")
def run_cdk() -> RunCdk:
    """Runs Python where CDK is. There is no network: a template that anybody has to be asked for is none."""
    have(".venv/cdk/.done")
    home = ROOT / ".venv" / "cdk" / "bin"
    env = {"PATH": f"{home}:{os.environ['PATH']}", "HOME": os.environ["HOME"]}
    if os.geteuid() != 0:  # in there the folders above the cache are nobody's, and jsii refuses it
        env["JSII_RUNTIME_PACKAGE_CACHE"] = "disabled"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["unshare", "-rn", f"{home}/python", *arguments]
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False)

    return run


@pytest.fixture(scope="session")
def synths(run_cdk: RunCdk, tmp_path_factory: pytest.TempPathFactory) -> Synths:
    """The environments."""

    def make(environment: str) -> Synth:
        folder = tmp_path_factory.mktemp(environment)
        done = run_cdk("-m", "cdk.app", environment, "--output", f"{folder}")
        assert done.returncode == 0, done.stderr[-4000:]
        return Synth(environment, folder)

    return Synths(make)


@pytest.fixture(scope="session", params=["dev", "prod"])
def synth(request: pytest.FixtureRequest, synths: Synths) -> Synth:
    """One environment after the other."""
    return synths[request.param]


@pytest.fixture(scope="session")
def emulated(synths: Synths, tmp_path_factory: pytest.TempPathFactory, logs: Path) -> Iterator[str]:
    """An account in an emulator that enforces IAM, with the stacks of `dev` in it."""
    folder = tmp_path_factory.mktemp("emulated")
    part = parts.aws(folder, free_port(), emulator.REGION, is_durable=False)
    (env := dict(part.env)).pop("SERVICES")
    env |= {"AUTH": "true", "MINISTACK_ACCOUNT_ID": emulator.ACCOUNT}
    with world.running(replace(part, env=env), logs):
        endpoint = f"http://{part.address}"
        emulator.deploy(endpoint, synths["dev"])
        yield endpoint
