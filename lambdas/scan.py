"""AWS Lambda's way into the scan worker."""

from vaultstream.workers import scan
from vaultstream.workers.lambda_entry import sqs_handler

handler = sqs_handler(scan.handle)
