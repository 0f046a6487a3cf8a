"""How videos travel to each family of targets. None of them answers in video."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from safebench.types import Media


class _OneWay:
    def decode(self, message: Mapping[str, Any]) -> None:
        """Nothing."""


class OpenAIVideo(_OneWay):
    """Chat completions as vLLM, SGLang and OpenRouter take them: a `video_url` part with a data URI."""

    def encode(self, media: Media) -> Mapping[str, Any]:
        data = base64.b64encode(media.read()).decode("ascii")
        return {"type": "video_url", "video_url": {"url": f"data:{media.mime};base64,{data}"}}


class TransformersVideo(_OneWay):
    """Local chat models: a `video` part with the path of a file, from which the processor takes frames as it likes."""

    def encode(self, media: Media) -> Mapping[str, Any]:
        return {"type": "video", "video": str(_file(media))}


def _file(media: Media) -> Path:
    if isinstance(media.source, Path):
        return media.source
    path = Path(_folder().name) / f"{media.sha256}.mp4"
    if not path.exists():
        path.write_bytes(media.source)
    return path


@cache
def _folder() -> TemporaryDirectory[str]:
    """For media in memory; it is removed when the process ends."""
    return TemporaryDirectory(prefix="safebench-video-")
