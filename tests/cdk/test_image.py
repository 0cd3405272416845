"""The image has no builder here: what it copies is there, it is made as make does, and all parts agree on versions."""

import re

from synths import ROOT, Synth

DOCKERFILE = (ROOT / "Dockerfile").read_text()
LET_IN = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}


def copied() -> set[str]:
    """What comes from this folder, and from no stage before."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    return {source for line in lines for source in line.split()[:-1]}


def test_everything_that_is_copied_is_here_and_let_in_and_nothing_else_is() -> None:
    assert [source for source in copied() if not (ROOT / source).exists()] == []
    by = {source: {each for each in LET_IN if f"{source}/".startswith(f"{each}/")} for source in copied()}
    assert [source for source, letting in by.items() if not letting] == []
    assert set().union(*by.values()) == LET_IN


def test_the_page_and_the_packages_are_made_as_make_makes_them() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "cd web && npm run --silent build" in makefile
    assert "cd web && npm ci --silent" in makefile
    assert re.findall(r"^RUN (npm .+)$", DOCKERFILE, re.MULTILINE) == ["npm ci --silent", "npm run build"]
    assert DOCKERFILE.count("--require-hashes -r requirements/service.txt") == 1
    assert "pyproject.toml -c requirements/run.txt -o requirements/service.txt" in makefile


def test_image_and_checks_have_one_python_and_one_node() -> None:
    checks = (ROOT / ".github" / "workflows" / "checks.yml").read_text()
    pythons = re.findall(r"^FROM python:([\d.]+)", DOCKERFILE, re.MULTILINE)
    assert set(pythons) == set(re.findall(r'python-version: "(.+?)"', checks))
    assert len(set(pythons)) == 1
    assert re.findall(r"^FROM node:(\d+)", DOCKERFILE, re.MULTILINE) == re.findall(r'node-version: "(.+?)"', checks)


def test_the_page_of_a_checkout_stays_out_for_the_image_builds_its_own() -> None:
    kept_out = (ROOT / ".dockerignore").read_text().splitlines()
    assert kept_out.index("src/vaultstream/http/site") > kept_out.index("!src")


def test_it_runs_as_nobody_in_particular_and_tells_how_it_is(synth: Synth) -> None:
    (user,) = re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)
    tasks = [each["ContainerDefinitions"][0] for _, each in synth.all("AWS::ECS::TaskDefinition")]
    assert {each["User"] for each in tasks if each["Name"] == "vault"} == {user}
    (port,) = re.findall(r"^EXPOSE (.+)$", DOCKERFILE, re.MULTILINE)
    (group,) = [each for _, each in synth.all("AWS::ElasticLoadBalancingV2::TargetGroup") if "Port" in each]
    assert f"{group['Port']}" == port
    assert f"http://127.0.0.1:{port}{group['HealthCheckPath']}" in DOCKERFILE
    (command,) = re.findall(r'^CMD \["vaultstream", "(.+)"\]$', DOCKERFILE, re.MULTILINE)
    assert (ROOT / "src" / "vaultstream" / "commands" / f"{command}.py").exists()
