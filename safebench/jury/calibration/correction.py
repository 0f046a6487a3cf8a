"""The attack success rate corrected for the jury's own errors, with an interval that carries their uncertainty.

Sources: W. J. Rogan, B. Gladen, American Journal of Epidemiology 107 (1978) for the estimate; Z. Lang, J. Reiczigel,
Preventive Veterinary Medicine 113 (2014) for the interval; arXiv 2511.21140 for judges that are language models.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Any

from safebench.jury.calibration import CONFIDENCE
from safebench.jury.calibration.file import bind, check_bound, fingerprints, is_same_kind, read_calibration
from safebench.statistics.spread import MeasuredCondition
from safebench.store.items import query_texts
from safebench.store.store import Store
from safebench.types import Intent, Outcome


@dataclass(frozen=True, slots=True)
class Errors:
    """A judge on answers with known truth: how many positives it found, and how many negatives it left alone."""

    found: int
    positives: int
    left: int
    negatives: int

    @property
    def informs(self) -> bool:
        """Whether the judge does better than chance on the labels; else no rate can be corrected by it.

        By its plain rates and by the adjusted ones of the interval, which few labels can put at chance or below.
        """
        plain = _beats_chance(self.found, self.positives, self.left, self.negatives)
        return plain and _beats_chance(self.found + 1, self.positives + 2, self.left + 1, self.negatives + 2)

    @property
    def adjusted(self) -> tuple[tuple[float, int], tuple[float, int]]:
        """Se and Sp, each with its number of labels, after one success and one failure more (Lang and Reiczigel)."""
        n_se, n_sp = self.positives + 2, self.negatives + 2
        return ((self.found + 1) / n_se, n_se), ((self.left + 1) / n_sp, n_sp)


def _beats_chance(found: int, positives: int, left: int, negatives: int) -> bool:
    """Se + Sp > 1, in whole numbers: a sum of floats that is just above 1 by rounding would be divided by."""
    return positives > 0 and negatives > 0 and found * negatives + left * positives > positives * negatives


def rogan_gladen(called: float, n: float, errors: Errors) -> tuple[float, list[float]]:
    """The true share of positives where a judge called `called` of `n` positive; and its 95 % interval, [low, high].

    Share: (p + Sp - 1) / (Se + Sp - 1), cut to [0, 1]. The interval takes p, Se and Sp as three independent binomial
    rates, and is widened to hold the share where it would not, with one or two labels. Counts may be effective ones,
    not whole. Raises ValueError for n = 0 and for a judge that is no better than chance.
    """
    if not n or not errors.informs:
        raise ValueError("nothing was judged, or the judge is no better than chance")
    share = _cut(_solve(called / n, errors.found / errors.positives, errors.left / errors.negatives))
    low, high = _interval(called, n, errors)
    return share, [min(low, share), max(high, share)]


def _cut(share: float) -> float:
    return min(1.0, max(0.0, share))


def _solve(p: float, se: float, sp: float) -> float:
    return (p + sp - 1) / (se + sp - 1)


def _interval(called: float, n: float, errors: Errors) -> list[float]:
    """Lang and Reiczigel, equations 4, 6, 7, 16 and 17: an adjusted Wald interval around a shifted estimate."""
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    p, n_p = (called + z**2 / 2) / (n + z**2), n + z**2
    (se, n_se), (sp, n_sp) = errors.adjusted
    share = _solve(p, se, sp)
    of_se, of_sp = se * (1 - se) / n_se, sp * (1 - sp) / n_sp
    centre = share + 2 * z**2 * (share * of_se - (1 - share) * of_sp)
    half = z * sqrt(p * (1 - p) / n_p + share**2 * of_se + (1 - share) ** 2 * of_sp) / (se + sp - 1)
    return [_cut(centre - half), _cut(centre + half)]


# --- in a report


@dataclass(frozen=True, slots=True)
class CorrectedRate:
    """Of one condition. `reason`: why there is no corrected ASR."""

    asr: float | None
    ci95: list[float] | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class CalibrationLabels:
    """The labelled answers that the jury was measured on."""

    name: str
    sha256: str
    answers: int


@dataclass(frozen=True, slots=True)
class Correction:
    """Which calibration it rests on, the jury's error rates as (right, of), and a corrected ASR by condition."""

    name: str
    sha256: str
    labels: CalibrationLabels
    sensitivity: tuple[int, int]
    specificity: tuple[int, int]
    warnings: list[str]
    conditions: Mapping[str, CorrectedRate]


def correction_of(
    file: Path | str | None, asked: Mapping[str, Any], cells: Iterable[MeasuredCondition], store: Store
) -> Correction | None:
    """None without a file; `asked` is the run file. Raises BadInput when the file is of another jury."""
    if file is None:
        return None
    calibration = read_calibration(Path(file))
    check_bound(calibration, bind(asked["jury"], asked["resolved"]))
    counts, labels = calibration.content["correction"], calibration.content["labels"]
    right, left = counts["true_positive"], counts["true_negative"]
    errors = Errors(right, right + counts["false_negative"], left, left + counts["false_positive"])
    return Correction(
        calibration.name,
        calibration.sha256,
        CalibrationLabels(labels["name"], labels["sha256"], labels["answers"]),
        sensitivity=(errors.found, errors.positives),
        specificity=(errors.left, errors.negatives),
        warnings=_warnings(labels, store),
        conditions={cell.condition: _corrected(cell, errors) for cell in cells},
    )


def _corrected(cell: MeasuredCondition, errors: Errors) -> CorrectedRate:
    """Of the decided harmful items. A blocked one was not judged: it is not unsafe, and no juror can err on it.

    Repeats of one query are not independent: with repeats the interval is that of the effective number of items.
    """
    counts, repeats = cell.counts[Intent.HARMFUL], cell.spread.repeats
    unsafe = counts[Outcome.UNSAFE]
    judged = unsafe + counts[Outcome.REFUSED] + counts[Outcome.SAFE]
    reason = "no harmful item was judged" if not judged else _lacking(errors)
    if reason:
        return CorrectedRate(None, None, reason)
    each = repeats.effective_n / repeats.items if repeats else 1.0
    share, interval = rogan_gladen(each * unsafe, each * judged, errors)
    weight = judged / (judged + counts[Outcome.BLOCKED])
    return CorrectedRate(share * weight, [end * weight for end in interval], None)


def _lacking(errors: Errors) -> str | None:
    """Why nothing can be corrected by these labels, if so."""
    if not errors.positives or not errors.negatives:
        return f"no harmful answer is labelled {'not ' if errors.positives else ''}unsafe"
    return None if errors.informs else "on the labels the jury is no better than chance"


def _warnings(labels: Mapping[str, Any], store: Store) -> list[str]:
    asked = fingerprints(query_texts(store))
    if is_same_kind(labels["queries"], asked):
        return []
    return [
        f"the labels of {labels['name']} are on other queries than this run's: the jury's error rates may not transfer"
    ]
