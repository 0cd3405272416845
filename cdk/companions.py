"""Servers that others make and the vault talks to inside its network: clamd, and the collector of what it tells."""

import aws_cdk as aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_servicediscovery as discovery
from constructs import Construct

from cdk.functions import Surroundings
from vaultstream import metrics

CLAMD_NAME, CLAMD_PORT = "clamd", 3310
COLLECTOR_NAME, COLLECTOR_PORT = "collector", 4318
_CLAMD_IMAGE = "clamav/clamav:1.4"
_COLLECTOR_IMAGE = "public.ecr.aws/aws-observability/aws-otel-collector:v0.43.3"
_COLLECTOR = f"""
receivers:
  otlp: {{protocols: {{http: {{endpoint: "0.0.0.0:{COLLECTOR_PORT}"}}}}}}
processors:
  batch: {{}}
exporters:
  awsxray: {{}}
  awsemf: {{namespace: {metrics.NAMESPACE}, dimension_rollup_option: NoDimensionRollup}}
service:
  pipelines:
    traces: {{receivers: [otlp], processors: [batch], exporters: [awsxray]}}
    metrics: {{receivers: [otlp], processors: [batch], exporters: [awsemf]}}
"""


def clamd(
    scope: Construct, around: Surroundings, cluster: ecs.ICluster, zone: discovery.IPrivateDnsNamespace
) -> ecs.FargateService:
    """The second scanner, kept fresh by its own freshclam; it has no rights in AWS at all."""
    task = ecs.FargateTaskDefinition(scope, "ClamdTask", cpu=1024, memory_limit_mib=4096)
    task.add_container(
        CLAMD_NAME,
        image=ecs.ContainerImage.from_registry(_CLAMD_IMAGE),
        port_mappings=[ecs.PortMapping(container_port=CLAMD_PORT)],
        logging=ecs.LogDrivers.aws_logs(stream_prefix=CLAMD_NAME, log_group=around.log_group(scope, CLAMD_NAME)),
        health_check=ecs.HealthCheck(command=["CMD", "clamdcheck.sh"], start_period=aws.Duration.minutes(5)),
    )
    return _service(scope, around, cluster, zone, task, CLAMD_NAME, CLAMD_PORT)


def collector(
    scope: Construct, around: Surroundings, cluster: ecs.ICluster, zone: discovery.IPrivateDnsNamespace
) -> ecs.FargateService:
    """Takes OTLP from every process; traces go on to X-Ray, metrics to CloudWatch."""
    task = ecs.FargateTaskDefinition(scope, "CollectorTask", cpu=256, memory_limit_mib=512)
    task.add_container(
        COLLECTOR_NAME,
        image=ecs.ContainerImage.from_registry(_COLLECTOR_IMAGE),
        environment={"AOT_CONFIG_CONTENT": _COLLECTOR},
        port_mappings=[ecs.PortMapping(container_port=COLLECTOR_PORT)],
        logging=ecs.LogDrivers.aws_logs(
            stream_prefix=COLLECTOR_NAME, log_group=around.log_group(scope, COLLECTOR_NAME)
        ),
    )
    task.add_to_task_role_policy(
        iam.PolicyStatement(actions=["xray:PutTraceSegments", "xray:PutTelemetryRecords"], resources=["*"])
    )
    task.add_to_task_role_policy(
        iam.PolicyStatement(
            actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
            resources=[around.deployment.arn("logs", f"log-group:/metrics/{metrics.NAMESPACE}*")],
        )
    )
    return _service(scope, around, cluster, zone, task, COLLECTOR_NAME, COLLECTOR_PORT)


def _service(
    scope: Construct,
    around: Surroundings,
    cluster: ecs.ICluster,
    zone: discovery.IPrivateDnsNamespace,
    task: ecs.FargateTaskDefinition,
    name: str,
    port: int,
) -> ecs.FargateService:
    group = ec2.SecurityGroup(scope, f"{name.title()}Group", vpc=around.vpc, description=name)
    group.add_ingress_rule(around.callers, ec2.Port.tcp(port), "API and workers")
    return ecs.FargateService(
        scope,
        name.title(),
        service_name=name,
        cluster=cluster,
        task_definition=task,
        desired_count=around.deployment.tasks_min,
        min_healthy_percent=50,
        circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
        security_groups=[group],
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
        cloud_map_options=ecs.CloudMapOptions(name=name, cloud_map_namespace=zone),
    )
