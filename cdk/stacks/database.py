"""Database: PostgreSQL with its replica for the audit log and search, and the cache."""

import aws_cdk as aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cdk.deployments import Deployment

DATABASE = "vaultstream"
OWNER = "vaultstream_owner"
_ENGINE = rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_18_3)  # the major that tests run
_ROTATION_DAYS = 30


class Database(aws.Stack):
    """Servers in the subnets that have no way out; each has its own security group, so that no rule makes a circle."""

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        *,
        vpc: ec2.IVpc,
        callers: ec2.ISecurityGroup,
        keys: tuple[kms.IKey, kms.IKey],
        redis_token: secretsmanager.ISecret,
    ) -> None:
        super().__init__(scope, "Database", env=deployment.env(), stack_name=f"{deployment.name}-database")
        self.deployment = deployment
        self.vpc = vpc
        self.data_key, self.ops_key = keys
        log = logs.LogGroup(
            self,
            "PostgresLog",
            log_group_name=f"/aws/rds/instance/{deployment.name}/postgresql",  # where RDS writes
            encryption_key=self.ops_key,
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=aws.RemovalPolicy.DESTROY,
        )
        self.primary = self._primary(callers)
        self.primary.node.add_dependency(log)
        self.replica = self._replica()
        self.primary.add_rotation_single_user(
            automatically_after=aws.Duration.days(_ROTATION_DAYS), exclude_characters=_UNSAFE
        )
        self.redis_host = self._cache(callers, redis_token)

    def _primary(self, callers: ec2.ISecurityGroup) -> rds.DatabaseInstance:
        group = ec2.SecurityGroup(
            self, "PostgresGroup", vpc=self.vpc, description="PostgreSQL", allow_all_outbound=False
        )
        group.add_ingress_rule(callers, ec2.Port.tcp(5432), "API and workers")
        self.postgres_group = group
        return rds.DatabaseInstance(
            self,
            "Postgres",
            engine=_ENGINE,
            instance_identifier=self.deployment.name,
            instance_type=ec2.InstanceType(self.deployment.database_class),
            vpc=self.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_groups=[group],
            database_name=DATABASE,
            credentials=rds.Credentials.from_generated_secret(
                OWNER,
                secret_name=f"{self.deployment.name}/database-owner",
                encryption_key=self.ops_key,
                exclude_characters=_UNSAFE,
            ),
            parameter_group=rds.ParameterGroup(
                self,
                "Parameters",
                engine=_ENGINE,
                parameters={"rds.force_ssl": "1", "log_min_duration_statement": "1000"},
            ),
            multi_az=self.deployment.is_prod,
            storage_encrypted=True,
            storage_encryption_key=self.data_key,
            allocated_storage=100,
            max_allocated_storage=2000,
            backup_retention=aws.Duration.days(35),
            copy_tags_to_snapshot=True,
            cloudwatch_logs_exports=["postgresql"],
            enable_performance_insights=True,
            performance_insight_encryption_key=self.ops_key,
            monitoring_interval=aws.Duration.minutes(1),
            auto_minor_version_upgrade=True,
            deletion_protection=self.deployment.keeps_data,
            removal_policy=self.deployment.removal,
        )

    def _replica(self) -> rds.DatabaseInstanceReadReplica:
        """Reads of the audit log; it has the primary's encryption, which RDS does not let it name again."""
        return rds.DatabaseInstanceReadReplica(
            self,
            "PostgresReplica",
            source_database_instance=self.primary,
            instance_identifier=f"{self.deployment.name}-replica",
            instance_type=ec2.InstanceType(self.deployment.database_class),
            vpc=self.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_groups=[self.postgres_group],
            auto_minor_version_upgrade=True,
            monitoring_interval=aws.Duration.minutes(1),
            deletion_protection=self.deployment.keeps_data,
            removal_policy=aws.RemovalPolicy.DESTROY,
        )

    def _cache(self, callers: ec2.ISecurityGroup, token: secretsmanager.ISecret) -> str:
        group = ec2.SecurityGroup(self, "CacheGroup", vpc=self.vpc, description="Cache", allow_all_outbound=False)
        group.add_ingress_rule(callers, ec2.Port.tcp(6379), "API and workers")
        subnets = elasticache.CfnSubnetGroup(
            self,
            "CacheSubnets",
            cache_subnet_group_name=self.deployment.name,
            description="the subnets that store",
            subnet_ids=self.vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED).subnet_ids,
        )
        many = self.deployment.cache_nodes > 1
        cache = elasticache.CfnReplicationGroup(
            self,
            "Cache",
            replication_group_id=self.deployment.name,
            replication_group_description="cached reads, nudges, budgets",
            engine="valkey",
            engine_version="8.0",
            cache_node_type=self.deployment.cache_node,
            num_cache_clusters=self.deployment.cache_nodes,
            automatic_failover_enabled=many,
            multi_az_enabled=many,
            cache_subnet_group_name=subnets.ref,
            security_group_ids=[group.security_group_id],
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            at_rest_encryption_enabled=True,
            kms_key_id=self.ops_key.key_arn,
            auth_token=token.secret_value.unsafe_unwrap(),  # a dynamic reference: the template holds no token
            snapshot_retention_limit=7 if many else 0,
        )
        return cache.attr_primary_end_point_address


_UNSAFE = "\"'\\/@ %:?#&+;=[]{}<>()|^`~$*!,"  # what a password in a URL would have to escape
