"""A bucket's lifecycle configuration as this store acts on it: transitions by age and size, and abandoned uploads.

Rules that choose by tags, or do anything else, are kept and given back, but not acted on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from xml.etree.ElementTree import Element

from vaultstream.local.s3.documents import parse, text
from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.objects import STORAGE_CLASSES

_DEFAULT_OVER_BYTES = 128 * 1024 - 1  # S3 moves nothing smaller, unless the filter of the rule says so
_INFREQUENT = ("STANDARD_IA", "ONEZONE_IA")
_INFREQUENT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Rule:
    """For objects of more than `over_bytes` and less than `under_bytes`; `transitions` are (days, storage class)."""

    prefix: str
    over_bytes: int
    under_bytes: int | None
    transitions: tuple[tuple[int, str], ...]
    abandoned_days: int | None


def check(body: bytes) -> None:
    """Raises `S3Fault` for a configuration that S3 would not take."""
    root = parse(body, "LifecycleConfiguration")
    if not root.findall("Rule"):
        raise S3Fault("MalformedXML", "A lifecycle configuration needs a rule.")
    for rule in root.iterfind("Rule"):
        steps = _transitions(rule)
        for days, storage_class in steps:
            if storage_class in _INFREQUENT and days < _INFREQUENT_DAYS:
                raise S3Fault("InvalidArgument", f"An object must be 30 days old to move to {storage_class}.")
        for (days, warm), (later, cold) in pairwise(steps):
            stay = _INFREQUENT_DAYS if warm in _INFREQUENT else 1
            if later < days + stay or _rank(cold) <= _rank(warm):
                raise S3Fault("InvalidArgument", f"An object cannot move to {cold} {later - days} days after {warm}.")


def rules(body: bytes) -> Iterator[Rule]:
    """The rules that are acted on."""
    for rule in parse(body, "LifecycleConfiguration").iterfind("Rule"):
        chosen = rule.find("Filter/And")
        chosen = rule.find("Filter") if chosen is None else chosen
        if text(rule, "Status") != "Enabled" or (chosen is not None and chosen.find("Tag") is not None):
            continue
        found = {} if chosen is None else {part.tag: (part.text or "").strip() for part in chosen}
        yield Rule(
            prefix=found.get("Prefix", text(rule, "Prefix")),
            over_bytes=int(found.get("ObjectSizeGreaterThan", _DEFAULT_OVER_BYTES)),
            under_bytes=int(found["ObjectSizeLessThan"]) if "ObjectSizeLessThan" in found else None,
            transitions=tuple(_transitions(rule)),
            abandoned_days=_number(rule, "AbortIncompleteMultipartUpload/DaysAfterInitiation"),
        )


def _transitions(rule: Element) -> list[tuple[int, str]]:
    steps = []
    for step in rule.iterfind("Transition"):
        days, storage_class = _number(step, "Days"), text(step, "StorageClass")
        if storage_class not in STORAGE_CLASSES:
            raise S3Fault("MalformedXML", f"There is no storage class {storage_class}.")
        if days is not None:  # by a date instead: not acted on
            steps.append((days, storage_class))
    return sorted(steps)


def _number(element: Element, path: str) -> int | None:
    found = text(element, path)
    if found and not (found.isascii() and found.isdigit()):
        raise S3Fault("MalformedXML", f"{path} must be a whole number.")
    return int(found) if found else None


def _rank(storage_class: str) -> int:
    return STORAGE_CLASSES.index(storage_class)
