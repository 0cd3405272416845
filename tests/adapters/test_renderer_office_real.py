"""The real LibreOffice, behind its walls: every kind of document is drawn, and none does what it should not."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.adapters import offices
from tests.adapters.test_renderer import drawn
from vaultstream.adapters.renderer import Renderer
from vaultstream.adapters.renderer_office import Office
from vaultstream.adapters.renderer_process import Limits
from vaultstream.renderings import DAMAGED_DOCUMENT, TOO_COSTLY, RenderFailed

pytestmark = [
    pytest.mark.skipif(not offices.is_installed(), reason=offices.MISSING),
    pytest.mark.skipif(not offices.walls_are_allowed(), reason="this kernel allows this user no namespaces"),
]
A4_OR_LETTER = {(612, 792), (596, 842)}


@pytest.fixture(scope="module")
async def renderer() -> AsyncIterator[Renderer]:
    renderer = Renderer()
    yield renderer
    await renderer.close()


def converted(folder: Path, document: bytes, kind: str) -> bytes:
    """The document as LibreOffice itself writes another kind."""
    (folder / "document").write_bytes(document)
    program = shutil.which("soffice") or ""
    words = [
        Path(program).resolve().with_name("soffice.bin"),
        f"-env:UserInstallation=file://{folder}/profile",
        "--headless",
        "--convert-to",
        kind,
    ]
    answer = subprocess.run([*words, "--outdir", folder, folder / "document"], check=False, capture_output=True)
    if answer.returncode == 81:  # its profile is made
        return converted(folder, document, kind)
    return (folder / f"document.{kind}").read_bytes()


async def test_the_first_page_of_every_kind_is_drawn(renderer, tmp_path):
    documents = {
        "docx": offices.docx(pages=3),
        "xlsx": offices.xlsx(),
        "odp": offices.odp(),
        "doc": converted(tmp_path, offices.docx(), "doc"),
        "xls": converted(tmp_path, offices.xlsx(), "xls"),
        "ppt": converted(tmp_path, offices.odp(), "ppt"),
    }
    drawings = await asyncio.gather(*(drawn(renderer, document) for document in documents.values()))
    for kind, rendering in zip(documents, drawings, strict=True):
        assert len(rendering.images) == 3, kind
        wide = kind in {"odp", "ppt"}
        assert wide == (rendering.width > rendering.height), kind
        assert wide or (rendering.width, rendering.height) in A4_OR_LETTER, kind
    assert max(len(image.data) for image in drawings[0].images) > 20_000, "a page full of words"


async def test_no_macro_runs_and_nothing_that_a_document_names_is_read():
    """A macro that runs when the document is opened would never end; and a picture would show another file."""
    macro = (
        '<office:scripts><office:event-listeners><script:event-listener script:language="ooo:script" '
        'script:event-name="dom:load" xlink:href="vnd.sun.star.script:Standard.M.Main?'
        'language=Basic&amp;location=document"/>'
        "</office:event-listeners></office:scripts>"
    )
    linked = '<draw:frame svg:width="9cm" svg:height="9cm"><draw:image xlink:href="file:///usr/share/pixmaps/x.png"/>'
    basic = '<?xml version="1.0"?><script:module xmlns:script="http://openoffice.org/2000/script" script:name="M" '
    parts = {
        "Basic/script-lc.xml": '<library:libraries xmlns:library="http://openoffice.org/2000/library" '
        'xmlns:xlink="http://www.w3.org/1999/xlink"><library:library library:name="Standard" library:link="false"/>'
        "</library:libraries>",
        "Basic/Standard/script-lb.xml": '<library:library xmlns:library="http://openoffice.org/2000/library" '
        'library:name="Standard"><library:element library:name="M"/></library:library>',
        "Basic/Standard/M.xml": f'{basic}script:language="StarBasic">Sub Main\nDo\nLoop\nEnd Sub</script:module>',
    }
    document = offices.open_document("text", f"<text:p>{linked}</draw:frame>Hello</text:p>", macro, **parts)
    assert (await Office(Limits(cpu_seconds=10)).pdf_of(document)).startswith(b"%PDF-")


async def test_broken_and_costly_documents_fail_with_a_reason_and_the_next_is_drawn():
    with pytest.raises(RenderFailed, match=DAMAGED_DOCUMENT):
        await Office(Limits()).pdf_of(offices.open_document("text", "<text:p>&</text:p>"))
    with pytest.raises(RenderFailed, match=TOO_COSTLY):
        await Office(Limits(cpu_seconds=1)).pdf_of(offices.docx(pages=3000))
    with pytest.raises(RenderFailed):
        await Office(Limits(memory_bytes=200 << 20)).pdf_of(offices.docx())
    assert await Office(Limits()).works()
