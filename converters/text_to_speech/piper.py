"""Neural speech by a voice of Piper (PyPI `piper-tts`, GPL-3.0), on the CPU, without torch."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from converters.text_to_speech import spoken_text, waveform
from converters.text_to_speech.engine import SpeechEngine, SpeechOptions, Spoken
from converters.text_to_speech.espeak import language_of, speakable
from converters.text_to_speech.onnx import samples_of, session_of
from converters.text_to_speech.piper_voices import PLUGIN, files_of, on_disk, read_voice
from safebench.errors import BadInput
from safebench.models import weights
from safebench.models.torch_backend import check_exists, installed, seed_of
from safebench.plugins import Work

SLOWER = 1.1  # with each attempt


class Piper(SpeechEngine):
    """The same text gives the same bytes.

    onnxruntime's generator of noise goes on from clip to clip and cannot be set back, so voices speak without noise.
    Where it is asked for, each clip has a session of its own, seeded by query and attempt: that takes seconds a clip.
    """

    name = PLUGIN
    summary = "neural speech by a voice of Piper, on this machine"
    version = f"1 piper-tts {installed('piper-tts')} onnxruntime {installed('onnxruntime')} {waveform.VERSION}"
    needs = ("piper",)
    extra = "piper"
    varies = True

    class Options(SpeechOptions):
        voice: str = Field(min_length=1)  # a name (en_US-joe-medium), an .onnx file, or a folder that holds one
        speaker: int | str | None = None  # number or name, for voices of several speakers
        length_scale: float = Field(1.0, gt=0, le=4)  # above 1 it is slower
        noise_scale: float = Field(0.0, ge=0, le=2)  # how much the sound varies; Piper's own default is 0.667
        noise_w: float = Field(0.0, ge=0, le=2)  # how much the lengths of sounds vary; Piper's own default is 0.8

        def files(self) -> Iterable[Path]:
            return files_of(self.voice)

        def versions(self) -> Iterable[str]:
            return weights.digests(PLUGIN, self.voice)

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        check_exists("voice", self.options.voice)

    @classmethod
    def missing(cls, options: Any) -> str | None:
        """A voice that would have to be fetched is missing, too."""
        lacking = super().missing(options)
        if lacking or weights.find(PLUGIN, options.voice) or on_disk(options.voice):
            return lacking
        named = next((one for one in weights.known(PLUGIN) if one.argument == options.voice), None)
        where = named.command if named else "a recipe of yours that names it fetches it"
        return f"voice {options.voice!r} of {PLUGIN!r} is not on this machine: {where}"

    def check(self) -> None:
        _ = self._speaker

    @property
    def language(self) -> str | None:
        return language_of(self._voice.config.espeak_voice)

    def speak(self, work: Work) -> Spoken:
        sentences = self._sentences(work.text)
        noisy = self.options.noise_scale or self.options.noise_w
        session = self._noisy_session(work) if noisy else self._voice.session
        pieces = [self._samples(session, sentence, work.attempt) for sentence in sentences]
        return np.concatenate(pieces), self._voice.config.sample_rate

    def _sentences(self, text: str) -> list[list[str]]:
        """The sounds of each sentence. Raises ConversionError where the voice would leave some out."""
        voice = self._voice
        said = speakable(text, voice.config.espeak_voice).replace("[[", "[ [")  # which would hold sounds, not a text
        sentences = [sentence for sentence in voice.phonemize(said) if sentence]
        known = voice.config.phoneme_id_map
        spoken_text.refuse_unknown(
            {character for sentence in sentences for sound in sentence if sound not in known for character in sound},
            f"the voice {self.options.voice!r}",
        )
        return sentences

    def _samples(self, session: Any, sentence: list[str], attempt: int) -> Any:
        """At the voice's rate."""
        ids = self._voice.phonemes_to_ids(sentence)
        scales = [self.options.noise_scale, self.options.length_scale * SLOWER**attempt, self.options.noise_w]
        given = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array(scales, np.float32),
        }
        if self._speaker is not None:
            given["sid"] = np.array([self._speaker], np.int64)
        return samples_of(session, given, self.options.voice)

    @cached_property
    def _voice(self) -> Any:
        return _loaded(self.options.voice)

    def _noisy_session(self, work: Work) -> Any:
        import onnxruntime

        onnxruntime.set_seed(seed_of(work))
        return session_of(read_voice(self.options.voice).model, f"voice {self.options.voice!r}")

    @cached_property
    def _speaker(self) -> int | None:
        """Its number. Raises BadInput for one that the voice does not have, or where one has to be named."""
        config, speaker = self._voice.config, self.options.speaker
        count, names = config.num_speakers, config.speaker_id_map
        number = names.get(str(speaker), int(speaker) if str(speaker).isdecimal() else -1)
        if count <= 1 and speaker is None:
            return None
        if count <= 1 or not 0 <= number < count:
            has = f"{count} speakers: name one with `speaker`, 0 to {count - 1}" if count > 1 else "one speaker only"
            raise BadInput(f"voice {self.options.voice!r} has {has} (given: {speaker!r})")
        return int(number)


@lru_cache(maxsize=2)
def _loaded(voice: str) -> Any:
    """Piper's voice: its model, the sounds of a text, and their numbers. Raises BadInput where it cannot be used.

    One a process: recipes that share a voice share what is loaded.
    """
    from piper.config import PiperConfig
    from piper.voice import PiperVoice

    files = read_voice(voice)
    session = session_of(files.model, f"voice {voice!r}")
    try:
        return PiperVoice(config=PiperConfig.from_dict(files.config), session=session)
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"voice {voice!r}: its .json is none of a Piper voice: {error!r}") from error
