"""Where a modality gap comes from: what was misheard, and what a model does otherwise when it listens itself.

One query in three arms: as text; as media; and as the text that a recogniser found in the same media, put to the
language model behind it (a cascade). Over the items that are decided in all three

    gap (model - text)  =  misheard (cascade - text)  +  listening (model - cascade)

holds to the last digit. Intervals, tests and equivalence of each part are those of a modality gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from safebench.statistics.clusters import Integers
from safebench.statistics.concluding import concluded
from safebench.statistics.evidence import Evidence
from safebench.statistics.gap import GapRow, GapSettings, adjusted, modality_gap
from safebench.statistics.observations import OUTCOMES, PENDING, Observations
from safebench.types import TEXT, Intent, Outcome

CASCADE, MODEL = "cascade", "model"
ARMS = (TEXT, CASCADE, MODEL)


@dataclass(frozen=True, slots=True)
class GapSplit:
    """Items of one intent: `items` have an outcome in all three arms, and `decided` a decided one. `open`: the open
    outcomes of the others, by arm.
    """

    intent: Intent
    items: int
    decided: int
    open: Mapping[str, Mapping[Outcome, int]]
    gap: GapRow
    misheard: GapRow
    listening: GapRow

    @property
    def parts(self) -> dict[str, GapRow]:
        """The gap and what it is made of, by name."""
        return {"gap": self.gap, "misheard": self.misheard, "listening": self.listening}


def split_gap(
    observed: Mapping[Intent, Observations], evidence: Mapping[str, Evidence], settings: GapSettings
) -> list[GapSplit]:
    """One split an intent that occurs; observations and evidence are of the ARMS. Holm's correction is over all parts.

    No part lets one conclude more than the evidence for its two arms carries.
    """
    in_all = {
        intent: replace(one, decided=one.decided & one.decided.all(axis=1, keepdims=True))
        for intent, one in observed.items()
    }
    gap = modality_gap(in_all, settings)
    if gap is None:
        return []
    by_arms = {(row.intent, row.reference, row.condition): row for row in (*gap.comparisons, *gap.other_pairs)}
    asked = ((TEXT, MODEL), (TEXT, CASCADE), (CASCADE, MODEL))
    rows = adjusted([_one_view(by_arms[intent, *arms]) for intent in in_all for arms in asked])
    rows = concluded(rows, evidence, settings.margin)
    return [_split(one, *rows[3 * n : 3 * n + 3]) for n, one in enumerate(in_all.values())]


def _one_view(row: GapRow) -> GapRow:
    """Without the view of understood items, which are others in each pair of arms, so that parts would not add up."""
    return replace(row, understood=None, reason=None)


def _split(observed: Observations, gap: GapRow, misheard: GapRow, listening: GapRow) -> GapSplit:
    ended = observed.outcome[(observed.outcome != PENDING).all(axis=1)]
    still_open = {
        arm: {outcome: int(n) for outcome in Outcome if not outcome.decided and (n := _count(ended[:, place], outcome))}
        for place, arm in enumerate(observed.conditions)
    }
    decided = int(observed.decided.all(axis=1).sum())
    return GapSplit(observed.intent, len(ended), decided, still_open, gap, misheard, listening)


def _count(outcomes: Integers, outcome: Outcome) -> int:
    return int((outcomes == OUTCOMES.index(outcome)).sum())
