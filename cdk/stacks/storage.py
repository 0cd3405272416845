"""Storage: the one table, the bucket of sealed objects, and the buckets of logs, checkpoints and the page."""

from typing import cast

import aws_cdk as aws
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk.deployments import Deployment
from vaultstream import table, tiers

_CHECKPOINT_DAYS = 400  # a year of the audit log can be proven, with a month to do it in


class Storage(aws.Stack):
    """What must not be lost."""

    def __init__(self, scope: Construct, deployment: Deployment, *, data_key: kms.IKey) -> None:
        super().__init__(scope, "Storage", env=deployment.env(), stack_name=f"{deployment.name}-storage")
        self.deployment = deployment
        self.table = self._table(data_key)
        self.logs = self._log_bucket()
        self.blobs = self._blobs(data_key)
        self.checkpoints = self._checkpoints(data_key)
        self.page = self._page(data_key)
        aws.CfnOutput(self, "PageBucket", value=self.page.bucket_name)

    def _table(self, key: kms.IKey) -> dynamodb.TableV2:
        return dynamodb.TableV2(
            self,
            "Table",
            table_name=self.deployment.name,
            partition_key=_text(table.PK),
            sort_key=_text(table.SK),
            global_secondary_indexes=[
                dynamodb.GlobalSecondaryIndexPropsV2(
                    index_name=index.name, partition_key=_text(index.pk), sort_key=_text(index.sk)
                )
                for index in table.INDEXES
            ],
            billing=dynamodb.Billing.on_demand(),
            time_to_live_attribute=table.TTL,
            dynamo_stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True, recovery_period_in_days=35
            ),
            contributor_insights_specification=dynamodb.ContributorInsightsSpecification(enabled=True),
            encryption=dynamodb.TableEncryptionV2.customer_managed_key(key),
            deletion_protection=self.deployment.keeps_data,
            removal_policy=self.deployment.removal,
        )

    def _log_bucket(self) -> s3.Bucket:
        """Access logs of the other buckets; S3 delivers them to SSE-S3 buckets only."""
        bucket = s3.Bucket(
            self,
            "Logs",
            bucket_name=f"{self.deployment.bucket}-logs",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(id="forget", expiration=aws.Duration.days(400))],
            removal_policy=self.deployment.removal,
        )
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[bucket.arn_for_objects("trail/*")],
                conditions={"StringEquals": {"aws:SourceAccount": self.deployment.account}},
            )
        )
        return bucket

    def _blobs(self, key: kms.IKey) -> s3.Bucket:
        """Sealed objects. No versioning: a version that is shredded is gone, and the table keeps the versions."""
        bucket = s3.Bucket(
            self,
            "Blobs",
            bucket_name=self.deployment.bucket,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            server_access_logs_bucket=self.logs,
            server_access_logs_prefix="blobs/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="abandoned",
                    abort_incomplete_multipart_upload_after=aws.Duration.days(tiers.ABANDONED_UPLOAD_DAYS),
                ),
                *(_moving(rule) for rule in tiers.RULES),
            ],
            removal_policy=self.deployment.removal,
        )
        _tell_the_bus(bucket)
        return bucket

    def _checkpoints(self, key: kms.IKey) -> s3.Bucket:
        """Signed checkpoints of the audit log: nobody, the vault's own roles included, can take one back."""
        return s3.Bucket(
            self,
            "Checkpoints",
            bucket_name=self.deployment.audit_bucket,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            object_lock_enabled=True,
            object_lock_default_retention=(
                s3.ObjectLockRetention.compliance(aws.Duration.days(_CHECKPOINT_DAYS))
                if self.deployment.keeps_data
                else s3.ObjectLockRetention.governance(aws.Duration.days(1))
            ),
            server_access_logs_bucket=self.logs,
            server_access_logs_prefix="checkpoints/",
            removal_policy=self.deployment.removal,
        )

    def _page(self, key: kms.IKey) -> s3.Bucket:
        """The page's hashed files. CloudFront alone reads them, and only for distributions of this account (OAC)."""
        bucket = s3.Bucket(
            self,
            "Page",
            bucket_name=self.deployment.page_bucket,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            server_access_logs_bucket=self.logs,
            server_access_logs_prefix="page/",
            removal_policy=self.deployment.removal,
        )
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudfront.amazonaws.com")],
                actions=["s3:GetObject"],
                resources=[bucket.arn_for_objects("*")],
                conditions={
                    "ArnLike": {"aws:SourceArn": f"arn:aws:cloudfront::{self.deployment.account}:distribution/*"},
                    "StringEquals": {"aws:SourceAccount": self.deployment.account},
                },
            )
        )
        return bucket


def _moving(rule: tiers.LifecycleRule) -> s3.LifecycleRule:
    """A rule of the contract, in S3's words."""
    return s3.LifecycleRule(
        id=rule.id,
        prefix=rule.prefix,
        object_size_greater_than=rule.over_bytes,
        object_size_less_than=None if rule.up_to_bytes is None else rule.up_to_bytes + 1,
        transitions=[
            s3.Transition(
                storage_class=s3.StorageClass(step.to.value), transition_after=aws.Duration.days(step.after_days)
            )
            for step in rule.transitions
        ],
    )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


def _tell_the_bus(bucket: s3.Bucket) -> None:
    """Send the bucket's events to EventBridge; CDK's own switch would add a function to do what a property does."""
    plain = cast("s3.CfnBucket", bucket.node.default_child)
    plain.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    )
