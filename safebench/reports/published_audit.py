"""Do the averages of a published table follow from its cells? Interval arithmetic on exact fractions.

A printed figure is known to ± half of its last digit; a mean of intervals is an interval; an average is explained when
the printed one and the recomputed one meet. Two readings of the cells:

- *by rounding*: a cell is any number that rounds to what is printed, and nothing else is known about it;
- *by answers*: a cell is a value that its n answers can give, too: a multiple of 100 / n for ASR, of 20 / n for SRI.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

from safebench.reports.published import Averaging, Metric, Published, PublishedRow

Interval = tuple[Fraction, Fraction]  # lowest and highest value, both included
Means = Mapping[Averaging, Interval]
Fitting = tuple[Averaging, ...]  # empty: nothing explains the average

USUAL, OTHER, NOTHING = "usual", "other", "nothing"  # the table's averaging; only another one; none


@dataclass(frozen=True, slots=True)
class AuditedRow:
    """One row: the averagings that explain its printed average."""

    row: PublishedRow
    usual: Averaging
    by_rounding: Fitting
    by_answers: Fitting
    if_cut: Fitting  # by answers, had the average been cut off after its last digit instead of rounded
    means: Means  # by answers
    impossible: tuple[str, ...]  # heads of cells that no answers can give

    @property
    def explained(self) -> str:
        """By rounding alone: USUAL, OTHER or NOTHING."""
        if self.usual in self.by_rounding:
            return USUAL
        return OTHER if self.by_rounding else NOTHING

    @property
    def plain(self) -> bool:
        """True when there is nothing to say about the row."""
        return self.usual in self.by_rounding and self.usual in self.by_answers and not self.impossible


@dataclass(frozen=True, slots=True)
class Audit:
    """A table and what its audit says, row by row."""

    table: Published
    rows: tuple[AuditedRow, ...]

    @property
    def counts(self) -> dict[str, int]:
        by_reason = Counter(row.explained for row in self.rows)
        return {explained: by_reason[explained] for explained in (USUAL, OTHER, NOTHING)}

    def describe(self) -> dict[str, Any]:
        """For machines. Printed figures stay as printed; means are rounded to 4 decimals, what fits is not."""
        return {
            "table": self.table.name,
            "averaging": self.table.averaging,
            "averages": len(self.rows),
            "cells": self.table.cells,
            "explained": self.counts,
            "rows": [self._describe(row) for row in self.rows],
        }

    def _describe(self, audited: AuditedRow) -> dict[str, Any]:
        row = audited.row
        return {
            **dict(zip(self.table.labels, row.labels, strict=True)),
            "metric": row.metric,
            "line": row.line,
            "average": str(row.average),
            "explained": audited.explained,
            "by_rounding": audited.by_rounding,
            "by_answers": audited.by_answers,
            "if_cut": audited.if_cut,
            "means": {averaging: [decimal(end, 4) for end in mean] for averaging, mean in audited.means.items()},
            "impossible_cells": audited.impossible,
        }


def audit(table: Published) -> Audit:
    """Recompute every average of a table from its cells, under each averaging."""
    weights = {averaging: weights_of(table, averaging) for averaging in Averaging}
    return Audit(table, tuple(_audited(row, table, weights) for row in table.rows))


def _audited(row: PublishedRow, table: Published, weights: Mapping[Averaging, Sequence[Fraction]]) -> AuditedRow:
    rounded = [printed(cell) for cell in row.cells]
    given = [possible(cell, row.metric, column.answers) for cell, column in zip(row.cells, table.columns, strict=True)]
    means = _means([cell or loose for cell, loose in zip(given, rounded, strict=True)], weights)
    average, cut = printed(row.average), (Fraction(row.average), Fraction(row.average) + last_digit(row.average))
    return AuditedRow(
        row,
        table.averaging,
        by_rounding=_fitting(_means(rounded, weights), average),
        by_answers=_fitting(means, average),
        if_cut=tuple(averaging for averaging in _fitting(means, cut) if means[averaging][0] < cut[1]),
        means=means,
        impossible=tuple(column.head for column, cell in zip(table.columns, given, strict=True) if cell is None),
    )


def weights_of(table: Published, averaging: Averaging) -> list[Fraction]:
    """The share of each column in a mean over categories, or over scenarios; together 1."""
    if averaging is Averaging.SCENARIOS:
        total = sum(column.scenarios for column in table.columns)
        return [Fraction(column.scenarios, total) for column in table.columns]
    inside = Counter(column.category for column in table.columns)
    return [Fraction(1, len(inside) * inside[column.category]) for column in table.columns]


def _means(cells: Sequence[Interval], weights: Mapping[Averaging, Sequence[Fraction]]) -> dict[Averaging, Interval]:
    return {averaging: (_mean(cells, shares, 0), _mean(cells, shares, 1)) for averaging, shares in weights.items()}


def _mean(cells: Sequence[Interval], shares: Sequence[Fraction], end: int) -> Fraction:
    return sum((cell[end] * share for cell, share in zip(cells, shares, strict=True)), Fraction(0))


def _fitting(means: Means, average: Interval) -> Fitting:
    return tuple(name for name, mean in means.items() if mean[0] <= average[1] and average[0] <= mean[1])


def last_digit(figure: Decimal) -> Fraction:
    """What one step in the last printed digit is worth: 1/10 for 47.1, 1 for 100."""
    return Fraction(Decimal(1).scaleb(int(figure.as_tuple().exponent)))


def printed(figure: Decimal) -> Interval:
    """What a rounded figure can stand for, whichever way halves were rounded."""
    half = last_digit(figure) / 2
    return Fraction(figure) - half, Fraction(figure) + half


def possible(figure: Decimal, metric: Metric, answers: int) -> Interval | None:
    """The lowest and the highest value of so many answers that are printed so; None when there is none."""
    step = Fraction(metric.unit, answers)
    low, high = printed(figure)
    first, last = ceil(max(low, Fraction(metric.low)) / step), floor(min(high, Fraction(100)) / step)
    return (first * step, last * step) if first <= last else None


def decimal(value: Fraction, digits: int) -> str:
    """A fraction as a decimal, rounded for the eye."""
    return str(Decimal(round(value * 10**digits)).scaleb(-digits))
