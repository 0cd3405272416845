"""AWS Lambda's way into the ASGI app. Instances that are kept warm are opened before their first request."""

import os

from vaultstream.http.app import create_app
from vaultstream.http.lambda_entry import Handler

handler = Handler(create_app)

if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "provisioned-concurrency":
    handler.open()
