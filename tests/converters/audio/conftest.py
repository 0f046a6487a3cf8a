"""A stand-in for speech, and the way through an effect and back to samples."""

import numpy as np
import pytest

from converters.text_to_speech.waveform import encode
from safebench import registry
from safebench.plugins import Converter, Work
from safebench.types import Media, Query
from tests.media_files import samples_of

RATE = 16000


@pytest.fixture(scope="session")
def speech():
    """2 s at 16 kHz: harmonics of 140 Hz in syllables, pauses at both ends; soft enough that no peak is limited."""
    time = np.arange(2 * RATE) / RATE
    voice = sum(np.sin(2 * np.pi * 140 * n * time + n * n) / n for n in range(1, 30))
    syllables = np.clip(np.sin(2 * np.pi * 4 * time), 0, 1) * ((time > 0.25) & (time < 1.75))
    return 0.1 * voice * syllables / np.abs(voice).max()


@pytest.fixture(scope="session")
def wav():
    def of(samples, rate=RATE):
        return Media.of("audio", "audio/wav", encode(samples, rate))

    return of


@pytest.fixture(scope="session")
def hear():
    return samples_of


@pytest.fixture(scope="session")
def through(wav, hear):
    """Samples as they come out of an effect, by way of its WAV file."""

    def alter(effect, samples, rate=RATE, *, seed=0, query="q7", **options):
        converter = registry.create(Converter, effect, "test", **options)
        return hear(converter.convert(Work(Query(query, "text"), "text", wav(samples, rate), seed)))

    return alter


@pytest.fixture(scope="session")
def sine():
    def of(frequency, seconds=1.0, level=0.3, rate=RATE):
        return level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)

    return of
