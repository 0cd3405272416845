"""Api: one ASGI app as a Lambda alias for short answers and as a Fargate service for long ones, behind one balancer."""

from collections.abc import Mapping
from typing import cast

import aws_cdk as aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as balancing
from aws_cdk import aws_elasticloadbalancingv2_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from cdk import rights
from cdk.functions import PLATFORM, ROOT, Surroundings
from vaultstream.settings import PREFIX

ALIAS = "live"
PROVISIONED = 2  # instances that are always warm: no request of a quiet hour waits for a cold start
PORT = 8000
_TLS = balancing.SslPolicy.TLS13_RES


class Api(aws.Stack):
    """GraphQL's short answers come from Lambda; sockets, event streams, uploads and downloads from Fargate."""

    def __init__(
        self,
        scope: Construct,
        around: Surroundings,
        *,
        cluster: ecs.ICluster,
        balancer_group: ec2.ISecurityGroup,
        owner: Mapping[str, str],
    ) -> None:
        deployment = around.deployment
        super().__init__(scope, "Api", env=deployment.env(), stack_name=f"{deployment.name}-api")
        self.around = around
        self.alias = self._lambda()
        image = ecs.ContainerImage.from_asset(f"{ROOT}", asset_name="vaultstream", platform=PLATFORM)
        self.service = self._service(cluster, image)
        self._migration(image, owner)
        self.balancer = balancing.ApplicationLoadBalancer(
            self,
            "Balancer",
            load_balancer_name=deployment.name,
            vpc=around.vpc,
            internet_facing=False,
            security_group=balancer_group,
            drop_invalid_header_fields=True,
            desync_mitigation_mode=balancing.DesyncMitigationMode.STRICTEST,
            deletion_protection=deployment.keeps_data,
            idle_timeout=aws.Duration.seconds(300),
        )
        subnets = ",".join(around.vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS).subnet_ids)
        groups = around.callers.security_group_id
        aws.CfnOutput(
            self,
            "MigrationNetwork",
            value=f"awsvpcConfiguration={{subnets=[{subnets}],securityGroups=[{groups}],assignPublicIp=DISABLED}}",
        )
        self.tasks = self._listen(deployment.certificate)

    def _lambda(self) -> lambda_.Alias:
        function = self.around.function(self, "api", rights.API, memory_mb=1769, timeout_seconds=29)
        alias = lambda_.Alias(
            self,
            "Live",
            alias_name=ALIAS,
            version=function.current_version,
            provisioned_concurrent_executions=PROVISIONED,
        )
        busy = alias.add_auto_scaling(min_capacity=PROVISIONED, max_capacity=50)
        busy.scale_on_utilization(utilization_target=0.7)
        return alias

    def _service(self, cluster: ecs.ICluster, image: ecs.ContainerImage) -> ecs.FargateService:
        task = self._task("Task", "api-tasks", image, rights.API, self.around.env)
        service = ecs.FargateService(
            self,
            "Service",
            service_name="api",
            cluster=cluster,
            task_definition=task,
            desired_count=self.around.deployment.tasks_min,
            min_healthy_percent=100,
            max_healthy_percent=200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            security_groups=[self.around.callers],
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
        )
        many = service.auto_scale_task_count(
            min_capacity=self.around.deployment.tasks_min, max_capacity=self.around.deployment.tasks_max
        )
        many.scale_on_cpu_utilization("Cpu", target_utilization_percent=60)
        return service

    def _task(
        self, name: str, log: str, image: ecs.ContainerImage, may: rights.Rights, env: Mapping[str, str]
    ) -> ecs.FargateTaskDefinition:
        role = iam.Role(self, f"{name}Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
        around = self.around
        for statement in rights.statements(around.deployment, may, keys=around.keys):
            role.add_to_policy(statement)
        task = ecs.FargateTaskDefinition(
            self, name, family=f"{around.deployment.name}-{log}", cpu=1024, memory_limit_mib=2048, task_role=role
        )
        task.add_container(
            "vault",
            image=image,
            environment=dict(env),
            readonly_root_filesystem=True,
            user="10001",
            port_mappings=[ecs.PortMapping(container_port=PORT)],
            logging=ecs.LogDrivers.aws_logs(stream_prefix="vault", log_group=around.log_group(self, log)),
            stop_timeout=aws.Duration.seconds(60),
        )
        return task

    def _migration(self, image: ecs.ContainerImage, owner: Mapping[str, str]) -> None:
        """A task that a deploy runs once: `vaultstream migrate` as the database's owner."""
        env = {f"{PREFIX}REGION": self.around.deployment.region, **owner}
        task = self._task("MigrationTask", "migrate", image, rights.MIGRATE, env)
        plain = cast("ecs.CfnTaskDefinition", task.node.default_child)
        plain.add_property_override("ContainerDefinitions.0.Command", ["vaultstream", "migrate"])

    def _listen(self, certificate: str) -> balancing.ApplicationTargetGroup:
        listener = self.balancer.add_listener(
            "Https",
            port=443,
            open=False,
            protocol=balancing.ApplicationProtocol.HTTPS,
            certificates=[balancing.ListenerCertificate.from_arn(certificate)],
            ssl_policy=_TLS,
        )
        tasks = balancing.ApplicationTargetGroup(
            self,
            "Tasks",
            vpc=self.around.vpc,
            port=PORT,
            protocol=balancing.ApplicationProtocol.HTTP,
            targets=[self.service],
            deregistration_delay=aws.Duration.seconds(60),
            health_check=balancing.HealthCheck(path="/health", interval=aws.Duration.seconds(15)),
        )
        short = balancing.ApplicationTargetGroup(
            self,
            "Short",
            target_type=balancing.TargetType.LAMBDA,
            targets=[targets.LambdaTarget(self.alias)],
            multi_value_headers_enabled=True,
        )
        listener.add_target_groups("Default", target_groups=[tasks])
        graphql = balancing.ListenerCondition.path_patterns(["/graphql"])
        for priority, (name, value) in enumerate((("Upgrade", "websocket"), ("Accept", "*text/event-stream*")), 1):
            listener.add_action(
                name,
                priority=priority,
                conditions=[graphql, balancing.ListenerCondition.http_header(name, [value])],
                action=balancing.ListenerAction.forward([tasks]),
            )
        listener.add_action(
            "Short", priority=10, conditions=[graphql], action=balancing.ListenerAction.forward([short])
        )
        return tasks
