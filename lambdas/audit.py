"""AWS Lambda's way into the audit worker."""

from vaultstream.workers import audit
from vaultstream.workers.lambda_entry import sqs_batch_handler

handler = sqs_batch_handler(audit.handle_batch)
