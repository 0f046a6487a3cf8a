import io

import pytest
from PIL import Image, ImageChops

from converters.text_to_image.drawing import png


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_another_decoder_reads_back_every_pixel(mode):
    image = Image.effect_noise((67, 31), 80).convert(mode)
    read = Image.open(io.BytesIO(png.encode(image)))
    assert (read.format, read.mode, read.size) == ("PNG", mode, (67, 31))
    assert ImageChops.difference(read, image).getbbox() is None


def test_photographs_are_filtered_and_come_back_too():
    grey = Image.linear_gradient("L").resize((300, 200))
    image = Image.merge("RGB", (grey, grey.rotate(180), Image.effect_noise((300, 200), 8)))
    data = png.encode(image)
    assert ImageChops.difference(Image.open(io.BytesIO(data)), image).getbbox() is None
    assert len(data) < 0.6 * image.width * image.height * 3
    assert png.encode(image) == data
