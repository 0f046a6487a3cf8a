"""Pictures that somebody made for the queries, from a folder, found by the query's id. Their bytes stay as they are."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from converters.given_files import FolderOptions, GivenFiles
from converters.naming import naming
from converters.pictures import decode
from safebench.errors import ConversionError
from safebench.plugins import Converter, Work
from safebench.types import TEXT, Draft, Media

MIMES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif")


class Stored(Converter):
    name = "stored"
    summary = "pictures from a folder, one file for each query id"
    takes = TEXT
    gives = "image"
    depicts = True

    class Options(FolderOptions):
        prompts: tuple[str, ...] = ()  # tables beside the pictures: the n-th record of the first is the prompt of n.png

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._files = GivenFiles(self.options, ENDINGS, "picture")

    def convert(self, work: Work) -> Media:
        with naming(work):
            data, name = self._files.read(work.query.id)
            if prompt := self._files.text_beside(work.query.id, self.options.prompts):
                work.notes.drafts.append(Draft(prompt))
            return Media.of("image", _mime(data, name), data)


def _mime(data: bytes, name: str) -> str:
    """Told by the bytes, whatever the name says. Raises ConversionError for no whole picture of a known kind."""
    try:
        decode(data)
        with Image.open(io.BytesIO(data), formats=list(MIMES)) as picture:
            return MIMES[str(picture.format)]
    except (OSError, ValueError) as error:
        raise ConversionError(f"the picture {name!r} is none that can be decoded: {error}") from error
