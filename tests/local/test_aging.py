"""The commands about tiers: days go by for a running stack, and costs are told side by side."""

import subprocess
import sys
from pathlib import Path

import parts as world
import pytest

from vaultstream.local import parts, ports
from vaultstream.local.aging import NotAged, advance
from vaultstream.local.data import held
from vaultstream.local.embedded import NAME, REGION, Secrets
from vaultstream.local.provision import lifecycle_rules
from vaultstream.local.s3.signature import Credentials

from .conftest import boto


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vaultstream", *arguments], capture_output=True, text=True, check=False
    )


async def test_days_go_by_for_the_stack_that_runs_here(tmp_path: Path, logs: Path) -> None:
    with pytest.raises(NotAged, match="No vault is running"):
        advance(tmp_path, 200)
    with held(tmp_path):
        at, key = ports.claim(tmp_path, 8000)[0], Secrets.of(tmp_path).access_key
        with world.running(parts.s3(tmp_path / "s3", at["s3"], key), logs) as part:
            async with boto("s3", f"http://{part.address}", Credentials(key.id, key.secret.reveal())) as s3:
                place = {"LocationConstraint": REGION}
                await s3.create_bucket(Bucket=NAME, CreateBucketConfiguration=place)
                rules = {"Rules": lifecycle_rules()}
                await s3.put_bucket_lifecycle_configuration(Bucket=NAME, LifecycleConfiguration=rules)
                await s3.put_object(Bucket=NAME, Key="files/a/b/1", Body=bytes(200_000))
                advance(tmp_path, 90)
                assert (await s3.head_object(Bucket=NAME, Key="files/a/b/1"))["StorageClass"] == "GLACIER_IR"
            with pytest.raises(NotAged, match="refused"):
                advance(tmp_path, 40_000)


def test_costs_are_told_beside_those_of_another_policy() -> None:
    told = command("costs", "--files", "1000", "--mib", "100", "--policy", "GLACIER_IR=60")
    assert told.returncode == 0, told.stderr
    (less,) = [line for line in told.stdout.splitlines() if line.startswith("less")]
    plain, ours, other = (float(cell.removesuffix("%")) for cell in less.split()[1:])
    assert plain == 0
    assert 60 < other < ours < 100


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("costs", "--policy", "GLACIER_IR=6"), "before its minimum duration"),
        (("costs", "--policy", "FROZEN=60"), "FROZEN"),
        (("tiers", "advance"), "--days 200"),
        (("tiers", "advance", "--days", "0"), "1 to 36500"),
        (("tiers", "--bogus"), "unrecognized arguments"),
    ],
)
def test_what_a_command_does_not_take_is_told_plainly(arguments: tuple[str, ...], why: str) -> None:
    told = command(*arguments)
    assert told.returncode != 0
    assert why in told.stderr
    assert "Traceback" not in told.stderr


def test_the_rules_are_told_as_they_are() -> None:
    told = command("tiers").stdout
    assert "DEEP_ARCHIVE after 180 days" in told
    assert "over 128 KiB, up to 2,048 KiB" in told
