"""What S3's lists share: page sizes, url-encoded names, opaque tokens."""

import base64
import binascii
from urllib.parse import quote

from vaultstream.local.s3.call import Call
from vaultstream.local.s3.faults import S3Fault

_MAX_PAGE = 1000


def page_size(call: Call, name: str) -> int:
    """The limit that a query names: at most 1,000, which is also the default."""
    value = call.query.get(name, "")
    if value and not (value.isascii() and value.isdigit()):
        raise S3Fault("InvalidArgument", f"{name} must be a number.")
    return min(int(value), _MAX_PAGE) if value else _MAX_PAGE


def encoded(call: Call, name: str) -> str:
    """A name as the caller wants it: percent-encoded where it asked for `encoding-type=url`."""
    return quote(name, safe="/-_.~") if call.query.get("encoding-type") == "url" else name


def to_token(after: str) -> str:
    """A continuation token; it holds the last entry of the page."""
    return base64.urlsafe_b64encode(after.encode()).decode()


def from_token(token: str) -> str:
    """The last entry of the page before; raises `InvalidArgument` for a token that is not ours."""
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeError) as error:
        raise S3Fault("InvalidArgument", "The continuation token provided is incorrect") from error
