"""What every modality and converter of SafeBench has to keep."""

import io

import pytest
from PIL import Image

from safebench.testing.contracts import ConverterContract, ModalityContract
from safebench.types import Media


class TestVideo(ModalityContract):
    name = "video"


class TestFilm(ConverterContract):
    name = "film"

    @pytest.fixture
    def media(self):
        file = io.BytesIO()
        Image.linear_gradient("L").save(file, "PNG")
        return Media.of("image", "image/png", file.getvalue())
