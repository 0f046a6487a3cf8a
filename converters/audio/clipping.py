"""Overdriven recordings."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from converters.audio.effect import Effect
from converters.audio.levels import active, decibels_to_gain
from converters.recordings import Samples
from safebench.plugins import PluginOptions


class Clipping(Effect):
    """Hard clipping: what lies beyond a threshold is cut to it, and the rest keeps its level.

    The threshold is given in dB below the clip's peak, or as the share of speech-active samples to be cut.
    """

    name = "clipping"
    summary = "speech as a microphone or an amplifier overdrives it"

    class Options(PluginOptions):
        below_peak_db: float | None = Field(None, gt=0.0, le=60.0)  # dB; 12 where neither is given
        share: float | None = Field(None, gt=0.0, le=0.9)  # of speech-active samples

        @model_validator(mode="after")
        def _one_threshold(self) -> Self:
            if self.below_peak_db is not None and self.share is not None:
                raise ValueError("below_peak_db and share both set the threshold; give one of them")
            return self

    def apply(self, samples: Samples, rate: int, random: np.random.Generator) -> Samples:
        threshold = self._threshold(np.abs(samples), active(samples, rate))
        return np.clip(samples, -threshold, threshold)

    def _threshold(self, magnitudes: Samples, speech: NDArray[np.bool_]) -> float:
        if self.options.share is not None:
            return float(np.quantile(magnitudes[speech], 1.0 - self.options.share))
        below = 12.0 if self.options.below_peak_db is None else self.options.below_peak_db
        return float(magnitudes.max()) * decibels_to_gain(-below)
