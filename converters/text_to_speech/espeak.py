"""espeak-ng in process: a synthetic voice that runs offline anywhere. GPL-3.0, so only in the extra `embedded`."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Any

import numpy as np
from pydantic import Field

from converters.naming import described
from converters.text_to_speech import spoken_text, waveform
from converters.text_to_speech.engine import SpeechEngine, SpeechOptions, Spoken
from converters.text_to_speech.espeak_client import check_voice, espeak_client
from converters.text_to_speech.forked import ChildFailed
from safebench.errors import ConversionError
from safebench.models.torch_backend import installed
from safebench.plugins import Work

SLOWEST = 80  # words a minute; espeak-ng goes no slower
# Languages written in Latin letters: their voices spell other scripts letter by letter, or say "Chinese letter".
_LATIN = re.compile(
    r"(af|ca|cs|cy|da|de|en|es|et|eu|fi|fr|ga|hr|hu|id|is|it|lt|lv|ms|nb|nl|pl|pt|ro|s[klqvw]|tr|vi)\b", re.I
)
_LANGUAGE = re.compile(r"(?!mb-)[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*(?![^+])")


class Espeak(SpeechEngine):
    name = "espeak"
    summary = "synthetic speech by espeak-ng, offline"
    version = f"2 espeakng-loader {installed('espeakng-loader')} {waveform.VERSION}"
    needs = ("espeakng_loader",)
    extra = "embedded"
    varies = True

    class Options(SpeechOptions):
        voice: str = "en-us+f5"  # a voice of espeak-ng, with a variant after the plus sign
        words_per_minute: int = Field(150, ge=SLOWEST, le=450)
        pitch: int = Field(50, ge=0, le=99)

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        check_voice(self.options.voice)

    @property
    def language(self) -> str | None:
        return language_of(self.options.voice)

    def speak(self, work: Work) -> Spoken:
        text = speakable(work.text, self.options.voice)
        client = espeak_client(self.options.voice)
        parameters = {"words_per_minute": self._pace(work.attempt), "pitch": self.options.pitch}
        try:
            pcm = client.speak(text, parameters)
        except ChildFailed as error:
            raise ConversionError(f"espeak-ng could not speak the text: {error}") from error
        return np.frombuffer(pcm, np.int16), client.rate

    def _pace(self, attempt: int) -> int:
        """Words a minute: a tenth slower with each attempt, as slow speech is heard better."""
        pace: float = self.options.words_per_minute * 0.9**attempt
        return max(SLOWEST, round(pace))


def language_of(voice: str) -> str | None:
    """Of a voice of espeak-ng: `en-us+f5` speaks en-us; None for one that is not named after its language."""
    named = _LANGUAGE.match(voice)
    return named[0] if named else None


def speakable(text: str, voice: str) -> str:
    """The text as it is spoken (NFC). Raises ConversionError for what would be left out or spelled instead of read."""
    text = spoken_text.speakable(text)
    if _LATIN.match(voice):
        _refuse_other_scripts(text, voice)
    return text


def _refuse_other_scripts(text: str, voice: str) -> None:
    """A single π or Ω has a name that is read out; a word, or one character of a script without cases, has none."""
    for character, following in pairwise(text + " "):
        caseless = unicodedata.category(character) == "Lo"
        if _other_script(character) and (caseless or _other_script(following)):
            raise ConversionError(
                f"{described(character)} belongs to a script that the voice {voice!r} does not read;"
                " name one of the text's language with `voice`"
            )


def _other_script(character: str) -> bool:
    letter = unicodedata.category(character) in ("Lu", "Ll", "Lt", "Lo")
    return letter and character not in "ªº" and "LATIN" not in unicodedata.name(character, "")
