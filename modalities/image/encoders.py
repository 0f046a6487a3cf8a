"""How images travel to and from each target family."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from converters.pictures import decode
from safebench.plugins import Encoder
from safebench.types import Media


class OpenAIImage:
    """Chat completions: an `image_url` part with a data URI; answers in `images`, as OpenRouter sends them."""

    def encode(self, media: Media) -> Mapping[str, Any]:
        return {"type": "image_url", "image_url": {"url": media.data_uri()}}

    def decode(self, message: Mapping[str, Any]) -> tuple[Media, str] | None:
        """The first image of the answer where it is in a data URI; a link is never followed.

        Raises ValueError for malformed base64.
        """
        header, comma, data = _first_url(message).partition(",")
        if not (comma and header.startswith("data:image/") and header.endswith(";base64")):
            return None
        mime = header.removeprefix("data:").split(";")[0]
        return Media.of("image", mime, _bytes(data)), ""


class TransformersImage(Encoder):
    """Local chat models: an `image` part that holds the picture, in mode RGB; they answer in text alone."""

    def encode(self, media: Media) -> Mapping[str, Any]:
        """Raises ValueError for bytes that are no whole picture."""
        return {"type": "image", "image": decode(media.read()).convert("RGB")}


def _first_url(message: Mapping[str, Any]) -> str:
    match message.get("images"):
        case [{"image_url": {"url": str(url)}}, *_]:
            return url
    return ""


def _bytes(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise ValueError(f"the answer's image is not base64: {error}") from error
