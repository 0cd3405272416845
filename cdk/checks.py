"""What the templates are held against while they are made: cdk-nag and our own Guard rules; and what was let pass."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as aws
from cdk_nag import AwsSolutionsChecks

from cdk.deployments import Deployment

_GUARD = Path(__file__).with_name("rules.guard")
_SERVICE_ROLES = "arn:<AWS::Partition>:iam::aws:policy/service-role"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A finding in a stack that is meant to be so, and why."""

    stack: str
    finding: str
    reason: str


def add(app: aws.App, deployment: Deployment) -> None:
    """Check all stacks; a finding that nobody has acknowledged fails the synthesis."""
    aws.Validations.of(app).add_plugins(AwsSolutionsChecks(app), guard())
    for each in acknowledged(deployment):
        stack = app.node.find_child(each.stack)
        aws.Validations.of(stack).acknowledge(aws.Acknowledgment(id=each.finding, reason=each.reason))


def found(folder: Path) -> list[str]:
    """What the checks found in an assembly and nobody let pass; CDK itself stops at errors, here warnings count."""
    report = folder / "validation-report.json"
    plugins = json.loads(report.read_text())["pluginReports"] if report.exists() else []
    return [f"{each['ruleName']}: {each['description']}" for plugin in plugins for each in plugin["violations"]]


def guard() -> aws.CloudFormationValidatePlugin:
    """Our own rules, evaluated in this process beside CloudFormation's own."""
    rules = aws.ValidationRuleSource(name="vaultstream", content=_GUARD.read_text())
    return aws.CloudFormationValidatePlugin(guard_rules=[rules])


def acknowledged(deployment: Deployment) -> Iterator[Acknowledged]:
    """Every exception; one that no longer is one fails a test."""
    yield from _everywhere(deployment)
    yield from _stores(deployment)
    for stack in ("Workers", "Api"):
        yield from _functions(stack)
    yield from _ways(deployment)


def _nag(stack: str, rule: str, reason: str) -> Acknowledged:
    return Acknowledged(stack, f"AwsSolutions::AwsSolutions-{rule}", reason)


def _everywhere(deployment: Deployment) -> Iterator[Acknowledged]:
    objects = f"IAM5[Resource::arn:aws:s3:::{deployment.bucket}/*]"
    for stack in ("Workers", "Api"):
        yield _nag(stack, objects, "Every object of the one bucket; which of them, the table decides.")


def _stores(deployment: Deployment) -> Iterator[Acknowledged]:
    yield _nag(
        "Security",
        "SMG4",
        "Turned by the run-book: processes read them when they start, so a new one needs new tasks and functions.",
    )
    yield _nag("Database", "RDS2", "A replica has its source's encryption, and RDS lets nobody name it again.")
    yield _nag("Database", "RDS3", "The replica is what a second zone would be for it; prod's primary has its own.")
    yield _nag("Database", "RDS11", "No port is a secret; the security groups let nobody else through.")
    yield _nag("Database", "AEC5", "As with PostgreSQL: the port is no secret.")
    yield _nag(
        "Database",
        f"IAM4[Policy::{_SERVICE_ROLES}/AmazonRDSEnhancedMonitoringRole]",
        "The policy that RDS asks for by name; it writes to its own log groups.",
    )
    if not deployment.is_prod:
        yield _nag("Database", "RDS10", "An environment for tries is deleted as it is made.")
        yield _nag("Database", "AEC4", "One node: an environment for tries may lose its cache.")


def _functions(stack: str) -> Iterator[Acknowledged]:
    yield _nag(stack, "IAM5[Resource::*]", "X-Ray's two calls and ECR's sign-in know no resources.")
    for name in ("AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole"):
        yield _nag(stack, f"IAM4[Policy::{_SERVICE_ROLES}/{name}]", "Lambda's own logs and network interfaces.")


def _ways(deployment: Deployment) -> Iterator[Acknowledged]:
    stream = deployment.arn("dynamodb", f"table/{deployment.name}/stream/*")
    yield _nag("Workers", f"IAM5[Resource::{stream}]", "A stream is named by the moment at which it was made.")
    for action in ("GenerateDataKey*", "ReEncrypt*"):
        yield _nag("Workers", f"IAM5[Action::kms:{action}]", "CDK's grant to send to the relay's sealed dead letters.")
    yield _nag("Workers", "IAM5[Resource::<Sweep576358E8.Arn>:*]", "The scheduler calls any version of the sweeper.")
    checkpoints = f"arn:aws:s3:::{deployment.audit_bucket}/*"
    yield _nag("Workers", f"IAM5[Resource::{checkpoints}]", "Any checkpoint; Object Lock keeps those that are there.")
    metered = deployment.arn("logs", f"log-group:{deployment.log('metrics')}:*")
    yield _nag("Workers", f"IAM5[Resource::{metered}]", "The collector names the streams in its log group itself.")
    yield _nag("Workers", "ECS2", "The collector's variable is its configuration.")
    for resource in (
        deployment.arn("cloudformation", f"stack/{deployment.name}-api/*"),
        deployment.arn("cloudformation", f"stack/{deployment.name}-storage/*"),
        f"arn:aws:s3:::{deployment.page_bucket}/assets/*",
        deployment.arn("ecs", f"task-definition/{deployment.name}-migrate:*"),
        deployment.arn("ecs", f"task/{deployment.name}/*"),
        f"arn:aws:iam::{deployment.account}:role/{deployment.name}-api-Migration*",
    ):
        yield _nag("Security", f"IAM5[Resource::{resource}]", "What a deploy brings and runs, whatever it ends in.")
    yield _nag("Workers", "SQS3", "These two are dead-letter queues: of a stream and of a schedule.")
    yield _nag("Api", "ECS2", "The variables name secrets and hold none.")
    yield _nag(
        "Api", "ELB2", "Its log holds whole addresses, and signed addresses are keys. CloudFront's log has none."
    )
    yield _nag("Edge", "CFR1", "The firewall denies countries, where the operator names them.")
    yield _nag("Edge", "CFR3", "The second kind of log is on, without paths and queries: addresses here are keys.")
    yield Acknowledged(
        "Edge",
        "Annotation::@aws-cdk/aws-cloudfront-origins:updateImportedBucketPolicyOac",
        "Storage writes the bucket's policy; the other way round would be a circle.",
    )
