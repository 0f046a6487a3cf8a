"""Pictures that somebody made for the queries, from a folder, found by the query's id. Their bytes stay as they are."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image

from converters.given_files import GivenFiles
from converters.pictures import decode
from safebench.errors import ConversionError
from safebench.plugins import Converter, PluginOptions, Work
from safebench.types import TEXT, Media

MIMES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif")


class Stored(Converter):
    name = "stored"
    summary = "pictures from a folder, one file for each query id"
    takes = TEXT
    gives = "image"

    class Options(PluginOptions):
        folder: Path  # holds ID.png, .jpg, .webp or .gif; index.csv (id,file) for ids that are no file names
        separator: str | None = None  # in ids, where a folder begins: with "-", the picture of 3-17 is 3/17.png

        def files(self) -> list[Path]:
            return [self.folder]

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._files = GivenFiles(self.options.folder, ENDINGS, "picture", self.options.separator)

    def convert(self, work: Work) -> Media:
        try:
            data, name = self._files.read(work.query.id)
            return Media.of("image", _mime(data, name), data)
        except ConversionError as error:
            raise ConversionError(f"query {work.query.id!r}: {error}") from error


def _mime(data: bytes, name: str) -> str:
    """Told by the bytes, whatever the name says. Raises ConversionError for no whole picture of a known kind."""
    try:
        decode(data)
        with Image.open(io.BytesIO(data), formats=list(MIMES)) as picture:
            return MIMES[str(picture.format)]
    except (OSError, ValueError) as error:
        raise ConversionError(f"the picture {name!r} is none that can be decoded: {error}") from error
