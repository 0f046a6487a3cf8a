"""Hears English speech with PocketSphinx, whose wheel carries its models. Weak: it gets about half of the words."""

from __future__ import annotations

from typing import Any

import numpy as np

from modalities.audio.decoding import Samples, decode
from modalities.audio.signal import is_silent
from safebench.plugins import Recogniser
from safebench.types import Media

RATE = 16000  # Hz; what the shipped en-us model was trained on


class PocketSphinx(Recogniser):
    name = "pocketsphinx"
    summary = "hears English speech, offline; makes many errors"
    needs = ("pocketsphinx",)
    extra = "embedded"
    medium = "audio"

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        from pocketsphinx import Decoder

        # Batch normalisation looks at one clip alone; the default one carries over what it heard before.
        self._decoder = Decoder(samprate=RATE, cmn="batch", loglevel="FATAL")

    def recognise(self, media: Media) -> str:
        samples, rate = decode(media)
        if is_silent(samples):
            return ""  # it would hear a word even there
        self._decoder.start_utt()
        self._decoder.process_raw(_pcm(samples, rate), no_search=False, full_utt=True)
        self._decoder.end_utt()
        heard = self._decoder.hyp()
        return heard.hypstr if heard is not None else ""


def _pcm(samples: Samples, rate: int) -> bytes:
    """16-bit samples at RATE."""
    import soxr

    heard = samples if rate == RATE else soxr.resample(samples, rate, RATE)
    return (np.clip(heard, -1, 1) * 32767).astype(np.int16).tobytes()
