"""Workers: the bus, a queue and a function for each row of the worker table, the relay and the sweeper."""

import json

import aws_cdk as aws
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_events as bus_events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as scheduler_targets
from aws_cdk import aws_servicediscovery as discovery
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk import rights
from cdk.companions import clamd, collector
from cdk.functions import Surroundings
from vaultstream import events, table

# The others wait for others.
_MEMORY_MB = {
    events.SCAN.name: 2048,
    events.RESCAN.name: 2048,
    events.THUMBNAIL.name: 3008,
    events.HASTEN.name: 3008,
}
_MEMORY_MB_DEFAULT = 512
_DEAD_DAYS = 14  # SQS keeps nothing longer
_ARCHIVE_DAYS = 14


class Workers(aws.Stack):
    """What happens after a deed."""

    def __init__(
        self,
        scope: Construct,
        around: Surroundings,
        *,
        stream: dynamodb.ITableV2,
        cluster: ecs.ICluster,
        zone: discovery.IPrivateDnsNamespace,
    ) -> None:
        deployment = around.deployment
        super().__init__(scope, "Workers", env=deployment.env(), stack_name=f"{deployment.name}-workers")
        self.around = around
        self.functions: dict[str, lambda_.Function] = {}
        self.dead: dict[str, sqs.Queue] = {}
        self.queues: dict[str, sqs.Queue] = {}
        self.bus = bus_events.EventBus(self, "Bus", event_bus_name=deployment.name, kms_key=around.ops_key)
        # CDK's own construct writes to the key's policy, which would be a circle; Security has what an archive needs.
        bus_events.CfnArchive(
            self,
            "Archive",
            archive_name=deployment.name,
            source_arn=self.bus.event_bus_arn,
            event_pattern={"source": [events.SOURCE]},
            retention_days=_ARCHIVE_DAYS,
            kms_key_identifier=around.ops_key.key_arn,
        )
        for row in events.WORKERS:
            self._worker(row)
        self._relay(stream)
        self._sweeper()
        clamd(self, around, cluster, zone)
        collector(self, around, cluster, zone)

    def _worker(self, row: events.Worker) -> None:
        dead = self.dead[row.name] = self._queue(row.dead_letters)
        queue = self.queues[row.name] = sqs.Queue(
            self,
            f"{row.name.title()}Queue",
            queue_name=f"{self.around.deployment.name}-{row.name}",
            visibility_timeout=aws.Duration.seconds(row.visibility_seconds),
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=row.attempts),
            encryption_master_key=self.around.ops_key,
            enforce_ssl=True,
        )
        bus_events.Rule(
            self,
            f"{row.name.title()}Rule",
            rule_name=f"{self.around.deployment.name}-{row.name}",
            event_bus=self.bus,
            event_pattern=bus_events.EventPattern(source=[events.SOURCE], detail_type=sorted(row.gets)),
            targets=[targets.SqsQueue(queue)],
        )
        if row.hears:
            self._hearing(row, queue)
        function = self._function(row.name, timeout_seconds=row.visibility_seconds)
        function.add_event_source(
            sources.SqsEventSource(queue, batch_size=row.batch, report_batch_item_failures=True, max_concurrency=50)
        )

    def _hearing(self, row: events.Worker, queue: sqs.Queue) -> None:
        """What S3 tells of the vault's bucket comes over the account's own bus."""
        bus_events.Rule(
            self,
            f"{row.name.title()}StorageRule",
            rule_name=f"{self.around.deployment.name}-{row.name}-storage",
            event_pattern=bus_events.EventPattern(
                source=[events.STORAGE_SOURCE],
                detail_type=sorted(row.hears),
                detail={"bucket": {"name": [self.around.deployment.bucket]}},
            ),
            targets=[targets.SqsQueue(queue)],
        )

    def _relay(self, stream: dynamodb.ITableV2) -> None:
        """It is given new outbox items only; what it cannot put on the bus stays in the outbox for the sweeper."""
        dead = self.dead["relay"] = self._queue("relay-dead")
        new = {"eventName": ["INSERT"], "dynamodb": {"Keys": {table.PK: {"S": [{"prefix": table.OUTBOX}]}}}}
        self._function("relay", timeout_seconds=60).add_event_source_mapping(
            "Outbox",
            event_source_arn=stream.table_stream_arn,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=100,
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            retry_attempts=10,
            on_failure=sources.SqsDlq(dead),
            filters=[{"pattern": json.dumps(new, separators=(",", ":"))}],
        )

    def _sweeper(self) -> None:
        scheduler.Schedule(
            self,
            "Sweeping",
            schedule=scheduler.ScheduleExpression.rate(aws.Duration.minutes(1)),
            target=scheduler_targets.LambdaInvoke(
                self._function("sweep", timeout_seconds=300),
                dead_letter_queue=self.dead.setdefault("sweep", self._queue("sweep-dead")),
                retry_attempts=0,  # the next minute is the next attempt
            ),
        )

    def _queue(self, name: str) -> sqs.Queue:
        return sqs.Queue(
            self,
            f"{name.title().replace('-', '')}Queue",
            queue_name=f"{self.around.deployment.name}-{name}",
            retention_period=aws.Duration.days(_DEAD_DAYS),
            encryption_master_key=self.around.ops_key,
            enforce_ssl=True,
        )

    def _function(self, name: str, *, timeout_seconds: int) -> lambda_.Function:
        self.functions[name] = self.around.function(
            self,
            name,
            rights.WORKERS[name],
            memory_mb=_MEMORY_MB.get(name, _MEMORY_MB_DEFAULT),
            timeout_seconds=timeout_seconds,
        )
        return self.functions[name]
