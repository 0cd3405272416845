"""A Lambda function of the vault: one image, one role each, its log sealed and forgotten in time."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk import rights
from cdk.deployments import Deployment

ROOT = Path(__file__).parents[1]
PLATFORM = ecr_assets.Platform.LINUX_AMD64  # whoever builds it
_RUNTIME_CLIENT = ["python", "-m", "awslambdaric"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all processes share: where they run, their code, their variables, their keys."""

    deployment: Deployment
    vpc: ec2.IVpc
    callers: ec2.ISecurityGroup
    env: Mapping[str, str]
    ops_key: kms.IKey
    keys: rights.Keys

    def log_group(self, scope: Construct, name: str) -> logs.LogGroup:
        """Where a process writes; named, so that alarms and people find it."""
        return logs.LogGroup(
            scope,
            f"{name.title()}Log",
            log_group_name=self.deployment.log(name),
            encryption_key=self.ops_key,
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=aws.RemovalPolicy.DESTROY,
        )

    def function(
        self, scope: Construct, name: str, may: rights.Rights, *, memory_mb: int, timeout_seconds: int
    ) -> lambda_.Function:
        """The function whose handler is `lambdas.<name>`, from the image that the tasks run.

        Lambda opens a function's variables as the function's role.
        """
        statements = rights.statements(self.deployment, may, keys=self.keys)
        return lambda_.Function(
            scope,
            name.title(),
            function_name=f"{self.deployment.name}-{name}",
            runtime=lambda_.Runtime.FROM_IMAGE,
            code=lambda_.Code.from_asset_image(
                f"{ROOT}", cmd=[f"lambdas.{name}.handler"], entrypoint=_RUNTIME_CLIENT, platform=PLATFORM
            ),
            handler=lambda_.Handler.FROM_IMAGE,
            architecture=lambda_.Architecture.X86_64,
            memory_size=memory_mb,
            timeout=aws.Duration.seconds(timeout_seconds),
            environment=dict(self.env),
            environment_encryption=self.ops_key,
            initial_policy=[*statements, iam.PolicyStatement(actions=["kms:Decrypt"], resources=[self.keys.ops])],
            vpc=self.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            security_groups=[self.callers],
            log_group=self.log_group(scope, name),
            tracing=lambda_.Tracing.ACTIVE,
        )
