"""The sealed file format, as the rest of the vault uses it (written down in `schema/sealed-format.md`)."""

from vaultstream.sealed.format import FRAME_BYTES, Octets, SealedError
from vaultstream.sealed.header import EncryptedDataKey, Header, build_header, open_header, parse_header
from vaultstream.sealed.keys import DataKey, FrameKey, derive
from vaultstream.sealed.reader import Opener
from vaultstream.sealed.sizes import (
    MAX_PARTS,
    MIN_PART_FRAMES,
    PART_FRAMES,
    FrameSpan,
    body_size,
    frame_span,
    part_frames,
    plain_size,
    whole_span,
)
from vaultstream.sealed.tail import open_tail, seal_tail
from vaultstream.sealed.writer import Part, Sealer

__all__ = [
    "FRAME_BYTES",
    "MAX_PARTS",
    "MIN_PART_FRAMES",
    "PART_FRAMES",
    "DataKey",
    "EncryptedDataKey",
    "FrameKey",
    "FrameSpan",
    "Header",
    "Octets",
    "Opener",
    "Part",
    "SealedError",
    "Sealer",
    "body_size",
    "build_header",
    "derive",
    "frame_span",
    "open_header",
    "open_tail",
    "parse_header",
    "part_frames",
    "plain_size",
    "seal_tail",
    "whole_span",
]
