"""The process that stands by is a help and never a hindrance: where it did not come up, another one draws."""

import pytest

from tests.adapters import corpus
from tests.adapters.test_renderer import drawn
from vaultstream.adapters import renderer as module
from vaultstream.adapters.renderer import Renderer, RendererBroken

PICTURE = corpus.encoded(corpus.picture(200, 100), "png")


async def test_a_spare_that_did_not_come_up_costs_nobody_their_picture(monkeypatch):
    renderer = Renderer()
    try:
        with monkeypatch.context() as impatient:
            impatient.setattr(module, "START_TIMEOUT_SECONDS", 0.001)
            with pytest.raises(RendererBroken):
                await renderer.warm()
        assert (await drawn(renderer, PICTURE)).width == 200
        await renderer.warm()
    finally:
        await renderer.close()
