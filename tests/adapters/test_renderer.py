"""Thumbnails have the right size, the right way up and nothing of the source but its picture."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pyvips

from tests.adapters import corpus
from vaultstream.adapters.renderer import MAX_SOURCE_BYTES, Renderer
from vaultstream.renderings import SNIFF_BYTES, RenderedImage, RenderFailed, Rendering, Unsupported

KINDS = ("jpeg", "png", "webp", "gif", "tiff", "avif")


@pytest.fixture(scope="module")
async def renderer() -> AsyncIterator[Renderer]:
    renderer = Renderer()
    yield renderer
    await renderer.close()


async def pieces(data: bytes, size_bytes: int = 64 << 10) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size_bytes):
        yield data[start : start + size_bytes]


async def drawn(renderer: Renderer, data: bytes, content_type: str = "application/octet-stream") -> Rendering:
    return await renderer.render(pieces(data), content_type, len(data))


def sizes(rendering: Rendering) -> list[tuple[int, int, int]]:
    return [(image.edge_px, image.width, image.height) for image in rendering.images]


def colour_at(image: RenderedImage, x: float, y: float) -> str:
    """What stands at that part of the width and height."""
    pixel = pyvips.Image.new_from_buffer(image.data, "")(int(image.width * x), int(image.height * y))
    return "RGB"[max(range(3), key=lambda band: pixel[band])] if min(pixel[:3]) < 200 else "white"


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_picture_is_drawn_at_every_edge(renderer, kind):
    rendering = await drawn(renderer, corpus.encoded(corpus.picture(2000, 1500), kind))
    assert (rendering.width, rendering.height) == (2000, 1500)
    assert sizes(rendering) == [(96, 96, 72), (320, 320, 240), (1024, 1024, 768)]
    for image in rendering.images:
        decoded = pyvips.Image.new_from_buffer(image.data, "")
        assert (decoded.get("vips-loader"), decoded.width, decoded.height) == (
            "webpload_buffer",
            image.width,
            image.height,
        )
        assert (colour_at(image, 0.2, 0.5), colour_at(image, 0.8, 0.5)) == ("R", "B")


async def test_a_small_picture_is_never_enlarged_and_ends_the_series(renderer):
    rendering = await drawn(renderer, corpus.encoded(corpus.picture(200, 100), "png"))
    assert sizes(rendering) == [(96, 96, 48), (320, 200, 100)]
    assert sizes(await drawn(renderer, corpus.encoded(corpus.picture(96, 2), "png"))) == [(96, 96, 2)]


async def test_a_very_long_picture_keeps_a_pixel_of_width(renderer):
    assert sizes(await drawn(renderer, corpus.encoded(corpus.picture(2, 9000), "png"))) == [
        (96, 1, 96),
        (320, 1, 320),
        (1024, 1, 1024),
    ]


@pytest.mark.parametrize(
    ("orientation", "size", "red_at"),
    [
        (1, (400, 300), (0.2, 0.5)),
        (3, (400, 300), (0.8, 0.5)),
        (6, (300, 400), (0.5, 0.2)),
        (8, (300, 400), (0.5, 0.8)),
    ],
)
async def test_a_photograph_is_upright_and_says_nothing_of_camera_and_place(renderer, orientation, size, red_at):
    photograph = corpus.encoded(corpus.with_exif(corpus.picture(400, 300), orientation), "jpeg")
    assert b"PhoneMaker" in photograph
    rendering = await drawn(renderer, photograph)
    assert (rendering.width, rendering.height) == size
    assert colour_at(rendering.images[-1], *red_at) == "R"
    for image in rendering.images:
        fields = pyvips.Image.new_from_buffer(image.data, "").get_fields()
        assert not [name for name in fields if "exif" in name or "xmp" in name or "icc" in name or "orient" in name]
        assert b"PhoneMaker" not in image.data


async def test_transparency_is_kept(renderer):
    clear = corpus.picture(400, 300, bands=4) * [1, 1, 1, 0]
    rendering = await drawn(renderer, corpus.encoded(clear.cast("uchar").copy(interpretation="srgb"), "png"))
    assert pyvips.Image.new_from_buffer(rendering.images[0].data, "")[3].max() == 0


async def test_a_print_picture_comes_out_in_screen_colours(renderer):
    rendering = await drawn(renderer, corpus.encoded(corpus.picture().colourspace("cmyk"), "jpeg"))
    assert (colour_at(rendering.images[0], 0.2, 0.5), colour_at(rendering.images[0], 0.8, 0.5)) == ("R", "B")


async def test_a_large_interlaced_picture_is_drawn_without_help_of_the_disk(renderer):
    image = corpus.encoded(corpus.picture(6000, 6000), "png", interlace=True)
    assert sizes(await drawn(renderer, image))[-1] == (1024, 1024, 1024)


async def test_the_first_page_of_a_pdf_is_drawn_on_white(renderer):
    rendering = await drawn(renderer, corpus.pdf(b"1 0 0 rg 0 0 100 100 re f"))
    assert (rendering.width, rendering.height) == (200, 100)
    assert sizes(rendering) == [(96, 96, 48), (320, 320, 160), (1024, 1024, 512)]
    assert (colour_at(rendering.images[-1], 0.2, 0.5), colour_at(rendering.images[-1], 0.8, 0.5)) == ("R", "white")


async def test_a_pdf_with_bytes_before_its_header_is_drawn_if_it_calls_itself_one(renderer):
    data = b"\n" * 99 + b"\0" + corpus.pdf(b"")
    assert (await drawn(renderer, data, "application/pdf")).width == 200
    with pytest.raises(Unsupported):
        await drawn(renderer, data, "text/plain")


async def test_what_a_file_is_counts_and_not_what_it_is_called(renderer):
    png = corpus.encoded(corpus.picture(), "png")
    assert (await drawn(renderer, png, "application/pdf")).width == 400
    with pytest.raises(Unsupported):
        await drawn(renderer, b"plain text", "image/png")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"PK\x03\x04" + bytes(100),
        b"\0\0\0\x14ftypcrx \0\0\0\0crx " + bytes(100),
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n\xff",
        bytes(2000),
    ],
    ids=["empty", "two bytes", "zip", "raw", "playlist", "zeros"],
)
async def test_other_kinds_are_refused_without_reading_on(renderer, data):
    with pytest.raises(Unsupported, match="this kind of file"):
        await drawn(renderer, data)


async def test_a_file_that_is_too_large_is_refused_without_reading_on(renderer):
    read = 0

    async def source() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"\xff\xd8\xff".ljust(SNIFF_BYTES, b"\0")

    with pytest.raises(Unsupported, match="over 64 MiB"):
        await renderer.render(source(), "image/jpeg", MAX_SOURCE_BYTES + 1)
    assert read == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_truncated_picture_fails(renderer, kind):
    data = corpus.encoded(corpus.picture(300, 300).gaussblur(3).copy(), kind)
    with pytest.raises(RenderFailed, match="damaged or incomplete"):
        await drawn(renderer, data[: len(data) // 2])


@pytest.mark.parametrize("magic", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"RIFF\xff\0\0\0WEBP"])
async def test_a_kind_in_name_only_fails(renderer, magic):
    with pytest.raises(RenderFailed, match="damaged or incomplete"):
        await drawn(renderer, magic + b"\x5a" * 3000)


@pytest.mark.parametrize("size", [(60_000, 60_000), (10_001, 10_000)])
async def test_a_picture_that_claims_a_giant_size_fails_before_it_is_decoded(renderer, size):
    with pytest.raises(RenderFailed, match="more than 100 million pixels"):
        await drawn(renderer, corpus.png_header(*size))


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\nhello",
        corpus.pdf(b"")[:100],
        corpus.pdf(b"").replace(b"/Kids [3 0 R] /Count 1", b"/Kids [] /Count 0"),
    ],
    ids=["no objects", "cut", "no pages"],
)
async def test_a_broken_pdf_fails(renderer, data):
    with pytest.raises(RenderFailed, match="This PDF"):
        await drawn(renderer, data)


async def test_a_pdf_with_a_password_is_unsupported(renderer):
    encrypt = f"/ID [<00><00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{'41' * 32}> /U <{'42' * 32}> >>"
    with pytest.raises(Unsupported, match="password"):
        await drawn(renderer, corpus.pdf(b"", trailer=encrypt))


async def test_a_pdf_page_of_absurd_shape_is_still_a_bounded_picture(renderer):
    rendering = await drawn(renderer, corpus.pdf(b"", media_box="0 0 14400 1"))
    assert sizes(rendering)[-1] == (1024, 1024, 1)


@pytest.mark.parametrize("change", [-1, 1])
async def test_a_source_of_another_length_than_recorded_fails(renderer, change):
    data = corpus.encoded(corpus.picture(), "png")
    with pytest.raises(RenderFailed, match="not as long"):
        await renderer.render(pieces(data, 100), "image/png", len(data) + change)


async def test_what_the_source_raises_is_passed_on_and_the_source_is_closed(renderer):
    closed = asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        try:
            yield corpus.encoded(corpus.picture(), "png")[:1500]
            raise ConnectionResetError("the object store hung up")
        finally:
            closed.set()

    with pytest.raises(ConnectionResetError):
        await renderer.render(source(), "image/png", 100_000)
    assert closed.is_set()
