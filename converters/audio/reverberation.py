"""Rooms."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from converters.audio.effect import Effect, with_packages
from converters.audio.sound_files import Recording
from converters.recordings import Samples
from safebench.plugins import PluginOptions


class Reverberation(Effect):
    """y = (1 - wet) x + wet (h * x), with an impulse response h of unit energy; the clip grows by the room's tail.

    h is a user's file from its strongest sample on, which is the direct sound, so that speech is not delayed; or a
    synthetic room: Gaussian noise under 10^(-3 t / rt60), the diffuse model of J.-D. Polack (1988), without a direct
    sound of its own and with the same decay at all frequencies.
    """

    name = "reverberation"
    summary = "speech in a room: a recorded impulse response, or a synthetic one with RT60"
    version = with_packages("1", "numpy", "scipy", "soxr")

    class Options(PluginOptions):
        rt60: float | None = Field(None, ge=0.05, le=10.0)  # s until the sound has died down by 60 dB; 0.5 if not given
        file: Path | None = None  # an impulse response in place of the synthetic room
        wet: float = Field(0.5, gt=0.0, le=1.0)  # share of the room in the mix; the rest is the clip as it was

        def files(self) -> list[Path]:
            return [self.file] if self.file else []

        @model_validator(mode="after")
        def _one_room(self) -> Self:
            if self.file is not None and self.rt60 is not None:
                raise ValueError("a recorded room has its own reverberation time; give file or rt60")
            return self

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        file = self.options.file
        self._recorded = Recording(file, "reverberation: file") if file is not None else None

    def identity(self) -> dict[str, Any]:
        recorded = self._recorded
        return super().identity() | ({"file": recorded.sha256} if recorded else {})

    def apply(self, samples: Samples, rate: int, random: np.random.Generator) -> Samples:
        from scipy.signal import fftconvolve

        room = _from_direct_sound(self._recorded.at(rate)) if self._recorded else self._synthetic(rate, random)
        reverberant = self.options.wet * fftconvolve(samples, room / np.sqrt(np.square(room).sum()))
        reverberant[: len(samples)] += (1.0 - self.options.wet) * samples
        return np.asarray(reverberant)

    def _synthetic(self, rate: int, random: np.random.Generator) -> Samples:
        rt60 = 0.5 if self.options.rt60 is None else self.options.rt60
        time = np.arange(max(1, round(rt60 * rate))) / rate
        return np.asarray(random.standard_normal(len(time)) * 10 ** (-3.0 * time / rt60))


def _from_direct_sound(response: Samples) -> Samples:
    return response[int(np.abs(response).argmax()) :]
