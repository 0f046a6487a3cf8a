"""Lossy codecs."""

from __future__ import annotations

import io
from typing import Any, Literal

import numpy as np
import soundfile
from pydantic import Field

from converters.audio.effect import Effect, with_packages
from converters.audio.levels import to_length
from converters.recordings import Samples
from converters.text_to_speech.waveform import resample
from safebench.errors import ConversionError
from safebench.plugins import PluginOptions

RATES = {
    "mp3": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
    "opus": (8000, 12000, 16000, 24000, 48000),
}
# Hz from which on, highest and lowest kbit/s: between them libsndfile's compression level runs evenly from 0 to 1
# (src/mpeg_l3_encode.c and src/ogg_opus.c of libsndfile 1.2)
MP3_BITRATES = ((32000, 320, 32), (16000, 160, 8), (0, 64, 8))
OPUS_BITRATES = (256, 6)
# The encoder's and the decoder's delay in samples. Where a frame is too small for the header that tells it (low bit
# rates), the decoder leaves it in.
MP3_DELAY = 576 + 529
BLOCK = 1 << 16  # samples a write; libsndfile's encoders put a whole block on the stack


class Codec(Effect):
    """Encoded and decoded once by libsndfile (LAME and mpg123, libopus); length and alignment stay.

    The bit rate is the nearest that the format has at the clip's rate: MP3 8-64 kbit/s up to 12 kHz, 8-160 up to
    24 kHz, 32-320 above, constant; Opus 6-256, variable around it. A rate that the codec lacks goes to the next one.
    """

    name = "codec"
    summary = "speech through MP3 or Opus at a bit rate"
    version = with_packages("1", "soundfile", "soxr")

    class Options(PluginOptions):
        format: Literal["mp3", "opus"] = "mp3"
        kbps: int = Field(32, ge=6, le=320)  # kbit/s

    def apply(self, samples: Samples, rate: int, random: np.random.Generator) -> Samples:
        inner = next((r for r in RATES[self.options.format] if r >= rate), RATES[self.options.format][-1])
        before = resample(samples, rate, inner)
        after = _aligned(_decode(encode(before, inner, self.options.format, self.options.kbps)), len(before))
        return _aligned(resample(after, inner, rate), len(samples))


def encode(samples: Samples, rate: int, codec: str, kbps: int) -> bytes:
    """An MP3 or Ogg Opus file. Raises ConversionError where the encoder fails."""
    layout: dict[str, Any] = {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT"}
    if codec == "opus":
        layout = {"format": "OGG", "subtype": "OPUS"}
    file = io.BytesIO()
    try:
        with soundfile.SoundFile(file, "w", rate, 1, compression_level=_level(codec, rate, kbps), **layout) as encoder:
            for start in range(0, len(samples), BLOCK):
                encoder.write(samples[start : start + BLOCK])
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise ConversionError(f"{codec} at {rate} Hz cannot be encoded: {error}") from error
    return file.getvalue()


def _level(codec: str, rate: int, kbps: int) -> float:
    """The compression level of libsndfile, 0 to 1, that gives a bit rate."""
    high, low = OPUS_BITRATES
    if codec == "mp3":
        high, low = next((high, low) for start, high, low in MP3_BITRATES if rate >= start)
    return float(np.clip((high - kbps) / (high - low), 0.0, 0.9999))  # MP3 refuses 1.0


def _decode(data: bytes) -> Samples:
    try:
        return np.asarray(soundfile.read(io.BytesIO(data), dtype="float64")[0])
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise ConversionError(f"what was encoded cannot be decoded: {error}") from error


def _aligned(samples: Samples, frames: int) -> Samples:
    """`frames` samples; a decoded clip that is longer by a whole delay starts with it."""
    if len(samples) >= frames + MP3_DELAY:
        samples = samples[MP3_DELAY:]
    return to_length(samples, frames)
