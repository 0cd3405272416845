"""`python -m vaultstream.local.s3`: serves one data folder on loopback until it is told to stop."""

import argparse
import os
import sys
from pathlib import Path

from vaultstream.local.s3.app import create_app
from vaultstream.local.s3.bridge import Target
from vaultstream.local.s3.loopback import bind, serve
from vaultstream.local.s3.signature import Credentials


def main() -> None:
    """Reads the arguments, binds, prints the port, serves.

    The access key is that of the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), else `test` and `test`.
    """
    parser = argparse.ArgumentParser(prog="vaultstream.local.s3", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds everything")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--sqs", default="", help="the endpoint of the queue that hears of objects")
    parser.add_argument("--queue", default="", help="the name of that queue")
    chosen = parser.parse_args()
    access_key_id = os.environ.get("AWS_ACCESS_KEY_ID", "test")
    credentials = Credentials(access_key_id, os.environ.get("AWS_SECRET_ACCESS_KEY", "test"))
    listener = bind(chosen.port)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    target = Target(chosen.sqs, chosen.queue, os.environ.get("AWS_REGION", "us-east-1")) if chosen.sqs else None
    serve(create_app(chosen.data, credentials, events_to=target), listener)


if __name__ == "__main__":
    main()
