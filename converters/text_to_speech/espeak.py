"""espeak-ng in process: a synthetic voice that runs offline anywhere. GPL-3.0, so only in the extra `embedded`."""

from __future__ import annotations

import re
import unicodedata
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from typing import Any

import numpy as np
from pydantic import Field

from converters.text_to_speech import waveform
from converters.text_to_speech.espeak_client import check_voice, espeak_client
from converters.text_to_speech.forked import ChildFailed
from safebench.errors import ConversionError
from safebench.plugins import Converter, PluginOptions, Work
from safebench.types import Media

MAX_CHARACTERS = 20_000
# Languages written in Latin letters: their voices spell other scripts letter by letter, or say "Chinese letter".
_LATIN = re.compile(
    r"(af|ca|cs|cy|da|de|en|es|et|eu|fi|fr|ga|hr|hu|id|is|it|lt|lv|ms|nb|nl|pl|pt|ro|s[klqvw]|tr|vi)\b", re.I
)


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


class Espeak(Converter):
    name = "espeak"
    summary = "synthetic speech by espeak-ng, offline"
    version = f"1 espeakng-loader {_installed('espeakng-loader')} soxr {_installed('soxr')}"
    needs = ("espeakng_loader",)
    extra = "embedded"
    takes = "text"
    gives = "audio"

    class Options(PluginOptions):
        voice: str = "en-us+f5"  # a voice of espeak-ng, with a variant after the plus sign
        sample_rate: int = Field(16000, ge=8000, le=48000)  # Hz
        words_per_minute: int = Field(150, ge=80, le=450)
        pitch: int = Field(50, ge=0, le=99)
        margin: float = Field(0.25, ge=0.0, le=5.0)  # s of silence at both ends

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        check_voice(self.options.voice)
        self._finish = waveform.Finish(self.options.sample_rate, self.options.margin)

    def convert(self, work: Work) -> Media:
        try:
            text = speakable(work.text, self.options.voice)
            wav = self._render(text)
        except ConversionError as error:
            raise ConversionError(f"query {work.query.id!r}: {error}") from error
        return Media.of("audio", waveform.MIME, wav)

    def _render(self, text: str) -> bytes:
        client = espeak_client(self.options.voice)
        parameters = self.options.model_dump(include={"words_per_minute", "pitch"})
        try:
            pcm = client.speak(text, parameters)
        except ChildFailed as error:
            raise ConversionError(f"espeak-ng could not speak the text: {error}") from error
        return waveform.finish(np.frombuffer(pcm, np.int16), client.rate, self._finish)


def speakable(text: str, voice: str) -> str:
    """The text as it is spoken (NFC). Raises ConversionError for what would be left out or spelled instead of read."""
    if len(text) > MAX_CHARACTERS:
        raise ConversionError(f"the text has {len(text)} characters, and at most {MAX_CHARACTERS} can be spoken")
    text = unicodedata.normalize("NFC", text)
    if not any(character.isalnum() for character in text):
        raise ConversionError(f"the text has no letter and no digit, so there is nothing to say: {text[:40]!r}")
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs") and not character.isspace():
            raise ConversionError(f"the control character U+{ord(character):04X} cannot be spoken")
    if _LATIN.match(voice):
        _refuse_other_scripts(text, voice)
    return text


def _refuse_other_scripts(text: str, voice: str) -> None:
    """A single π or Ω has a name that is read out; a word, or one character of a script without cases, has none."""
    for character, following in pairwise(text + " "):
        caseless = unicodedata.category(character) == "Lo"
        if _other_script(character) and (caseless or _other_script(following)):
            named = f"{character!r} U+{ord(character):04X} {unicodedata.name(character, '(no name)')}"
            raise ConversionError(
                f"{named} belongs to a script that the voice {voice!r} does not read;"
                " name one of the text's language with `voice`"
            )


def _other_script(character: str) -> bool:
    letter = unicodedata.category(character) in ("Lu", "Ll", "Lt", "Lo")
    return letter and character not in "ªº" and "LATIN" not in unicodedata.name(character, "")
