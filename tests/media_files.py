"""Small pictures and clips as files, by other means than the converters' own."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import soundfile
from PIL import Image

from safebench.types import Media


def saved(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def picture_media(picture: Image.Image, kind: str = "PNG") -> Media:
    data = saved(picture, kind)  # first: it makes Pillow know the kind
    return Media.of("image", Image.MIME[kind], data)


def recorded(samples: np.ndarray, rate: int = 16000, kind: str = "WAV", **options: Any) -> bytes:
    """A file of samples, (frames,) or (frames, channels) with full scale 1.0; WAV is 16-bit PCM by default."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, **options)
    return file.getvalue()


def clip_media(samples: np.ndarray, rate: int = 16000, **options: Any) -> Media:
    return Media.of("audio", "audio/wav", recorded(samples, rate, **options))


def samples_of(media: Media) -> np.ndarray:
    return soundfile.read(io.BytesIO(media.read()))[0]
