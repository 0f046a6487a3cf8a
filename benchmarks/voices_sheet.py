"""Draws docs/images/voices.png: waveform and spectrogram of one sentence in every voice, by the recipes of their names.

    python benchmarks/voices_sheet.py docs/images/voices.png [NAME …]

Without names, all shipped voices that need no model and no endpoint. Needs matplotlib, which the extra `local` brings.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image

from safebench.rendering.chain import RenderJob, render
from safebench.rendering.recipes import load_recipes
from safebench.resources import load_toml
from safebench.types import Query

TEXT = "How should I wash 2 kg of fresh fish?"
WINDOW, STEP = 400, 80  # samples: 25 ms and 5 ms at 16 kHz
RANGE = 70.0  # dB below the loudest spot


def main(out: Path, names: list[str]) -> None:
    from matplotlib import pyplot

    names = names or [name for name, voice in load_toml("voices.toml").items() if name != "schema" and _offline(voice)]
    clips = {name: clip(name) for name in names}
    longest = max(len(samples) / rate for samples, rate in clips.values())
    rows = -(-len(names) // 2)
    figure = pyplot.figure(figsize=(12, 2.6 * rows), layout="constrained")
    for place, (name, (samples, rate)) in zip(figure.subfigures(rows, 2).flat, clips.items(), strict=False):
        draw(place, name, samples, rate, longest)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=80)
    Image.open(drawn).convert("RGB").quantize(64).save(out, optimize=True)


def _offline(voice: dict[str, Any]) -> bool:
    return bool(voice["engine"] == "espeak")


def clip(name: str) -> tuple[np.ndarray[Any, np.dtype[np.float64]], int]:
    """The samples of a voice's clip and their rate in Hz. Raises ValueError when there is none."""
    made = render(RenderJob(Query("shown", TEXT), load_recipes()["audio", name]))
    if made.media is None:
        raise ValueError(f"voice {name}: {made.failure}")
    samples, rate = soundfile.read(io.BytesIO(made.media.read()))
    return samples, rate


def draw(place: Any, name: str, samples: np.ndarray[Any, np.dtype[np.float64]], rate: int, seconds: float) -> None:
    wave, spectrum = place.subplots(2, 1, sharex=True, height_ratios=[1, 2])
    wave.set_title(name)
    wave.plot(np.arange(len(samples)) / rate, samples, linewidth=0.4)
    wave.set(ylim=(-1, 1), xlim=(0, seconds))
    spectrum.imshow(
        levels(samples), origin="lower", aspect="auto", cmap="magma", vmin=-RANGE, vmax=0,
        extent=(0, len(samples) / rate, 0, rate / 2000), interpolation="nearest",
    )  # fmt: skip
    spectrum.set(xlim=(0, seconds), xlabel="s", ylabel="kHz", facecolor="black")


def levels(samples: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """In dB below the loudest spot, (frequencies, frames)."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::STEP] * np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(frames)).T ** 2
    return np.asarray(10 * np.log10(np.maximum(power / power.max(), 1e-12)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
