"""A clip in which nobody speaks: a control, for the effect that any clip has beside a written query."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from converters.text_to_speech import waveform
from safebench.plugins import Converter, PluginOptions, Work
from safebench.types import Media


class Silence(Converter):
    name = "silence"
    summary = "a silent clip, for controls"
    takes = "text"
    gives = "audio"

    class Options(PluginOptions):
        seconds: float = Field(3.0, gt=0, le=60)
        sample_rate: int = Field(16000, ge=8000, le=48000)  # Hz

    def convert(self, work: Work) -> Media:
        silent = np.zeros(round(self.options.seconds * self.options.sample_rate))
        return Media.of("audio", waveform.MIME, waveform.encode(silent, self.options.sample_rate))
