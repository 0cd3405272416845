"""The contract's enums for states: the same words as the nouns', each with its description."""

from enum import Enum

import strawberry
from strawberry.types.enum import EnumValueDefinition


def _value(name: str | int, description: str) -> EnumValueDefinition:
    """An enum member that carries its description into the schema."""
    return strawberry.enum_value(name, description=description)


@strawberry.enum(
    description="How far the scan of a version has come. Nothing can be downloaded before CLEAN, but by a release."
)
class ScanStatus(Enum):
    """As `vaultstream.versions.ScanStatus`."""

    PENDING = _value("PENDING", "Stored, and waiting for its scan.")
    SCANNING = _value("SCANNING", "Being scanned now.")
    CLEAN = _value("CLEAN", "Every byte was looked at and nothing was found.")
    INFECTED = _value("INFECTED", "Something harmful was found: it stays closed.")
    UNSCANNABLE = _value(
        "UNSCANNABLE", "Some bytes could not be looked at: it stays closed until who manages it releases it."
    )
    FAILED = _value("FAILED", "The scan did not finish; it can be asked for again.")


@strawberry.enum(description="How far the thumbnails of a version have come.")
class ThumbnailStatus(Enum):
    """As `vaultstream.versions.ThumbnailStatus`."""

    PENDING = _value("PENDING", "Waits for a clean scan, or for its turn.")
    RENDERING = _value("RENDERING", "Being rendered now.")
    READY = _value("READY", "Can be shown.")
    UNSUPPORTED = _value("UNSUPPORTED", "There is no thumbnail for contents of this kind.")
    FAILED = _value("FAILED", "Rendering did not finish; it can be asked for again.")


@strawberry.enum(description="The S3 storage class that holds a version's bytes.")
class StorageTier(Enum):
    """As `vaultstream.tiers.StorageTier`."""

    STANDARD = _value("STANDARD", "Read often, at once.")
    STANDARD_IA = _value("STANDARD_IA", "Read seldom, at once.")
    GLACIER_IR = _value("GLACIER_IR", "Archived, yet read at once.")
    DEEP_ARCHIVE = _value("DEEP_ARCHIVE", "Archived: it must be restored before it can be read, which takes hours.")


@strawberry.enum(description="Whether an archived version can be read now.")
class RestoreStatus(Enum):
    """As `vaultstream.versions.RestoreStatus`."""

    NOT_NEEDED = _value("NOT_NEEDED", "It can be read as it is.")
    NEEDED = _value("NEEDED", "It must be restored first.")
    IN_PROGRESS = _value("IN_PROGRESS", "It is being restored.")
    RESTORED = _value("RESTORED", "It can be read until the restored copy goes.")


@strawberry.enum(description="How far an upload has come.")
class UploadStatus(Enum):
    """As `vaultstream.uploads.UploadStatus`."""

    RECEIVING = _value("RECEIVING", "Takes bytes.")
    COMPLETING = _value("COMPLETING", "Has all of its bytes and is becoming a version.")
    DONE = _value("DONE", "Is a version of a file.")
    ABORTED = _value("ABORTED", "Was given up; what it had reserved is free again.")


@strawberry.enum(description="What a person is to an item. Each role may do all that the ones before it may.")
class Role(Enum):
    """As `vaultstream.shares.Role`."""

    VIEWER = _value(1, "May see and download.")
    COMMENTER = _value(2, "May comment too.")
    EDITOR = _value(3, "May change it, put things into it and throw it away too.")
    MANAGER = _value(4, "May share it with others too.")
    OWNER = _value(5, "Has it: restores and purges it too. Nobody can be given this.")


@strawberry.enum(description="What somebody may want to do to an item.")
class Deed(Enum):
    """As `vaultstream.access.Deed`."""

    READ = _value("READ", "See it and what it holds.")
    DOWNLOAD = _value("DOWNLOAD", "Download its contents.")
    COMMENT = _value("COMMENT", "Comment on it.")
    EDIT = _value("EDIT", "Change it, or put something into it.")
    SHARE = _value("SHARE", "Let others at it.")
    DELETE = _value("DELETE", "Throw it away.")
    RESTORE = _value("RESTORE", "Take it back from the trash.")
    PURGE = _value("PURGE", "Delete it for ever.")
