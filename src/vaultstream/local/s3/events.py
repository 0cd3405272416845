"""What the store tells when something happened to an object: S3's event names and the fields that readers use."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class ObjectEvent:
    """One event of a bucket whose notification configuration names EventBridge.

    `name` is S3's ("ObjectCreated:Put", "ObjectCreated:CompleteMultipartUpload", "ObjectCreated:Copy",
    "ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated", "ObjectRestore:Post", "ObjectRestore:Completed",
    "ObjectRestore:Delete", "LifecycleTransition"). `version_id` is empty where the bucket keeps no versions;
    `sequencer` grows with each change of a key; `restore_until` is when a restored copy ends.
    """

    name: str
    bucket: str
    key: str
    size_bytes: int
    etag: str
    version_id: str
    sequencer: str
    happened_at: datetime
    storage_class: str
    restore_until: datetime | None


Listener: TypeAlias = Callable[[ObjectEvent], None]


def ignore(event: ObjectEvent) -> None:
    """The listener of a store that nobody listens to."""
    del event
