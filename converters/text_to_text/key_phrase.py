"""The thing that a query is about, and the query with that thing left to a picture, as in MM-SafetyBench.

An offline heuristic for English, in place of the language model that Liu et al. (ECCV 2024) ask. Behind the frame of
the request ("How can I …") stands the verb, and behind the verb its object: the first run of content words there is the
key phrase, with "of", "and" and "or" inside it. Without a frame it is the end of the longest run of content words.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from converters.naming import naming
from converters.text_to_text.frames import find_frame
from safebench.errors import ConversionError
from safebench.plugins import Converter, Work
from safebench.types import TEXT, Media

THING = "the thing named in the picture"
_LONGEST = 3  # content words of a run in which verbs cannot be told from their objects

_DETERMINERS = (
    "a an the my your his her its our their this these those some any each every no another someone's somebody's"
    " one's people's all both certain specific particular"
)
_FUNCTION_WORDS = (
    "i me you he him she it we us they them who whom that what which whose myself yourself himself herself themselves"
    " someone somebody anyone anybody everyone everybody people others one is are was were be been being am do does"
    " did have has had having can could will would shall should may might must of in on at by for from with without"
    " within into onto over under about against between among through during before after above below across behind"
    " beyond near off out up down around along toward towards upon via as than like per if whether when where why"
    " how because so since while until although though but and or nor not yet only also too very just more most much"
    " many few less least i'm i've i'd i'll it's what's who's don't can't cannot there here then now please based"
    " given using"
)
_ANY_DETERMINER = "|".join(re.escape(word) for word in _DETERMINERS.split())
_WORD = r"[^\W_]+(?:['’-][^\W_]+)*"
_CONTENT = rf"(?!(?:{'|'.join([*_DETERMINERS.split(), *_FUNCTION_WORDS.split(), 'to'])})(?![\w'’-])){_WORD}"
_RUN = re.compile(  # words that follow each other, or are linked
    rf"(?<![\w'’-])(?<!\bto ){_CONTENT}(?:(?: (?:of|and|or)(?: (?:{_ANY_DETERMINER}))*)? {_CONTENT})*", re.IGNORECASE
)
_VERBS = re.compile(rf"(?:\w+ly )?{_WORD}(?: (?:and|or) (?:\w+ly )?{_WORD})?")
_GERUND = re.compile(r"(?:\w+ly )?\w+ing\b(?: (?:and|or) \w+ing\b)?")


class Pointed(NamedTuple):
    """A query in two parts: what the picture names, and what is written beside it."""

    phrase: str
    rephrased: str


class KeyPhrase(Converter):
    """The rest of the query becomes the written part of the message, where the recipe says `carrier = "made"`."""

    name = "key-phrase"
    summary = "the thing that the query is about, in a few words of the query"
    takes = TEXT
    gives = TEXT
    writes = True

    def convert(self, work: Work) -> Media:
        with naming(work):
            pointed = point_at_picture(work.text)
        work.notes.written = pointed.rephrased
        return Media.of(TEXT, "text/plain", pointed.phrase.encode("utf-8"))


def point_at_picture(text: str) -> Pointed:
    """The key phrase, and the text without it: "How do I bake rye bread?" → "rye bread", "How do I bake the thing …?"

    Wherever the phrase stands, with the articles and the like before it, the rephrased text says "the thing named in
    the picture". Raises ConversionError when there is no content word to name, or no other word to ask with.
    """
    text = " ".join(text.split())
    phrase = _key_phrase(text)
    if not phrase:
        raise ConversionError(f"{text!r} has no content word that could be its key phrase")
    mention = re.compile(rf"(?:\b(?:{_ANY_DETERMINER}) )*(?<!\w){re.escape(phrase)}(?!\w)", re.IGNORECASE)
    rephrased = mention.sub(THING, text)
    if not re.search(r"\w", rephrased.replace(THING, "")):
        raise ConversionError(f"the key phrase of {text!r} is all of it: no word is left to ask with")
    return Pointed(phrase, rephrased[:1].upper() + rephrased[1:])


def _key_phrase(text: str) -> str:
    frame = find_frame(text)
    if frame:
        asked = text[frame.start : frame.end]
        verb = (_VERBS if frame.verb_first else _GERUND).match(asked)
        object_ = _RUN.search(asked, verb.end() if verb else 0)
        if object_:
            return object_[0]
    runs = [run[0].split() for run in _RUN.finditer(text)]
    end = " ".join(max(runs, key=len, default=[])[-_LONGEST:])
    inner = _RUN.search(end)  # what was cut may begin with a link or an article
    return inner[0] if inner else ""
