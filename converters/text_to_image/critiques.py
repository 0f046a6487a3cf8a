"""What interpreter and critic are asked to answer, and how it is read: JSON as asked for, or prose."""

from __future__ import annotations

import re

from converters.text_to_image.refinement import Critique
from safebench.models.refusal import refuses
from safebench.models.roles import Declined, Unreadable, last_object, schema_of
from safebench.serialisation import storable

_TEXT = {"type": "string"}
INTERPRETATION = schema_of(subject=_TEXT, picture=_TEXT)
CRITIQUE = schema_of(
    missing=_TEXT,
    matches={"type": "boolean"},
    score={"type": "integer", "enum": list(range(11))},
    revised_prompt=_TEXT,
)
_NUMBER = r"\d+(?:\.\d+)?(?:\s*(?:/|out of)\s*\d+)?"
_SCALE = re.compile(r"\b0\s*(?:-|–|to)\s*10\b")  # "score (0-10): 7" tells one score
_SCORE = re.compile(rf"\b(?:score|rating)\b[^\d\n]{{0,30}}?(?<![\d.,\-−])({_NUMBER})(?![\d.,]*[\d%])", re.IGNORECASE)
_OF_TEN = re.compile(r"(?<![\d.,\-−])(\d+(?:\.\d+)?\s*(?:/|out of)\s*10)\b(?![.,]?\d)", re.IGNORECASE)
_MATCHES = re.compile(r"\bmatch(?:es)?\b\W{0,8}(yes|true|no|false)\b", re.IGNORECASE)
_PROMPT = re.compile(
    r"\b(?:revised|improved|better|new)[ _](?:prompt|description)\b\W{0,8}(.+?)(?:\n\s*\n|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_LABEL = re.compile(r"\A(?:.{0,200}\n)?\W*(?:the )?(?:picture|image|prompt|description)\W{0,4}:\W{0,4}", re.IGNORECASE)


def read_interpretation(answer: str, query: str) -> str:
    """The description of a picture. Raises Declined, and Unreadable for broken JSON and for no description."""
    parsed = last_object(answer, "picture")
    if parsed is None and "{" in answer:
        raise Unreadable("holds no whole JSON object with a picture")
    description = _cleaned(_LABEL.sub("", answer) if parsed is None else parsed["picture"])
    if not description:
        raise Unreadable("describes no picture")
    if refuses(answer if parsed is None else description, query):
        raise Declined
    return description


def read_critique(answer: str, query: str) -> Critique:
    """The critique, without a score where none can be read. Raises Declined for an answer that only says no."""
    parsed = last_object(answer, "score") or _from_prose(answer)
    score, prompt = _score(parsed.get("score")), _cleaned(parsed.get("revised_prompt"))
    if score is None and refuses(answer, query):
        raise Declined
    if refuses(prompt, query):
        prompt = ""  # an excuse is nothing to draw
    matches = str(parsed.get("matches")).strip().lower() in ("true", "yes")
    return Critique(answer, score, matches, prompt or None)


def _from_prose(text: str) -> dict[str, str]:
    """What stands behind the words that name it, of several mentions the last one; of broken JSON no prompt."""
    plain = _SCALE.sub("", text)
    patterns = {"score": (_SCORE, _OF_TEN), "matches": (_MATCHES,), "revised_prompt": () if "{" in text else (_PROMPT,)}
    said = {name: [m[-1] for pattern in tried if (m := pattern.findall(plain))] for name, tried in patterns.items()}
    return {name: mentions[0] for name, mentions in said.items() if mentions}


def _score(value: object) -> float | None:
    """0 to 1 for 0 to 10, where it is such a number, perhaps with "/10" behind it."""
    if isinstance(value, bool):
        return None
    number = re.fullmatch(r"(\d+(?:\.\d+)?)(?:\s*(?:/|out of)\s*10)?", str(value).strip(), re.IGNORECASE)
    if number is None or float(number[1]) > 10:
        return None
    return float(number[1]) / 10


def _cleaned(value: object) -> str:
    """A text on one line that can be stored; empty for what is no text."""
    text = value if isinstance(value, str) else ""
    return " ".join(storable(text).split()).strip("\"'*` ")
