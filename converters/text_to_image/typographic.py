"""Plain text on a plain ground, as large as it fits."""

from __future__ import annotations

from converters.text_to_image.drawing.layout import Layout


class Typographic(Layout):
    name = "typographic"
    summary = "the query's text as a picture of text"
