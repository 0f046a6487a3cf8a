"""What all speech engines share: options of the finished clip, and errors that name the query."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from converters.naming import naming
from converters.text_to_speech import waveform
from safebench.plugins import Converter, PluginOptions, Work
from safebench.types import Media

Spoken = tuple[NDArray[np.generic], int]  # samples, (frames,) or (frames, channels), and their rate in Hz


class SpeechOptions(PluginOptions):
    """Options of every speech engine."""

    sample_rate: int = Field(16000, ge=8000, le=48000)  # Hz
    margin: float = Field(0.25, ge=0.0, le=5.0)  # s of silence at both ends
    max_seconds: float | None = Field(None, gt=0)  # a longer clip counts as not made


class SpeechEngine(Converter):
    """Speaks by `speak`; what it gives is brought to one standard, whatever the engine."""

    takes = "text"
    gives = "audio"

    def convert(self, work: Work) -> Media:
        with naming(work):
            samples, rate = self.speak(work)
            options = self.options
            how = waveform.Finish(options.sample_rate, options.margin, max_seconds=options.max_seconds)
            wav = waveform.finish(samples, rate, how)
        return Media.of("audio", waveform.MIME, wav)

    @abstractmethod
    def speak(self, work: Work) -> Spoken:
        """The samples as the engine gives them. Raises ConversionError when the text cannot be spoken as it is."""
