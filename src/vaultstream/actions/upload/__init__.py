"""Uploads: begun with a claimed name and reserved quota, received in steps, stored in one transaction."""

from vaultstream.actions.upload.begin import Wanted, begin
from vaultstream.actions.upload.finish import abort, complete, expire, find, own
from vaultstream.actions.upload.receive import receive

__all__ = ["Wanted", "abort", "begin", "complete", "expire", "find", "own", "receive"]
