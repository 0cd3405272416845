"""Every check runs, each exception says why, and none outlives its reason."""

import re
from pathlib import Path
from typing import Any

from synths import ROOT, RunCdk, Synth

NAG, GUARD = "AwsSolutions", "CloudFormation Validate"


def reports(synth: Synth) -> dict[str, Any]:
    return {each["pluginName"]: each for each in synth.read("validation-report.json")["pluginReports"]}


def test_nothing_is_found_that_nobody_let_pass(synth: Synth) -> None:
    found = reports(synth)
    assert {NAG, GUARD} <= found.keys()
    assert {name: each["violations"] for name, each in found.items() if each["violations"]} == {}


def acknowledged(synth: Synth) -> dict[tuple[str, str], str]:
    """Each exception as (stack, finding), and its reason, as they came out in the assembly."""
    made = {}
    for stack in synth.templates:
        for entries in synth.read(f"{stack}.metadata.json").values():
            for entry in entries:
                if entry["type"] == "aws:cdk:acknowledged-rules":
                    made |= {(stack, rule): reason for rule, reason in entry["data"].items()}
    return made


def test_no_exception_is_stale(synth: Synth) -> None:
    used = {
        (violation["acknowledgedAt"].partition("/")[0], violation["acknowledgedId"])
        for each in reports(synth).values()
        for violation in each.get("suppressedViolations", [])
    }
    ours = {key for key in acknowledged(synth) if not key[1].startswith("CloudFormation-Validate::")}
    assert len(ours) > 20
    # CDK tells of no warning of its own that was let pass. This one stands while the page's bucket is another stack's.
    assert ours - used == {("Edge", "Annotation::@aws-cdk/aws-cloudfront-origins:updateImportedBucketPolicyOac")}


def test_every_exception_has_a_reason(synth: Synth) -> None:
    for key, reason in acknowledged(synth).items():
        assert len(reason.split()) >= 4, key


BAD = """
import sys, aws_cdk as aws
from pathlib import Path
from cdk.checks import found, guard
app = aws.App(outdir=sys.argv[1])
stack = aws.Stack(app, "Bad")
for kind, properties in {
    "AWS::S3::Bucket": {},
    "AWS::SQS::Queue": {},
    "AWS::RDS::DBInstance": {"PubliclyAccessible": True, "Engine": "postgres"},
    "AWS::ElastiCache::ReplicationGroup": {"ReplicationGroupDescription": "x"},
    "AWS::KMS::Key": {"KeyPolicy": {}},
    "AWS::ElasticLoadBalancingV2::LoadBalancer": {"Scheme": "internet-facing", "Subnets": ["a", "b"]},
}.items():
    aws.CfnResource(stack, kind.replace(":", ""), type=kind, properties=properties)
aws.Validations.of(app).add_plugins(guard())
print("\\n".join(found(Path(app.synth().directory))))
"""


def test_our_own_rules_find_what_they_are_for(run_cdk: RunCdk, tmp_path: Path) -> None:
    done = run_cdk("-c", BAD, f"{tmp_path}")
    assert done.returncode == 0, done.stderr
    told = {line.partition(":")[0] for line in done.stdout.splitlines()}
    rules = re.findall(r"^rule (\w+)", (ROOT / "cdk" / "rules.guard").read_text(), re.MULTILINE)
    assert len(rules) == 6
    assert set(rules) - told == set()
