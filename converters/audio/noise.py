"""Noise behind the speech."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from converters.audio import babble
from converters.audio.effect import Effect, with_packages
from converters.audio.levels import active, decibels_to_power, power
from converters.audio.sound_files import Recording, recordings_in
from converters.recordings import Samples
from safebench.errors import ConversionError
from safebench.plugins import PluginOptions

LOWEST = 20.0  # Hz; pink noise is flat below, or an inaudible rumble would take most of its power


class Noise(Effect):
    """y = x + g v, with g such that SNR = 10 log10(sum of x[n]^2 / sum of (g v[n])^2), n over the speech-active part.

    That part is made of 20 ms frames less than 40 dB below the loudest one, so pauses and margins do not count. The
    noise runs through the whole clip. White is flat, pink falls by 3 dB an octave from 20 Hz, babble is made of voices
    (see `babble.py`), file is a recording of the user's, from a random place on and in a loop.
    """

    name = "noise"
    summary = "speech in white, pink, babble or recorded noise at an SNR"
    version = with_packages("1", "numpy", "soxr")

    class Options(PluginOptions):
        source: Literal["white", "pink", "babble", "file"] = "white"
        snr_db: float = Field(10.0, ge=-30.0, le=60.0)  # dB
        file: Path | None = None  # a recording, for the source `file`
        folder: Path | None = None  # of clips for the source `babble`; without it the clip itself is taken
        voices: int = Field(6, ge=1, le=32)  # of babble

        def files(self) -> list[Path]:
            return [path for path in (self.file, self.folder) if path]

        @model_validator(mode="after")
        def _files_fit_the_source(self) -> Self:
            if (self.source == "file") != (self.file is not None):
                raise ValueError('source = "file" needs the option `file`, and no other source takes it')
            if self.folder is not None and self.source != "babble":
                raise ValueError('`folder` is for source = "babble"')
            return self

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        file, folder = self.options.file, self.options.folder
        self._recorded = [Recording(file, "noise: file")] if file is not None else []
        self._recorded += recordings_in(folder, "noise: folder") if folder is not None else []

    def identity(self) -> dict[str, Any]:
        """Files by their content: the same recipe in another folder makes the same noise."""
        paths = {"file": None, "folder": None, "content": [recording.sha256 for recording in self._recorded]}
        return super().identity() | paths

    def apply(self, samples: Samples, rate: int, random: np.random.Generator) -> Samples:
        make: dict[str, Callable[[Samples, int, np.random.Generator], Samples]]
        make = {"white": _white, "pink": pink, "babble": self._babble, "file": self._from_file}
        noise = make[self.options.source](samples, rate, random)
        return samples + gain_for(samples, noise, rate, self.options.snr_db) * noise

    def _from_file(self, samples: Samples, rate: int, random: np.random.Generator) -> Samples:
        return babble.loop(self._recorded[0].at(rate), len(samples), random)

    def _babble(self, samples: Samples, rate: int, random: np.random.Generator) -> Samples:
        clips = [recording.at(rate) for recording in self._recorded]
        if clips:
            return babble.of_clips(clips, len(samples), self.options.voices, rate, random)
        return babble.of_itself(samples, self.options.voices, rate, random)


def gain_for(samples: Samples, noise: Samples, rate: int, snr_db: float) -> float:
    """The factor that brings `noise` to an SNR in dB over the speech-active part. Raises ConversionError."""
    speech = active(samples, rate)
    noise_power = power(noise, speech)
    if noise_power == 0.0:
        raise ConversionError("the noise is silent wherever there is speech")
    return float(np.sqrt(power(samples, speech) / noise_power / decibels_to_power(snr_db)))


def _white(samples: Samples, rate: int, random: np.random.Generator) -> Samples:
    return random.standard_normal(len(samples))


def pink(samples: Samples, rate: int, random: np.random.Generator) -> Samples:
    """As long as `samples`; its power falls as 1 / f from LOWEST on."""
    spectrum = np.fft.rfft(random.standard_normal(len(samples)))
    frequencies = np.fft.rfftfreq(len(samples), 1.0 / rate)
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(frequencies, LOWEST)), len(samples))
