"""Network: the VPC, its ways to AWS, the security groups of who calls, and the cluster that tasks run in."""

import aws_cdk as aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_servicediscovery as discovery
from constructs import Construct

from cdk.deployments import Deployment

_SERVICES = {
    "Kms": ec2.InterfaceVpcEndpointAwsService.KMS,
    "Secrets": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "Events": ec2.InterfaceVpcEndpointAwsService.EVENTBRIDGE,
    "Logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    "Ecr": ec2.InterfaceVpcEndpointAwsService.ECR,
    "EcrDocker": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
}
INTERNAL_ZONE = "vaultstream.internal"


class Network(aws.Stack):
    """Three tiers of subnets: what the internet reaches (NAT only), what runs, and what stores."""

    def __init__(self, scope: Construct, deployment: Deployment, *, logs_key: kms.IKey) -> None:
        super().__init__(scope, "Network", env=deployment.env(), stack_name=f"{deployment.name}-network")
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            availability_zones=[f"{deployment.region}{letter}" for letter in "abc"[: deployment.zones]],
            nat_gateways=deployment.nat_gateways,
            restrict_default_security_group=False,  # CDK would do it with a function of its own; nothing uses it
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="public", subnet_type=ec2.SubnetType.PUBLIC, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(name="run", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
                ec2.SubnetConfiguration(name="store", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            ],
        )
        self._flow_logs(logs_key)
        self.callers = ec2.SecurityGroup(self, "Callers", vpc=self.vpc, description="API and workers")
        self._ways_to_aws()
        self.balancer = ec2.SecurityGroup(self, "Balancer", vpc=self.vpc, description="Load balancer")
        self.balancer.add_ingress_rule(
            ec2.Peer.prefix_list(deployment.cloudfront_prefix_list), ec2.Port.tcp(443), "CloudFront"
        )
        self.callers.add_ingress_rule(self.balancer, ec2.Port.tcp(8000), "the load balancer to the API's tasks")
        self.cluster = ecs.Cluster(
            self,
            "Cluster",
            vpc=self.vpc,
            cluster_name=deployment.name,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
        )
        self.zone = discovery.PrivateDnsNamespace(self, "Zone", name=INTERNAL_ZONE, vpc=self.vpc)

    def _flow_logs(self, key: kms.IKey) -> None:
        group = logs.LogGroup(
            self,
            "FlowLogs",
            encryption_key=key,
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=aws.RemovalPolicy.DESTROY,
        )
        self.vpc.add_flow_log("Flows", destination=ec2.FlowLogDestination.to_cloud_watch_logs(group))

    def _ways_to_aws(self) -> None:
        """Data goes to AWS without passing the internet; the gateways cost nothing."""
        self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        self.vpc.add_gateway_endpoint("DynamoDb", service=ec2.GatewayVpcEndpointAwsService.DYNAMODB)
        group = ec2.SecurityGroup(self, "Endpoints", vpc=self.vpc, description="AWS services", allow_all_outbound=False)
        group.add_ingress_rule(self.callers, ec2.Port.tcp(443), "API and workers")
        for name, service in _SERVICES.items():
            self.vpc.add_interface_endpoint(name, service=service, security_groups=[group], open=False)
