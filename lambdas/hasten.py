"""AWS Lambda's way into the thumbnail worker, for what somebody is looking at."""

from vaultstream.workers import thumbnail
from vaultstream.workers.lambda_entry import sqs_handler

handler = sqs_handler(thumbnail.handle)
