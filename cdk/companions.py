"""Servers that others make and the vault talks to inside its network: clamd, and the collector of what it tells."""

import json

import aws_cdk as aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_servicediscovery as discovery
from constructs import Construct

from cdk.deployments import Deployment
from cdk.functions import Surroundings

CLAMD_NAME, CLAMD_PORT = "clamd", 3310
COLLECTOR_NAME, COLLECTOR_PORT = "collector", 4318
_CLAMD_IMAGE = "clamav/clamav:1.4"
_COLLECTOR_IMAGE = "public.ecr.aws/aws-observability/aws-otel-collector:v0.43.3"
_METRICS_LOG = "metrics"


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
    """Takes OTLP from every process; traces go on to X-Ray, metrics to CloudWatch.

    There is one, and never two at once: it knows how far each process had counted. While it starts anew nobody waits.
    """
    task = ecs.FargateTaskDefinition(scope, "CollectorTask", cpu=256, memory_limit_mib=512)
    task.add_container(
        COLLECTOR_NAME,
        image=ecs.ContainerImage.from_registry(_COLLECTOR_IMAGE),
        environment={"AOT_CONFIG_CONTENT": json.dumps(_collecting(around.deployment))},  # JSON is YAML
        port_mappings=[ecs.PortMapping(container_port=COLLECTOR_PORT)],
        logging=ecs.LogDrivers.aws_logs(
            stream_prefix=COLLECTOR_NAME, log_group=around.log_group(scope, COLLECTOR_NAME)
        ),
    )
    task.add_to_task_role_policy(
        iam.PolicyStatement(actions=["xray:PutTraceSegments", "xray:PutTelemetryRecords"], resources=["*"])
    )
    told = around.log_group(scope, _METRICS_LOG)
    task.add_to_task_role_policy(
        iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[around.deployment.arn("logs", f"log-group:{around.deployment.log(_METRICS_LOG)}:*")],
        )
    )
    service = _service(scope, around, cluster, zone, task, COLLECTOR_NAME, COLLECTOR_PORT, is_single=True)
    service.node.add_dependency(told)
    return service


def _collecting(deployment: Deployment) -> dict[str, object]:
    """The collector's configuration.

    CloudWatch adds up what it is told, so what each process counted since it began must become what it counted since
    it last told. The exporter itself would mix processes up, for its key has no instance, and leaves histograms alone.
    """
    cloudwatch = {
        "namespace": deployment.metrics_namespace,
        "log_group_name": deployment.log(_METRICS_LOG),
        "dimension_rollup_option": "NoDimensionRollup",
    }
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"0.0.0.0:{COLLECTOR_PORT}"}}}},
        "processors": {"batch": {}, "cumulativetodelta": {"max_staleness": "1h"}},
        "exporters": {"awsxray": {}, "awsemf": cloudwatch},
        "service": {
            "pipelines": {
                "traces": {"receivers": ["otlp"], "processors": ["batch"], "exporters": ["awsxray"]},
                "metrics": {
                    "receivers": ["otlp"],
                    "processors": ["cumulativetodelta", "batch"],
                    "exporters": ["awsemf"],
                },
            }
        },
    }


def _service(
    scope: Construct,
    around: Surroundings,
    cluster: ecs.ICluster,
    zone: discovery.IPrivateDnsNamespace,
    task: ecs.FargateTaskDefinition,
    name: str,
    port: int,
    *,
    is_single: bool = False,
) -> ecs.FargateService:
    group = ec2.SecurityGroup(scope, f"{name.title()}Group", vpc=around.vpc, description=name)
    group.add_ingress_rule(around.callers, ec2.Port.tcp(port), "API and workers")
    return ecs.FargateService(
        scope,
        name.title(),
        service_name=name,
        cluster=cluster,
        task_definition=task,
        desired_count=1 if is_single else around.deployment.tasks_min,
        min_healthy_percent=0 if is_single else 50,
        max_healthy_percent=100 if is_single else 200,
        circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
        security_groups=[group],
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
        cloud_map_options=ecs.CloudMapOptions(name=name, cloud_map_namespace=zone),
    )
