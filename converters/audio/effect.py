"""What all effects share: decode, one method that alters samples, then format and peak."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from converters.audio.levels import limit_peak
from converters.audio.sound_files import decode
from converters.chance import generator
from converters.naming import naming
from converters.recordings import Samples
from converters.text_to_speech import waveform
from safebench.errors import ConversionError
from safebench.models.torch_backend import installed
from safebench.plugins import Converter, Work
from safebench.types import Media


def with_packages(own: str, *packages: str) -> str:
    """A version that changes with the packages whose numbers an effect passes on."""
    return " ".join([own, *(f"{package} {installed(package)}" for package in packages)])


class Effect(Converter):
    """Speech to speech. A subclass implements `apply` and knows nothing of files.

    The result is a mono 16-bit PCM WAV file at the rate the clip had, its true peak at -1 dBTP or below: it is scaled
    down where it would lie above, and never scaled up. Raises ConversionError, naming the query, for a clip that cannot
    be decoded or in which nothing sounds, and for an effect that leaves NaN or less than -60 dBFS.
    """

    takes = "audio"
    gives = "audio"

    @abstractmethod
    def apply(self, samples: Samples, rate: int, random: np.random.Generator) -> Samples:
        """Alter one channel, (frames,) with full scale 1.0 at `rate` Hz; the length may change.

        `random` gives the same numbers for the same query, seed, place in the chain and options.
        Raises ConversionError.
        """

    def identity(self) -> dict[str, Any]:
        """What the random numbers hang on beside seed and query. An effect with a file names its content instead."""
        return dict(self.options.model_dump(mode="json"))

    def convert(self, work: Work) -> Media:
        with naming(work, self.name):
            wav = self._render(work)
        return Media.of("audio", waveform.MIME, wav)

    def _render(self, work: Work) -> bytes:
        if work.media is None:
            raise ConversionError("there is no recording yet; put a step that speaks the text before this one")
        samples, rate = decode(work.media.read())
        if not samples.any():
            raise ConversionError("the recording is silent")
        random = generator(work, self.name, self.identity())
        return waveform.encode(finish(self.apply(samples, rate, random)), rate)


def finish(samples: Samples) -> Samples:
    """The samples with their true peak at -1 dBTP or below. Raises ConversionError for NaN and for silence."""
    if not samples.size or not np.isfinite(samples).all():
        raise ConversionError("nothing is left, or samples that are not finite numbers")
    peak = float(np.abs(samples).max())
    if peak < waveform.SILENT:
        level = f"{20 * np.log10(peak):.0f} dBFS" if peak else "digital silence"
        raise ConversionError(f"what is left is silent (peak: {level})")
    return limit_peak(samples)
