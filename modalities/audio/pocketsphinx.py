"""Hears English speech with PocketSphinx, whose wheel carries its models. Weak: it gets about half of the words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
import soxr

from converters.recordings import Samples
from modalities.audio.decoding import decode
from modalities.audio.signal import is_silent
from safebench.models.torch_backend import installed
from safebench.plugins import Recogniser
from safebench.types import Media

RATE = 16000  # Hz; what the shipped en-us model was trained on
WORDS = 3000  # most frequent ones of the shipped language model; five times faster than with all 134,000
SEARCH = {"fwdflat": False, "topn": 2, "maxhmmpf": 1000, "maxwpf": 5}  # a narrow search in one pass


class PocketSphinx(Recogniser):
    name = "pocketsphinx"
    summary = "hears English speech, offline; too weak to transcribe answers"
    needs = ("pocketsphinx",)
    extra = "embedded"
    version = f"4 pocketsphinx {installed('pocketsphinx')}"  # raised, too, when the closed set picks otherwise
    medium = "audio"
    transcribes = False  # of 3,000 words: an answer in it would be judged by what nobody said

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        from pocketsphinx import Decoder

        with _frequent_words() as dictionary:
            # Batch normalisation looks at one clip alone; the default one carries over what it heard before.
            self._decoder = Decoder(samprate=RATE, cmn="batch", loglevel="FATAL", dict=dictionary, **SEARCH)

    @classmethod
    def language(cls, options: Any) -> str:
        return "en"

    def recognise(self, media: Media) -> str:
        samples, rate = decode(media)
        if is_silent(samples):
            return ""  # it would hear a word even there
        return hear(self._decoder, samples, rate)


def hear(decoder: Any, samples: Samples, rate: int) -> str:
    """What the decoder takes a clip for, empty where nothing fits."""
    heard = samples if rate == RATE else soxr.resample(samples, rate, RATE)
    decoder.reinit_feat()  # or the same clip heard again could be another text: it keeps an estimate of the noise
    decoder.start_utt()
    decoder.process_raw((np.clip(heard, -1, 1) * 32767).astype(np.int16).tobytes(), no_search=False, full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return "" if hypothesis is None else str(hypothesis.hypstr)


@contextmanager
def _frequent_words() -> Iterator[str]:
    """The path of a dictionary of the WORDS most frequent words, which is there while it is read."""
    from pocketsphinx import Config, LogMath, NGramModel, get_model_path

    folder = Path(get_model_path("en-us"))
    entries: dict[str, list[str]] = {}
    for line in (folder / "cmudict-en-us.dict").read_text(encoding="utf-8").splitlines():
        entries.setdefault(line.split(" ", 1)[0].split("(")[0], []).append(line)
    model = NGramModel(Config(), LogMath(), str(folder / "en-us.lm.bin"))
    frequent = sorted(entries, key=lambda word: (-model.prob([word]), word))[:WORDS]
    with NamedTemporaryFile("w", suffix=".dict", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for word in frequent for line in entries[word]))
        file.flush()
        yield file.name
