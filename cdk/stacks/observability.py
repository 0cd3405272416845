"""Observability: who touched what (CloudTrail), where time goes (X-Ray), what needs a person (alarms), a dashboard."""

from typing import cast

import aws_cdk as aws
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_xray as xray
from constructs import Construct

from cdk.alarms import Alarm
from cdk.deployments import Deployment
from vaultstream import metrics

_SAMPLED_RATE = 0.05


class Observability(aws.Stack):
    """What an operator looks at."""

    def __init__(
        self, scope: Construct, deployment: Deployment, *, ops_key: kms.IKey, alarms: tuple[Alarm, ...]
    ) -> None:
        super().__init__(scope, "Observability", env=deployment.env(), stack_name=f"{deployment.name}-observability")
        self.deployment = deployment
        self.topic = sns.Topic(
            self, "Operators", topic_name=f"{deployment.name}-operators", master_key=ops_key, enforce_ssl=True
        )
        self.topic.add_subscription(subscriptions.EmailSubscription(deployment.operator_email))
        self._trail(ops_key)
        self._traces()
        made = [self._alarm(alarm) for alarm in alarms]
        self._whole(made)
        self._dashboard(alarms)

    def _trail(self, key: kms.IKey) -> None:
        """Data events of the vault's bucket, table and functions, in a bucket nobody writes to but CloudTrail."""
        bucket = s3.Bucket(
            self,
            "TrailBucket",
            bucket_name=f"{self.deployment.bucket}-trail",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=[s3.LifecycleRule(id="forget", expiration=aws.Duration.days(400))],
            removal_policy=self.deployment.removal,
        )
        logged = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=f"{self.deployment.bucket}-logs", log_file_prefix="trail/"
        )
        cast("s3.CfnBucket", bucket.node.default_child).logging_configuration = logged
        trail = cloudtrail.Trail(
            self,
            "Trail",
            trail_name=self.deployment.name,
            bucket=bucket,
            encryption_key=key,
            is_multi_region_trail=True,
            enable_file_validation=True,
            send_to_cloud_watch_logs=False,
        )
        plain = cast("cloudtrail.CfnTrail", trail.node.default_child)
        selector = cloudtrail.CfnTrail.DataResourceProperty
        plain.event_selectors = [
            cloudtrail.CfnTrail.EventSelectorProperty(
                read_write_type="All",
                include_management_events=True,
                data_resources=[
                    selector(type="AWS::S3::Object", values=[f"arn:aws:s3:::{self.deployment.bucket}/"]),
                    selector(
                        type="AWS::DynamoDB::Table",
                        values=[self.deployment.arn("dynamodb", f"table/{self.deployment.name}")],
                    ),
                ],
            )
        ]

    def _traces(self) -> None:
        xray.CfnGroup(self, "Slow", group_name=f"{self.deployment.name}-slow", filter_expression="responsetime > 1")
        xray.CfnSamplingRule(
            self,
            "Sampling",
            sampling_rule=xray.CfnSamplingRule.SamplingRuleProperty(
                rule_name=self.deployment.name,
                priority=100,
                reservoir_size=5,
                fixed_rate=_SAMPLED_RATE,
                host="*",
                http_method="*",
                resource_arn="*",
                service_name="*",
                service_type="*",
                url_path="*",
                version=1,
            ),
        )

    def _alarm(self, alarm: Alarm) -> cloudwatch.Alarm:
        made = cloudwatch.Alarm(
            self,
            "".join(word.title() for word in alarm.name.split("-")),
            alarm_name=f"{self.deployment.name}-{alarm.name}",
            alarm_description=f"{alarm.meaning} Run-book: docs/operations.md#{alarm.runbook or alarm.name}",
            metric=alarm.metric,
            threshold=alarm.threshold,
            evaluation_periods=alarm.periods,
            comparison_operator=(
                cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
                if alarm.is_low
                else cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
            ),
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        made.add_alarm_action(actions.SnsAction(self.topic))
        made.add_ok_action(actions.SnsAction(self.topic))
        return made

    def _whole(self, alarms: list[cloudwatch.Alarm]) -> None:
        """One light for the whole vault, which a deploy watches too."""
        cloudwatch.CompositeAlarm(
            self,
            "Whole",
            composite_alarm_name=self.deployment.name,
            alarm_rule=cloudwatch.AlarmRule.any_of(*alarms),
        )

    def _dashboard(self, alarms: tuple[Alarm, ...]) -> None:
        graphs = [
            cloudwatch.GraphWidget(
                title=alarm.meaning,
                left=[alarm.metric],
                left_annotations=[cloudwatch.HorizontalAnnotation(value=alarm.threshold, color="#d13212")],
                width=8,
            )
            for alarm in alarms
        ]
        graphs += [_told(metric, self.deployment.metrics_namespace) for metric in metrics.METRICS]
        rows = [graphs[start : start + 3] for start in range(0, len(graphs), 3)]
        cloudwatch.Dashboard(
            self, "Dashboard", dashboard_name=self.deployment.name, widgets=[list(row) for row in rows]
        )


def _told(metric: metrics.Metric, namespace: str) -> cloudwatch.GraphWidget:
    """What the vault tells of itself: a line for each series, whatever dimensions the collector gave it.

    Of a histogram CloudWatch is told count and sum, so it knows the mean and no percentile.
    """
    statistics = {metrics.Kind.HISTOGRAM: "Average", metrics.Kind.COUNTER: "Sum", metrics.Kind.GAUGE: "Maximum"}
    found = f"SEARCH('Namespace=\"{namespace}\" MetricName=\"{metric.full_name}\"', '{statistics[metric.kind]}', 60)"
    return cloudwatch.GraphWidget(
        title=metric.help, left=[cloudwatch.MathExpression(expression=found, using_metrics={}, label="")], width=8
    )
