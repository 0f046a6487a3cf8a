"""What the tests of all layouts share."""

from __future__ import annotations

import io

from PIL import Image

from converters.text_to_image.banner import Banner
from converters.text_to_image.chat import Chat
from converters.text_to_image.drawing.layout import Layout
from converters.text_to_image.figstep import FigStep
from converters.text_to_image.typographic import Typographic
from safebench.plugins import Work
from safebench.types import Media, Query
from tests.media_files import picture_media

LAYOUTS = (Typographic, FigStep, Chat, Banner)


def picture(width: int = 320, height: int = 200) -> Media:
    """A picture without text: grey from black to white, blue from left to right."""
    grey = Image.linear_gradient("L").resize((width, height))
    blue = Image.linear_gradient("L").rotate(90).resize((width, height))
    return picture_media(Image.merge("RGB", (grey, grey, blue)))


def convert(layout: type[Layout], text: str, media: Media | None = None, **options: object) -> Media:
    media = media or (picture() if layout is Banner else None)
    return layout(layout.Options(**options)).convert(Work(Query("q7", text), text, media))


def opened(media: Media) -> Image.Image:
    return Image.open(io.BytesIO(media.read()))
