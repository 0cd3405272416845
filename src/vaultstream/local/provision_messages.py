"""Makes the ways of a message: a queue and a dead-letter queue for each worker, the bus, and a rule for each worker."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from vaultstream.events import SOURCE, WORKERS, Worker

_DEAD_LETTER_SECONDS = 14 * 24 * 3600  # SQS keeps nothing longer


def queue_name(prefix: str, worker: str) -> str:
    """A queue's name, as the settings' prefix and the worker table make it."""
    return f"{prefix}-{worker}"


async def make_queues(sqs: Any, prefix: str) -> dict[str, str]:  # Any: botocore makes its clients at run time
    """Every worker's two queues; returns the ARN of each worker's own by its name."""
    return {worker.name: await _make_pair(sqs, prefix, worker) for worker in WORKERS}


async def make_bus(events: Any, bus: str, prefix: str, queue_arns: Mapping[str, str]) -> None:  # Any: as above
    """The bus, and a rule for each worker that sends the events of its row to its queue."""
    try:
        await events.create_event_bus(Name=bus)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise
    for worker in WORKERS:
        pattern = {"source": [SOURCE], "detail-type": sorted(worker.gets)}
        rule = queue_name(prefix, worker.name)
        await events.put_rule(Name=rule, EventBusName=bus, EventPattern=json.dumps(pattern), State="ENABLED")
        target = {"Id": worker.name, "Arn": queue_arns[worker.name]}
        put = await events.put_targets(Rule=rule, EventBusName=bus, Targets=[target])
        if put["FailedEntryCount"]:
            raise RuntimeError(f"the bus {bus} did not take the queue {rule} as a target: {put['FailedEntries']}")


async def _make_pair(sqs: Any, prefix: str, worker: Worker) -> str:
    dead_arn = await _make_queue(
        sqs, queue_name(prefix, worker.dead_letters), {"MessageRetentionPeriod": f"{_DEAD_LETTER_SECONDS}"}
    )
    redrive = {"deadLetterTargetArn": dead_arn, "maxReceiveCount": f"{worker.attempts}"}
    return await _make_queue(
        sqs,
        queue_name(prefix, worker.name),
        {"VisibilityTimeout": f"{worker.visibility_seconds}", "RedrivePolicy": json.dumps(redrive)},
    )


async def _make_queue(sqs: Any, name: str, attributes: Mapping[str, str]) -> str:
    """Make a queue, or give the one that is there these attributes; returns its ARN."""
    try:
        url = (await sqs.create_queue(QueueName=name, Attributes=attributes))["QueueUrl"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"QueueAlreadyExists", "QueueNameExists"}:
            raise
        url = (await sqs.get_queue_url(QueueName=name))["QueueUrl"]
        await sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    described = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn: str = described["Attributes"]["QueueArn"]
    return arn
