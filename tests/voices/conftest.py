"""Tests with a real voice and real ears. An environment of its own runs them: elsewhere no weights are installed.

Where the packages cannot be had, each test is skipped by the command that installs them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from converters.text_to_speech.piper import Piper
from modalities.audio.faster_whisper import FasterWhisper
from safebench.types import Media

VOICE = "en_US-joe-medium"


@pytest.fixture(scope="session")
def voice() -> Piper:
    options = Piper.Options(voice=VOICE)
    missing = Piper.missing(options)
    if missing:
        pytest.skip(missing)
    return Piper(options)


@pytest.fixture(scope="session")
def hear() -> Callable[[Media], str]:
    """What the ears make of a clip; each is heard once."""
    missing = FasterWhisper.missing(FasterWhisper.Options())
    if missing:
        pytest.skip(missing)
    return cache(FasterWhisper().recognise)
