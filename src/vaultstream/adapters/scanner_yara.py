"""Scans a stream with the packaged YARA rules, embedded in this process, in windows of bounded memory."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata, resources

import yara_x

from vaultstream.verdict import Verdict, clean, infected, unscannable

# yara-x 1.23 holds the interpreter lock while it scans, so a window is also how long the event loop may stand
# still: half a MiB takes 1 ms, or 6 ms where every line looks a little like a rule.
WINDOW_BYTES = 512 << 10
# Longer than the longest text any rule can match, so a match on a border lies whole in one of two windows.
OVERLAP_BYTES = 16 << 10
WINDOW_TIMEOUT_SECONDS = 5
# Families of rules that begin so know files whose content is locked away; they do not convict.
ENCRYPTED = "Encrypted."

_MAGIC = (
    (b"\xff\xd8\xff", "image"),
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"GIF8", "image"),
    (b"BM", "image"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"%PDF-", "pdf"),
    (b"{\\rt", "rtf"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "lnk"),
)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The compiled rules, and which of them make up each family. A family convicts when all its rules matched."""

    rules: yara_x.Rules
    families: Mapping[str, frozenset[str]]
    version: str


@cache
def packaged_rules() -> RuleSet:
    """The rules in `adapters/rules`, compiled once per process; `version` is a digest of their sources."""
    folder = resources.files("vaultstream.adapters").joinpath("rules")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".yar"))
    compiler = yara_x.Compiler(error_on_slow_pattern=True, includes_enabled=False)
    compiler.define_global("kind", "")
    compiler.define_global("offset", 0)
    digest = hashlib.sha256()
    for name in names:
        source = folder.joinpath(name).read_text(encoding="utf-8")
        compiler.add_source(source, origin=name)
        digest.update(source.encode())
    rules = compiler.build()
    return RuleSet(rules, _families(rules), digest.hexdigest()[:12])


def _families(rules: yara_x.Rules) -> dict[str, frozenset[str]]:
    members: defaultdict[str, set[str]] = defaultdict(set)
    for rule in rules:
        members[dict(rule.metadata)["family"]].add(rule.identifier)
    return {family: frozenset(names) for family, names in members.items()}


def engine_name(rule_set: RuleSet) -> str:
    """The program with its rules, as verdicts name them."""
    return f"yara-x {metadata.version('yara-x')} rules {rule_set.version}"


def kind_of(head: bytes) -> str:
    """What the first bytes of a file say it is, in the words the rules use; `other` if they say nothing."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image"
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), "other")


class YaraStream:
    """One scan. Feed it the file in order; stop early once `verdict` is set; `finish` gives the last word.

    Windows overlap, so no match is lost on a border. Which rules matched is remembered for the whole stream, so a
    family's rules may match any distance apart.
    """

    def __init__(self, rule_set: RuleSet) -> None:
        self.verdict: Verdict | None = None
        self._rule_set = rule_set
        self._engine = engine_name(rule_set)
        self._kind: str | None = None
        self._window = bytearray()
        self._offset_bytes = 0
        self._matched: set[str] = set()
        self._doubt: str | None = None

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes; scans when a window is full, and not at all once there is a verdict."""
        for piece in _pieces(chunk):
            self._window += piece
            while self.verdict is None and len(self._window) >= WINDOW_BYTES:
                await self._scan_window(bytes(memoryview(self._window)[:WINDOW_BYTES]))
                step_bytes = WINDOW_BYTES - OVERLAP_BYTES
                del self._window[:step_bytes]
                self._offset_bytes += step_bytes
            if self.verdict is not None:
                self._window.clear()
                return

    async def finish(self) -> Verdict:
        """Scan what is left and give the verdict on the whole stream."""
        if self.verdict is None:
            await self._scan_window(bytes(self._window))
        if self.verdict is None and self._doubt is not None:
            return unscannable(self._engine, self._doubt)
        return self.verdict or clean(self._engine)

    async def _scan_window(self, window: bytes) -> None:
        if self._kind is None:
            self._kind = kind_of(window)
        matched = await asyncio.to_thread(self._match, window, self._kind)
        if matched is None:
            reason = f"A part of this file took the rules longer than {WINDOW_TIMEOUT_SECONDS} seconds."
            self.verdict = unscannable(self._engine, reason)
            return
        self._matched |= matched
        families = sorted(name for name, rules in self._rule_set.families.items() if rules <= self._matched)
        convicted = [name for name in families if not name.startswith(ENCRYPTED)]
        if convicted:
            self.verdict = infected(self._engine, convicted[0])
        elif families:
            self._doubt = "It is encrypted: nobody can look into it without its password."

    def _match(self, window: bytes, kind: str) -> set[str] | None:
        """The rules that match; None where they took too long: an exception would take the scanner elsewhere."""
        scanner = yara_x.Scanner(self._rule_set.rules)  # bound to the thread that made it; making one takes 0.1 ms
        scanner.fast_scan(True)
        scanner.set_timeout(WINDOW_TIMEOUT_SECONDS)
        scanner.set_global("kind", kind)
        scanner.set_global("offset", self._offset_bytes)
        try:
            return {rule.identifier for rule in scanner.scan(window).matching_rules}
        except yara_x.TimeoutError:
            return None


def _pieces(chunk: bytes) -> Iterator[memoryview]:
    """The chunk in steps of a window, so that one giant chunk is never copied whole."""
    view = memoryview(chunk)
    for start in range(0, len(view), WINDOW_BYTES):
        yield view[start : start + WINDOW_BYTES]
