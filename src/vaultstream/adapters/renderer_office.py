"""LibreOffice as seen from outside: where it is installed and can be walled in, it makes PDFs of Office documents."""

import asyncio
import logging
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from vaultstream.adapters.render_office import MAX_PDF_BYTES, READY, SIZE
from vaultstream.adapters.renderer_process import (
    NO_DRAWING,
    NO_START,
    START_TIMEOUT_SECONDS,
    Limits,
    RendererBroken,
    ended,
    started,
)
from vaultstream.renderings import TOO_COSTLY, RenderFailed, RenderKilled, Unsupported, unpacked

_COMMAND = "soffice"
_PROGRAM = "vaultstream.adapters.render_office"
_ENVIRONMENT = {"LC_ALL": "C.UTF-8"}
_READ_BYTES = 256 << 10
_GRACE_SECONDS = 5  # beyond the time that those in there keep themselves
_REASON_BYTES_MAX = 200
_TRIED_WITH = b"{\\rtf1 VaultStream}"

log = logging.getLogger(__name__)


class Office:
    """Makes PDFs of documents, each in a world of its own that ends with it. Nothing touches a disk."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._looking = asyncio.Lock()
        self._works: bool | None = None

    async def works(self) -> bool:
        """Whether documents are converted here: found out once, by converting one, and logged."""
        async with self._looking:
            if self._works is None:
                self._works = await self._tried()
            return self._works

    async def pdf_of(self, document: bytes) -> bytes:
        """A PDF of its first page.

        Unsupported for other kinds and for what is locked, RenderFailed for what is broken or reaches a limit,
        RenderKilled where somebody in there was killed from outside, RendererBroken where LibreOffice is not installed
        or cannot be walled in.
        """
        async with self._room() as (reader, writer):
            try:
                async with asyncio.timeout(self._limits.wall_seconds + _GRACE_SECONDS):
                    with suppress(ConnectionError):  # it ended early, and its answer tells why
                        writer.write(SIZE.pack(len(document)) + document)
                        await writer.drain()
                    answer = await _read(reader, MAX_PDF_BYTES + 1)
            except TimeoutError as error:
                raise RenderFailed(TOO_COSTLY) from error
        if not answer:
            raise RenderKilled(TOO_COSTLY)
        if len(answer) > MAX_PDF_BYTES:
            raise RenderFailed(TOO_COSTLY)
        if not answer.startswith(b"%PDF-"):
            with suppress(ValueError):  # it may have been taken over, and say anything
                unpacked(answer)
            raise RenderFailed(NO_DRAWING)
        return answer

    async def _tried(self) -> bool:
        try:
            await self.pdf_of(_TRIED_WITH)
        except (RendererBroken, RenderFailed, Unsupported, OSError) as reason:
            log.warning("of Office documents only the picture that they carry is shown: %s", reason)
            return False
        log.info("Office documents are drawn by LibreOffice")
        return True

    @asynccontextmanager
    async def _room(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A machine for one document, and the wire to it; nothing of it is left after the block."""
        program = _soffice()
        wire, its_wire = socket.socketpair()
        with its_wire:
            process = await started(_PROGRAM, self._limits, program, wire=its_wire, environment=_ENVIRONMENT)
        reader, writer = await asyncio.open_connection(sock=wire, limit=_READ_BYTES)
        try:
            if (said := await _first_words(reader)) != READY:
                raise RendererBroken(f"LibreOffice cannot be walled in: {said.decode()}")
            yield reader, writer
        finally:
            writer.close()  # whoever is in there sees it, and ends
            await ended(process)


def _soffice() -> str:
    """LibreOffice's own program: `soffice` is a script around another that takes longer to start than this one."""
    found = shutil.which(_COMMAND)
    program = Path(found).resolve().with_name("soffice.bin") if found else None
    if program is None or not program.exists():
        raise RendererBroken("LibreOffice is not installed.")
    return str(program)


async def _first_words(reader: asyncio.StreamReader) -> bytes:
    """READY, or all that it says instead."""
    try:
        async with asyncio.timeout(START_TIMEOUT_SECONDS):
            said = await _read(reader, 1)
            return said if said == READY else said + await _read(reader, _REASON_BYTES_MAX)
    except TimeoutError as error:
        raise RendererBroken(NO_START) from error


async def _read(reader: asyncio.StreamReader, most_bytes: int) -> bytes:
    read = bytearray()
    with suppress(ConnectionError):
        while piece := await reader.read(min(_READ_BYTES, most_bytes - len(read))):
            read += piece
    return bytes(read)
