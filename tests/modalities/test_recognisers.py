"""Our recognisers keep what third parties' ones have to keep; one of an endpoint is as constant as the endpoint is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from converters.text_to_image.typographic import Typographic
from converters.text_to_speech.espeak import Espeak
from safebench.plugins import Work
from safebench.testing.contracts import ASKED, OTHER, RecogniserContract
from safebench.types import Intent, Media, Query

THIRD = Query("third", "Good morning.", Intent.BENIGN)
WORKS = [Work(query, query.text) for query in (ASKED, OTHER, THIRD)]


class OfSpeech(RecogniserContract):
    @pytest.fixture(scope="class")
    @classmethod
    def several(cls) -> Sequence[Media]:
        return [Espeak().convert(work) for work in WORKS]


class TestPocketSphinx(OfSpeech):
    spec = "pocketsphinx"


class TestFasterWhisper(OfSpeech):
    """With the weights that are installed, or not at all."""

    spec = "faster-whisper"


class TestRapidOcr(RecogniserContract):
    spec = "rapidocr"

    @pytest.fixture
    def several(self) -> Sequence[Media]:
        return [Typographic().convert(work) for work in WORKS]
