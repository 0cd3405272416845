"""Films, songs, drawings, documents and text have pictures too, and open nothing that is not in them."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters import corpus, kinds
from tests.adapters.test_renderer import colour_at, drawn, pieces, sizes
from vaultstream.adapters.render_text import page_of
from vaultstream.adapters.renderer import Renderer
from vaultstream.adapters.renderer_process import Limits
from vaultstream.renderings import RenderedImage, RenderFailed, Unsupported

HALVES = [(96, 96, 72), (320, 320, 240), (1024, 400, 300)]


pytestmark = pytest.mark.usefixtures("no_office")


@pytest.fixture(scope="module")
async def renderer() -> AsyncIterator[Renderer]:
    renderer = Renderer()
    yield renderer
    await renderer.close()


def shows_halves(image: RenderedImage) -> bool:
    return (colour_at(image, 0.2, 0.5), colour_at(image, 0.8, 0.5)) == ("R", "B")


async def test_a_phones_picture_is_drawn_without_where_it_was_taken(renderer):
    data = kinds.heic()
    assert b"PhoneMaker" in data
    rendering = await drawn(renderer, data)
    assert sizes(rendering) == HALVES
    assert shows_halves(rendering.images[-1])
    assert not any(b"PhoneMaker" in image.data for image in rendering.images)


@pytest.mark.parametrize("kind", ["mp4", "matroska", "avi", "asf"])
async def test_a_film_has_a_poster(renderer, kind):
    rendering = await drawn(renderer, kinds.film(kind))
    assert sizes(rendering) == HALVES
    assert shows_halves(rendering.images[-1])


@pytest.mark.parametrize("kind", ["mp3", "flac"])
async def test_a_song_shows_its_cover(renderer, kind):
    rendering = await drawn(renderer, kinds.song(kind, cover=kinds.jpeg()))
    assert sizes(rendering) == HALVES
    assert shows_halves(rendering.images[-1])


@pytest.mark.parametrize("kind", ["mp3", "flac", "ogg", "wav"])
async def test_a_song_without_a_cover_says_so(renderer, kind):
    with pytest.raises(Unsupported, match="has no picture"):
        await drawn(renderer, kinds.song(kind))


@pytest.mark.parametrize("kind", ["odt", "docx"])
async def test_a_document_shows_the_picture_that_it_carries(renderer, kind):
    rendering = await drawn(renderer, kinds.office(kind, cover=kinds.png() if kind == "odt" else kinds.jpeg()))
    assert sizes(rendering) == HALVES
    assert shows_halves(rendering.images[-1])


@pytest.mark.parametrize("kind", ["odt", "docx"])
async def test_a_document_that_carries_none_says_so(renderer, kind):
    with pytest.raises(Unsupported, match="no preview of itself"):
        await drawn(renderer, kinds.office(kind, cover=None))


async def test_a_drawing_is_drawn_at_every_size(renderer):
    rendering = await drawn(renderer, kinds.svg())
    assert sizes(rendering) == [(96, 96, 72), (320, 320, 240), (1024, 1024, 768)]
    assert (rendering.width, rendering.height) == (400, 300)
    assert shows_halves(rendering.images[-1])


async def test_a_text_shows_its_first_page(renderer):
    rendering = await drawn(renderer, b"def f(x):\n    return (x \\ 2)\n" * 30, "text/x-python")
    assert (rendering.width, rendering.height) == (612, 792)
    page = kinds.pixels_of(rendering.images[-1].data)
    written, margin = page.crop(40, 40, 200, 200), page.crop(0, 0, page.width, 20)
    assert written.min() < 100, "there is black on it"
    assert margin.min() > 250


async def test_of_a_long_text_only_the_beginning_is_read(renderer):
    read = 0

    async def source() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"line after line\n" * 1000

    rendering = await renderer.render(source(), "text/plain", 60 << 20)
    assert rendering.width == 612
    assert read <= 3


async def test_text_that_courier_cannot_write_says_so(renderer):
    with pytest.raises(Unsupported, match="this script"):
        await drawn(renderer, "これは日本語の文章です。".encode() * 20, "text/plain")


@given(st.text(max_size=3000))
def test_any_text_makes_a_page_or_says_why_not(text):
    try:
        page = page_of(text.encode("utf-8", "surrogatepass"))
    except Unsupported:
        return
    assert page.startswith(b"%PDF-")
    assert page.count(b") '\n") <= 65


OUTSIDE = [
    '<image width="400" height="300" href="{}"/>',
    '<image width="400" height="300" xlink:href="{}"/>',
    '<use href="{}#a"/>',
    "<style>@import url({});</style>",
    '<style>rect {{ fill: url("{}#a") }}</style>',
    '<feImage href="{}"/>',
]


@pytest.mark.parametrize("inside", OUTSIDE)
async def test_a_drawing_reaches_no_server(renderer, inside):
    asked = asyncio.Event()

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x.svg"
    async with server:
        with_it = await drawn(renderer, kinds.svg(inside.format(address)))
        assert not asked.is_set()
    assert sizes(with_it)[-1] == (1024, 1024, 768)


@pytest.mark.parametrize("inside", OUTSIDE[:3])
async def test_a_drawing_reads_no_file(renderer, tmp_path, inside):
    secret = tmp_path / "secret.svg"
    secret.write_bytes(kinds.svg('<rect id="a" width="400" height="300" fill="lime"/>'))
    tmp_path.chmod(0o755)
    rendering = await drawn(renderer, kinds.svg(inside.format(secret.as_uri())))
    assert shows_halves(rendering.images[-1])


async def test_a_drawings_entities_name_no_file(renderer):
    head = '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    with pytest.raises(RenderFailed):
        await drawn(renderer, kinds.svg('<text y="40" font-size="40">&x;</text>', head=head))


def bombs() -> dict[str, bytes]:
    """Small files that would take much: what draws them ends within its limits."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    nested = "".join(f'<g id="g{n}">{f"""<use href="#g{n - 1}"/>""" * 10}</g>' for n in range(1, 10))
    blur = '<filter id="f"><feGaussianBlur stdDeviation="9999"/></filter><rect width="9" height="9" filter="url(#f)"/>'
    return {
        "svg of entities": kinds.svg(
            "<text>&l9;</text>", head=f'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY l0 "lol">{laughs}]>'
        ),
        "svg of uses": kinds.svg(f'<g id="g0"><rect width="1" height="1"/></g>{nested}'),
        "svg of blur": kinds.svg(blur),
        "giant svg": kinds.svg(size='width="900000000" height="900000000"'),
        "giant png": corpus.png_header(60_000, 60_000),
        "pdf of forms": corpus.endless_pdf(),
        "document with a bomb for a cover": kinds.office("odt", cover=bytes(200 << 20)),
    }


@pytest.mark.parametrize("name", sorted(bombs()))
async def test_a_bomb_ends_within_its_limits_and_the_next_file_is_drawn(name):
    renderer = Renderer(Limits(memory_bytes=512 << 20, cpu_seconds=2, wall_seconds=3))
    data = bombs()[name]
    try:
        rendering = await renderer.render(pieces(data), "application/octet-stream", len(data))
        assert sizes(rendering)[-1][0] <= 1024
    except (RenderFailed, Unsupported) as refusal:
        assert refusal.reason
    assert (await drawn(renderer, kinds.png())).width == 400
    await renderer.close()


def whole() -> dict[str, bytes]:
    return {
        "heic": kinds.heic(),
        "mp4": kinds.film("mp4"),
        "matroska": kinds.film("matroska", frames=3),
        "mp3": kinds.song("mp3", cover=kinds.jpeg()),
        "flac": kinds.song("flac", cover=kinds.jpeg()),
        "odt": kinds.office("odt", cover=kinds.png()),
        "svg": kinds.svg(),
        "pdf": corpus.pdf(b"1 0 0 rg 0 0 100 100 re f"),
    }


@pytest.mark.parametrize("kind", sorted(whole()))
@pytest.mark.parametrize("harm", ["cut", "bent", "head only"])
async def test_a_broken_file_of_any_kind_ends_with_a_picture_or_a_reason(renderer, kind, harm):
    data = whole()[kind]
    middle = len(data) // 2
    broken = {
        "cut": data[:middle],
        "bent": data[:40] + bytes(byte ^ 0x5A for byte in data[40:200]) + data[200:],
        "head only": data[:40] + bytes(3000),
    }[harm]
    try:
        assert (await drawn(renderer, broken)).images
    except (RenderFailed, Unsupported) as refusal:
        assert refusal.reason.endswith(".")
