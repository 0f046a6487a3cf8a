"""The offline hearing check: which of these sentences was it?

PocketSphinx gets about half of the words of a synthetic voice, so its transcript cannot tell a faithful clip from a
damaged one. Asked which sentence of a closed set was spoken, it can. The set is the query's own text, near misses made
from it (one word dropped at up to five places, two neighbours swapped at up to two), other queries of the same data, as
far as their words are known, and the neutral sentences of `data/prompts/hearing.toml`.

Where a near miss wins, the text alone is tried as well: a voice with an accent that the recogniser does not know loses
to a near miss now and then, but its clip fits the text to the end, and a clip of which something is missing does not.

A right pick says that the clip is nearer to the query than to what it was compared with. It never proves that the clip
is intelligible, and no error rate is made of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from converters.recordings import Samples
from modalities.audio.pocketsphinx import RATE, hear
from safebench import registry
from safebench.plugins import Recogniser
from safebench.resources import prompt

PICK = "pick"  # the measure: 1.0 for the query's own text, 0.0 for any other sentence, or none
RECOGNISER = "pocketsphinx"
# Not the plain name: what won is no transcript, and must not be taken for what the recogniser would have heard.
METHOD = f"{RECOGNISER} closed set"
DROPPED, SWAPPED = 5, 2  # near misses of each kind at most
LONG_ENOUGH = 3  # letters; shorter words are hardly spoken, and no clip can be told by them

FLOOR = 30.0  # dB below the clip's level

Sentence = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClosedSetResult:
    """Which sentence won, None where the clip fits none; `right` when it is the query's own text.

    `undecided`: a near miss won, but the text fits the clip as well.
    """

    right: bool
    won: Sentence | None
    undecided: bool = False


def pick(samples: Samples, rate: int, text: str, others: Iterable[str] = ()) -> ClosedSetResult:
    """Choose among the closed set of `text`, texts of `others` in it, for one channel of samples at `rate` Hz.

    Raises MissingPackage without PocketSphinx, and ValueError for a text with words that it does not know.
    """
    registry.require(Recogniser, RECOGNISER)
    listener = _listener()
    sentence = to_words(text)
    if not sentence:
        raise ValueError("the query has no words that could be heard")
    unknown = sorted({word for word in sentence if not listener.knows(word)})
    if unknown:
        raise ValueError(f"{RECOGNISER} does not know how {', '.join(map(repr, unknown))} is spoken")
    known = [other for other in map(to_words, others) if other and all(map(listener.knows, other))]
    won = listener.choose(samples, rate, candidates(sentence, known))
    undecided = won in [*near_misses(sentence)] and listener.choose(samples, rate, [sentence]) == sentence
    return ClosedSetResult(won == sentence, won, undecided)


def to_words(text: str) -> Sentence:
    """Words as the pronouncing dictionary writes them: lower case, apostrophes kept, hyphenated words apart."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return tuple(re.findall(r"[^\W_]+(?:'[^\W_]+)*", folded))


def candidates(sentence: Sentence, others: Iterable[Sentence] = ()) -> list[Sentence]:
    """The closed set, the true sentence first, none twice."""
    neutral = (to_words(line) for line in prompt("hearing.sentences").text.splitlines())
    return list(dict.fromkeys([sentence, *near_misses(sentence), *others, *neutral]))


def near_misses(sentence: Sentence) -> Iterator[Sentence]:
    """The sentence with one word less, then with two neighbours swapped, at places spread over its length."""
    places = range(len(sentence))
    if len(sentence) > 1:
        for at in _spread([at for at in places if len(sentence[at]) >= LONG_ENOUGH], DROPPED):
            yield sentence[:at] + sentence[at + 1 :]
    for at in _spread([at for at in places[1:] if sentence[at - 1] != sentence[at]], SWAPPED):
        yield (*sentence[: at - 1], sentence[at], sentence[at - 1], *sentence[at + 1 :])


def _spread(places: Sequence[int], count: int) -> list[int]:
    """At most `count` of the places, with the first and the last one where there are two."""
    if len(places) <= count:
        return list(places)
    return [places[round(number * (len(places) - 1) / (count - 1))] for number in range(count)]


@cache
def _listener() -> _Listener:
    """One a process: to load the model takes seconds."""
    return _Listener()


class _Listener:
    """PocketSphinx with its whole pronouncing dictionary and, for each clip, a grammar of the sentences."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        # Batch normalisation looks at one clip alone; the default one carries over what it heard before.
        self._decoder: Any = Decoder(samprate=RATE, cmn="batch", loglevel="FATAL", lm=None)

    def knows(self, word: str) -> bool:
        return self._decoder.lookup_word(word) is not None

    def choose(self, samples: Samples, rate: int, sentences: Sequence[Sentence]) -> Sentence | None:
        """The sentence that fits best; None where none fits to its end."""
        self._decoder.add_jsgf_string("sentences", _grammar(sentences))
        self._decoder.activate_search("sentences")
        heard = tuple(hear(self._decoder, _with_floor(samples), rate).split())
        return heard if heard in sentences else None


def _with_floor(samples: Samples) -> Samples:
    """With soft noise, the same for every clip: digital silence, which no microphone gives, misleads the recogniser.

    Of 40 clean clips of one male voice it took 21 for what they were without the noise, and 40 with it.
    """
    noise = np.random.default_rng(0).normal(size=samples.size)
    return np.asarray(samples + noise * np.sqrt((samples**2).mean()) * 10 ** (-FLOOR / 20))


def _grammar(sentences: Sequence[Sentence]) -> str:
    alternatives = " | ".join(" ".join(sentence) for sentence in sentences)
    return f"#JSGF V1.0; grammar sentences; public <sentence> = {alternatives};"
