"""How images travel to and from each target family."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any

from converters.pictures import decode
from safebench.plugins import Encoder
from safebench.types import Media

_DATA_URI = re.compile(r"data:image/[^,]*;base64,")


class OpenAIImage:
    """Chat completions: an `image_url` part with a data URI; answers in `images`, as OpenRouter sends them."""

    def encode(self, media: Media) -> Mapping[str, Any]:
        return {"type": "image_url", "image_url": {"url": media.data_uri()}}

    def decode(self, part: Mapping[str, Any]) -> Sequence[tuple[Media, str]] | None:
        """The images of an answer where all are in data URIs; a link is never followed.

        Raises ValueError for malformed base64.
        """
        parts = part.get("images", [part])
        urls = [_url(one) for one in parts] if isinstance(parts, list) else []
        if not urls or not all(map(_DATA_URI.match, urls)):
            return None
        return [(_picture(url), "") for url in urls]


class TransformersImage(Encoder):
    """Local chat models: an `image` part that holds the picture, in mode RGB; they answer in text alone."""

    def encode(self, media: Media) -> Mapping[str, Any]:
        """Raises ValueError for bytes that are no whole picture."""
        return {"type": "image", "image": decode(media.read()).convert("RGB")}


def _url(part: object) -> str:
    match part:
        case {"image_url": {"url": str(url)}} | {"image_url": str(url)}:
            return url
    return ""


def _picture(url: str) -> Media:
    header, _, data = url.partition(",")
    return Media.of("image", header.removeprefix("data:").split(";")[0], _bytes(data))


def _bytes(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise ValueError(f"the answer's image is not base64: {error}") from error
