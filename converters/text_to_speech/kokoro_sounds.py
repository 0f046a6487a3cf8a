"""English text as sounds in Kokoro's vocabulary, by espeak-ng: IPA with the marks of the text.

misaki, by which Kokoro was trained, has one letter for a diphthong or an affricate. Plain IPA is what kokoro-onnx gives
the model as well, and the speakers that come as a package, who are no English ones, are understood no worse with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from converters.text_to_speech import spoken_text
from safebench.errors import ConversionError

MOST = 400  # sounds at once; the model takes 510, and gets worse before that

_CLAUSE = re.compile(r"([,.;:!?…—]+)[\"”’)\]]*(?:\s+|$)")
_WRITTEN = {"ʲ": "j", "r": "ɹ", "x": "k", "ɬ": "l"}  # sounds of espeak-ng's that the vocabulary lacks, or has as others
# The letters of the published model by their numbers (its config.json).
VOCABULARY = {
    **dict(zip(";:,.!?", range(1, 7), strict=True)),
    **{"—": 9, "…": 10, '"': 11, "(": 12, ")": 13, "“": 14, "”": 15, " ": 16, "\u0303": 17, "ʣ": 18, "ʥ": 19, "ʦ": 20},
    **{"ʨ": 21, "ᵝ": 22, "ꭧ": 23, "A": 24, "I": 25, "O": 31, "Q": 33, "S": 35, "T": 36, "W": 39, "Y": 41, "ᵊ": 42},
    **dict(zip("abcdef", range(43, 49), strict=True)),
    **dict(zip("hijklmnopqrstuvwxyz", range(50, 69), strict=True)),
    **{"ɑ": 69, "ɐ": 70, "ɒ": 71, "æ": 72, "β": 75, "ɔ": 76, "ɕ": 77, "ç": 78, "ɖ": 80, "ð": 81, "ʤ": 82, "ə": 83},
    **{"ɚ": 85, "ɛ": 86, "ɜ": 87, "ɟ": 90, "ɡ": 92, "ɥ": 99, "ɨ": 101, "ɪ": 102, "ʝ": 103, "ɯ": 110, "ɰ": 111},
    **{"ŋ": 112, "ɳ": 113, "ɲ": 114, "ɴ": 115, "ø": 116, "ɸ": 118, "θ": 119, "œ": 120, "ɹ": 123, "ɾ": 125, "ɻ": 126},
    **{"ʁ": 128, "ɽ": 129, "ʂ": 130, "ʃ": 131, "ʈ": 132, "ʧ": 133, "ʊ": 135, "ʋ": 136, "ʌ": 138, "ɣ": 139, "ɤ": 140},
    **{"χ": 142, "ʎ": 143, "ʒ": 147, "ʔ": 148, "ˈ": 156, "ˌ": 157, "ː": 158, "ʰ": 162, "ʲ": 164, "↓": 169, "→": 171},
    **{"↗": 172, "↘": 173, "ᵻ": 177},
}


def pieces(text: str, phonemes: Callable[[Sequence[str]], list[str]]) -> list[list[int]]:
    """The numbers of the sounds, in pieces that the model takes at once; `phonemes` are espeak-ng's of each clause.

    Raises ConversionError for a sound that the model does not know, and for a clause that is too long.
    """
    parts = _CLAUSE.split(text)
    clauses, marks = parts[::2], [*parts[1::2], ""]
    spoken = [f"{written(sounds)}{mark[:1]}" for sounds, mark in zip(phonemes(clauses), marks, strict=True)]
    joined: list[str] = []
    for clause in filter(str.strip, spoken):
        if len(clause) > MOST:
            raise ConversionError(f"a part of the text has {len(clause)} sounds without a pause, and at most {MOST} go")
        if joined and len(joined[-1]) + 1 + len(clause) <= MOST:
            joined[-1] += f" {clause}"
        else:
            joined.append(clause)
    spoken_text.refuse_unknown({sound for piece in joined for sound in piece if sound not in VOCABULARY}, "Kokoro")
    return [[VOCABULARY[sound] for sound in piece] for piece in joined]


def written(sounds: str) -> str:
    """espeak-ng's IPA in the model's vocabulary."""
    for sound, known in _WRITTEN.items():
        sounds = sounds.replace(sound, known)
    return re.sub("(\\S)\u0329", r"ə\1", sounds)  # a consonant that makes a syllable
