"""What all effects share: decode, one method that alters the picture, encode."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from PIL import Image

from converters.chance import generator
from converters.naming import naming
from converters.pictures import MOST_PIXELS, WRITER, decode, png
from safebench.errors import ConversionError
from safebench.plugins import Converter, Work
from safebench.types import Media


class ImageEffect(Converter):
    """Image to image. A subclass implements `apply` and knows nothing of files.

    The result is a PNG, grey where the picture was. Raises ConversionError, naming the query, for a picture that
    `converters.pictures.decode` refuses and for options that leave nothing of it, or too much.
    """

    takes = "image"
    gives = "image"
    version = f"2 {WRITER}"

    @abstractmethod
    def apply(self, picture: Image.Image, random: np.random.Generator) -> Image.Image:
        """Alter a picture of mode L or RGB; the result has one of the two, and may have another size.

        `random` gives the same numbers for the same query, seed, place in the chain and options. Raises ValueError.
        """

    def encode(self, picture: Image.Image) -> Media:
        """As a file. Raises ValueError."""
        return png(picture)

    def convert(self, work: Work) -> Media:
        with naming(work, self.name, ValueError):
            if work.media is None:
                raise ConversionError("there is no picture yet; put a step that makes one before this one")
            picture = decode(work.media.read())
            altered = self.apply(picture, generator(work, self.name, self.options.model_dump(mode="json")))
            check_size(*altered.size)
            return self.encode(altered)


def check_size(width: int, height: int) -> None:
    """Sides in px. Raises ValueError for a picture without pixels, and for one that would not be read again."""
    if min(width, height) < 1:
        raise ValueError(f"{width}x{height} pixels are left: nothing could be seen")
    if width * height > MOST_PIXELS:
        raise ValueError(f"{width}x{height} pixels are more than {MOST_PIXELS // 10**6} million")
