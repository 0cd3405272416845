"""The child's answer survives the pipe, and nothing but a lawful answer is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters import corpus
from vaultstream.renderings import (
    THUMBNAIL_EDGES_PX,
    RenderedImage,
    RenderFailed,
    Rendering,
    SourceKind,
    Unsupported,
    packed,
    source_kind,
    unpacked,
)

webp = st.binary(max_size=300).map(lambda body: b"RIFF" + b"\0\0\0\0" + b"WEBP" + body)


@st.composite
def renderings(draw: st.DrawFn) -> Rendering:
    edges = THUMBNAIL_EDGES_PX[: draw(st.integers(1, len(THUMBNAIL_EDGES_PX)))]
    images = tuple(
        RenderedImage(draw(st.integers(1, edge)), draw(st.integers(1, edge)), edge, draw(webp)) for edge in edges
    )
    return Rendering(images, draw(st.integers(1, 2**32 - 1)), draw(st.integers(1, 2**32 - 1)))


@given(renderings())
def test_an_answer_comes_out_as_it_went_in(rendering):
    assert unpacked(packed(rendering)) == rendering


@given(st.text(), st.sampled_from([Unsupported, RenderFailed]))
def test_a_refusal_comes_out_as_it_went_in(reason, refusal):
    with pytest.raises(refusal) as raised:
        unpacked(packed(refusal(reason)))
    assert raised.value.reason == reason


@given(renderings(), st.data())
def test_a_cut_or_lengthened_answer_is_none(rendering, data):
    answer = packed(rendering)
    with pytest.raises(ValueError):
        unpacked(answer[: data.draw(st.integers(0, len(answer) - 1))])
    with pytest.raises(ValueError):
        unpacked(answer + b"\0")


@given(st.binary(max_size=400))
def test_any_other_bytes_are_refused_in_one_of_three_ways(answer):
    with pytest.raises((ValueError, Unsupported, RenderFailed)):
        unpacked(answer)


@pytest.mark.parametrize(
    "images",
    [
        (),
        (RenderedImage(9, 9, 320, b"RIFF0000WEBP"),),
        (RenderedImage(9, 9, 96, b"RIFF0000WEBP"), RenderedImage(9, 9, 96, b"RIFF0000WEBP")),
        (RenderedImage(97, 9, 96, b"RIFF0000WEBP"),),
        (RenderedImage(9, 0, 96, b"RIFF0000WEBP"),),
        (RenderedImage(9, 9, 96, b"<script>alert</script>"),),
    ],
    ids=["none", "wrong edge", "twice", "too wide", "flat", "no picture"],
)
def test_pictures_that_were_not_asked_for_are_refused(images):
    with pytest.raises(ValueError):
        unpacked(packed(Rendering(images, 9, 9)))


@given(st.binary(max_size=40), st.text())
def test_a_kind_is_told_for_any_bytes(head, content_type):
    assert source_kind(head, content_type) in {None, *SourceKind}


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif", "tiff", "avif"])
def test_pictures_are_known_by_their_first_bytes(kind):
    assert source_kind(corpus.encoded(corpus.picture(), kind)[:64], "") is SourceKind.PICTURE
