"""AWS Lambda's way into the rescan worker."""

from vaultstream.workers import rescan
from vaultstream.workers.lambda_entry import sqs_handler

handler = sqs_handler(rescan.handle)
