"""`vaultstream tiers advance`: makes all objects of the vault that runs here older, as if days had gone by."""

import urllib.error
import urllib.request
from pathlib import Path

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from vaultstream.local import ports
from vaultstream.local.data import is_held
from vaultstream.local.embedded import NAME, REGION, Secrets

_SECONDS = 600  # each day is a round over all objects


class NotAged(Exception):
    """Nothing has become older; the message says what to do."""


def advance(folder: Path, days: int) -> None:
    """Let days go by for the S3 server of this data folder, which applies its rules and tells; raises NotAged."""
    at = ports.known(folder)
    if not is_held(folder) or "s3" not in at:
        raise NotAged(f"No vault is running with the data in {folder}. Start it: vaultstream dev")
    key = Secrets.of(folder).access_key
    url = f"http://127.0.0.1:{at['s3']}/{NAME}?advance={days}"
    asked = AWSRequest("POST", url, {"Host": f"127.0.0.1:{at['s3']}"}, b"")
    S3SigV4Auth(Credentials(key.id, key.secret.reveal()), "s3", REGION).add_auth(asked)
    request = urllib.request.Request(url, b"", dict(asked.headers.items()), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310  # loopback
            return
    except urllib.error.HTTPError as refused:
        raise NotAged(f"The S3 server refused ({refused.code}): ask for 1 to 36500 days.") from None
