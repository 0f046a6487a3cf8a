import io

import pytest
from PIL import Image, ImageChops

from converters.text_to_image import png


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_another_decoder_reads_back_every_pixel(mode):
    image = Image.effect_noise((67, 31), 80).convert(mode)
    read = Image.open(io.BytesIO(png.encode(image)))
    assert (read.format, read.mode, read.size) == ("PNG", mode, (67, 31))
    assert ImageChops.difference(read, image).getbbox() is None
