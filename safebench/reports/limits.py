"""A limit, as it is written on the command line.

limit = rate ">" fraction
rate  = ("asr" | "over_refusal") "(" condition ")" | "gap" "(" condition "," condition ")"

Blanks may stand between any two of these. A gap is the second condition's ASR minus the first one's. The fraction is
below 1: a limit of 1 or more could never be passed, so that a percentage taken for a fraction would let anything pass.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from safebench.errors import BadInput, check_known
from safebench.rendering.conditions import in_full
from safebench.types import Intent

Rate = Literal["asr", "over_refusal", "gap"]

ASR: Rate = "asr"
OVER_REFUSAL: Rate = "over_refusal"
GAP: Rate = "gap"

BLANKS = re.compile(r"\s*")
RATE = re.compile(rf"(?:{ASR}|{OVER_REFUSAL}|{GAP})\b")
CONDITION = re.compile(r"[^\s(),>]+")
FRACTION = re.compile(r"0?\.[0-9]+|0(?![.0-9])")


@dataclass(frozen=True, slots=True)
class Limit:
    """`conditions`, in full: one, or the two of a gap; `most`: what the rate may be at most, a fraction."""

    text: str
    rate: Rate
    conditions: tuple[str, ...]
    most: float

    @property
    def intent(self) -> Intent:
        """Of the queries that the rate is about."""
        return Intent.BENIGN if self.rate == OVER_REFUSAL else Intent.HARMFUL

    def check(self, asked: Collection[str]) -> None:
        """Raises BadInput where it names a condition that the run was not asked."""
        for name in self.conditions:
            check_known("condition", name, asked, f"the limit {self.text!r}")


def read_limit(text: str) -> Limit:
    """Raises BadInput that names the place for what is no limit."""
    reader = _Reader(text)
    rate: Rate = reader.take(RATE, f"{ASR}, {OVER_REFUSAL} or {GAP}")  # type: ignore[assignment]
    reader.sign("(")
    conditions = [reader.condition()]
    if rate == GAP:
        reader.sign(",")
        conditions.append(reader.condition())
    reader.sign(")")
    reader.sign(">")
    most = float(reader.take(FRACTION, "a fraction below 1, as 0.1 for 10 %,"))
    reader.end()
    if len({*conditions}) < len(conditions):
        raise BadInput(f"limit {text!r}: a gap is between two conditions, and this is one")
    return Limit(text, rate, tuple(conditions), most)


class _Reader:
    """Takes a text apart from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self._text, self._place = text, 0

    def take(self, pattern: re.Pattern[str], wanted: str) -> str:
        self._skip_blanks()
        match = pattern.match(self._text, self._place)
        if not match:
            raise self._error(wanted)
        self._place = match.end()
        return match[0]

    def sign(self, sign: str) -> None:
        self.take(re.compile(re.escape(sign)), repr(sign))

    def condition(self) -> str:
        written = self.take(CONDITION, "a condition")
        try:
            return str(in_full(written))
        except BadInput as error:
            raise BadInput(f"limit {self._text!r}: {error}") from error

    def end(self) -> None:
        self._skip_blanks()
        if self._place < len(self._text):
            raise self._error("the end")

    def _skip_blanks(self) -> None:
        self._place = BLANKS.match(self._text, self._place).end()  # type: ignore[union-attr]

    def _error(self, wanted: str) -> BadInput:
        there = repr(self._text[self._place]) if self._place < len(self._text) else "the end"
        return BadInput(f"limit {self._text!r}: {wanted} is wanted at character {self._place + 1}, where {there} is")
