"""What needs a person: each row is an alarm, a graph on the dashboard, and a chapter of docs/operations.md."""

from collections.abc import Iterator
from dataclasses import dataclass

import aws_cdk as aws
from aws_cdk import aws_cloudwatch as cloudwatch

from cdk import rights
from cdk.deployments import Deployment
from vaultstream import events, metrics

_MINUTE = aws.Duration.minutes(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """It rings when the metric is above (or, `is_low`, below) the threshold for so many minutes in a row.

    `runbook` is its chapter, where that is not called as the alarm.
    """

    name: str
    meaning: str
    metric: cloudwatch.IMetric
    threshold: float
    runbook: str = ""
    periods: int = 5
    is_low: bool = False


def alarms(deployment: Deployment, *, balancer: str, tasks: str) -> tuple[Alarm, ...]:
    """Every alarm; the load balancer and its target group by their full names in CloudWatch."""
    return (
        *_messages(deployment),
        *_functions(deployment),
        *_doors(balancer, tasks, deployment),
        *_stores(deployment),
        *_own(deployment),
    )


def _metric(namespace: str, name: str, statistic: str, **dimensions: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=f"AWS/{namespace}", metric_name=name, statistic=statistic, period=_MINUTE, dimensions_map=dimensions
    )


def _messages(deployment: Deployment) -> Iterator[Alarm]:
    for name in [row.name for row in events.WORKERS] + ["relay", "sweep"]:
        yield Alarm(
            name=f"{name}-dead-letters",
            runbook="dead-letters",
            meaning=f"Something failed every attempt of {name}.",
            metric=_metric(
                "SQS", "ApproximateNumberOfMessagesVisible", "Maximum", QueueName=f"{deployment.name}-{name}-dead"
            ),
            threshold=0,
            periods=1,
        )
    for row in events.WORKERS:
        yield Alarm(
            name=f"{row.name}-late",
            runbook="late",
            meaning=f"The oldest message of {row.name} waits too long.",
            metric=_metric(
                "SQS", "ApproximateAgeOfOldestMessage", "Maximum", QueueName=f"{deployment.name}-{row.name}"
            ),
            threshold=max(300, 2 * row.visibility_seconds),
        )


def _functions(deployment: Deployment) -> Iterator[Alarm]:
    for name in [*rights.WORKERS, "api"]:
        yield Alarm(
            name=f"{name}-errors",
            runbook="errors",
            meaning=f"The function {name} fails.",
            metric=_metric("Lambda", "Errors", "Sum", FunctionName=f"{deployment.name}-{name}"),
            threshold=0 if name == "sweep" else 5,  # it runs once a minute
        )
    yield Alarm(
        name="relay-behind",
        meaning="Events wait in the table's stream.",
        metric=_metric("Lambda", "IteratorAge", "Maximum", FunctionName=f"{deployment.name}-relay"),
        threshold=60_000,
    )
    yield Alarm(
        name="api-throttled",
        meaning="Lambda turns requests away.",
        metric=_metric("Lambda", "Throttles", "Sum", FunctionName=f"{deployment.name}-api"),
        threshold=0,
    )


def _doors(balancer: str, tasks: str, deployment: Deployment) -> Iterator[Alarm]:
    yield Alarm(
        name="answers-failing",
        meaning="The vault answers with its own failures.",
        metric=_metric("ApplicationELB", "HTTPCode_Target_5XX_Count", "Sum", LoadBalancer=balancer),
        threshold=10,
    )
    yield Alarm(
        name="answers-slow",
        meaning="One answer in a hundred takes more than two seconds.",
        metric=_metric("ApplicationELB", "TargetResponseTime", "p99", LoadBalancer=balancer),
        threshold=2,
        periods=10,
    )
    yield Alarm(
        name="tasks-unhealthy",
        meaning="A task does not answer its health check.",
        metric=_metric("ApplicationELB", "UnHealthyHostCount", "Maximum", LoadBalancer=balancer, TargetGroup=tasks),
        threshold=0,
    )
    yield Alarm(
        name="tasks-busy",
        meaning="The tasks' processors are full although their number grows.",
        metric=_metric("ECS", "CPUUtilization", "Average", ClusterName=deployment.name, ServiceName="api"),
        threshold=85,
        periods=10,
    )


def _stores(deployment: Deployment) -> Iterator[Alarm]:
    name = deployment.name
    yield Alarm(
        name="table-throttled",
        meaning="DynamoDB turns requests away.",
        metric=_metric("DynamoDB", "ThrottledRequests", "Sum", TableName=name),
        threshold=0,
    )
    yield Alarm(
        name="database-full",
        meaning="PostgreSQL has less than 10 GB of storage left.",
        metric=_metric("RDS", "FreeStorageSpace", "Minimum", DBInstanceIdentifier=name),
        threshold=10 * 2**30,
        is_low=True,
    )
    yield Alarm(
        name="database-busy",
        meaning="PostgreSQL's processors are full.",
        metric=_metric("RDS", "CPUUtilization", "Average", DBInstanceIdentifier=name),
        threshold=85,
        periods=15,
    )
    yield Alarm(
        name="replica-behind",
        meaning="The replica is a minute behind.",
        metric=_metric("RDS", "ReplicaLag", "Maximum", DBInstanceIdentifier=f"{name}-replica"),
        threshold=60,
    )
    yield Alarm(
        name="cache-full",
        meaning="The cache's memory is nearly full.",
        metric=_metric("ElastiCache", "DatabaseMemoryUsagePercentage", "Maximum", CacheClusterId=f"{name}-001"),
        threshold=85,
    )


def _told(deployment: Deployment, metric: metrics.Metric, **only: str) -> cloudwatch.MathExpression:
    """What the vault tells of itself, of all series that have these labels together: of a histogram, how often."""
    functions = {metrics.Kind.GAUGE: "MAX", metrics.Kind.COUNTER: "SUM", metrics.Kind.HISTOGRAM: "COUNT"}
    told = f'{functions[metric.kind]}({metric.full_name}) FROM "{deployment.metrics_namespace}"'
    where = " AND ".join(f"{label} = '{value}'" for label, value in only.items())
    query = f"SELECT {told} WHERE {where}" if where else f"SELECT {told}"
    return cloudwatch.MathExpression(expression=query, using_metrics={}, period=_MINUTE)


def _own(deployment: Deployment) -> Iterator[Alarm]:
    yield Alarm(
        name="outbox-behind",
        meaning="Events have waited for the audit log for five minutes.",
        metric=_told(deployment, metrics.OUTBOX_OLDEST_SECONDS),
        threshold=300,
    )
    yield Alarm(
        name="checkpoint-missing",
        meaning="The audit log's checkpoint cannot be taken.",
        metric=_told(deployment, metrics.CHECKPOINT_FAILURES),
        threshold=0,
        periods=15,
    )
    yield Alarm(
        name="audit-misplaced",
        meaning="Rows of the audit log found no partition of their month.",
        metric=_told(deployment, metrics.AUDIT_MISPLACED_ROWS),
        threshold=0,
    )
    yield Alarm(
        name="work-overdue",
        meaning="Work fell due half an hour ago and is not done.",
        metric=_told(deployment, metrics.WORK_OVERDUE_SECONDS),
        threshold=1800,
    )
    yield Alarm(
        name="cache-given-up",
        meaning="A process no longer asks the cache.",
        metric=_told(deployment, metrics.CACHE_BREAKER_STATE),
        threshold=1,
    )
    yield Alarm(
        name="workers-failing",
        meaning="Workers fail at what they are given, again and again.",
        metric=_told(deployment, metrics.WORKER_SECONDS, outcome="failed"),
        threshold=5,
    )
    yield Alarm(
        name="scans-failing",
        meaning="Scan after scan ends without a verdict.",
        metric=_told(deployment, metrics.SCAN_VERDICTS, verdict="FAILED"),
        threshold=5,
        periods=3,
    )
    yield Alarm(
        name="contents-damaged",
        meaning="The scrub opened a version that is not what was stored.",
        metric=_told(deployment, metrics.SCRUBBED, outcome="damaged"),
        threshold=0,
        periods=1,
    )
    yield Alarm(
        name="errors-logged",
        meaning="The vault meets what nobody expected.",
        metric=_told(deployment, metrics.LOG_LINES, level="error"),
        threshold=5,
        periods=3,
    )
