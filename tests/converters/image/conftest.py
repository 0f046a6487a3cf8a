"""A picture to alter, and the way through an effect and back to pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from safebench import registry
from safebench.plugins import Converter, Work
from safebench.types import Query
from tests.media_files import picture_media


@pytest.fixture(scope="session")
def picture():
    """Stripes, a ramp and a patch of colour, 96 × 64 px."""
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[:, :, 0] = np.linspace(0, 255, 96)
    pixels[::8, :, 1] = 255
    pixels[20:40, 30:60] = (10, 200, 90)
    return Image.fromarray(pixels)


@pytest.fixture(scope="session")
def through():
    """A picture as it comes out of an effect, by way of its file."""

    def alter(effect, picture, *, seed=0, query="q7", step=1, **options):
        converter = registry.create(Converter, effect, "test", **options)
        made = converter.convert(Work(Query(query, "text"), "text", picture_media(picture), seed, step=step))
        return Image.open(io.BytesIO(made.read()))

    return alter
