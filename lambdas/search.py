"""AWS Lambda's way into the search worker."""

from vaultstream.workers import search
from vaultstream.workers.lambda_entry import sqs_batch_handler

handler = sqs_batch_handler(search.handle_batch)
