"""AWS Lambda's way into the lifecycle worker."""

from vaultstream.workers import lifecycle
from vaultstream.workers.lambda_entry import sqs_handler

handler = sqs_handler(lifecycle.handle)
