"""AWS Lambda's way into the relay."""

from vaultstream.workers import relay
from vaultstream.workers.lambda_entry import stream_handler

handler = stream_handler(relay.handle, relay.changed)
