"""AWS Lambda's way into the sweeper."""

from vaultstream.workers import sweep
from vaultstream.workers.lambda_entry import schedule_handler

handler = schedule_handler(sweep.handle)
