"""Many runs in one place: only those with the same data, jury and prompts stand in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from safebench.reports.finished_run import FinishedRun, differences, read_run
from safebench.reports.words import Words
from safebench.statistics.evidence import EvidencedCondition
from safebench.types import Intent


@dataclass(frozen=True, slots=True)
class Standing:
    """A run under one condition."""

    run: FinishedRun
    cell: EvidencedCondition

    @property
    def harmful(self) -> int:
        """All harmful items; the ASR is over the decided ones."""
        return sum(self.cell.counts[Intent.HARMFUL].values())

    @property
    def place(self) -> tuple[bool, float]:
        """What it is ranked by: nothing ranks a condition that is not concludable, or that has no rate."""
        ranked = self.cell.evidence.concludable and self.cell.asr is not None
        return (not ranked, (self.cell.asr or 0) if ranked else 0)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Runs that may be ranked among each other; rows by condition, from the lowest ASR. Those without one, and those of
    which nothing can be concluded, are last and have no rank.
    """

    runs: tuple[FinishedRun, ...]
    rows: tuple[Standing, ...]

    @property
    def words(self) -> Words:
        """All its runs have the same jury."""
        return self.runs[0].words

    @property
    def unranked(self) -> list[str]:
        """A line for each row of which nothing can be concluded, with the reasons."""
        return [
            f"not concludable, so not ranked: {row.run.name} under {row.cell.condition}:"
            f" {'; '.join(row.cell.evidence.reasons)}"
            for row in self.rows
            if not row.cell.evidence.concludable
        ]

    @property
    def about(self) -> str:
        first = self.runs[0]
        queries = first.basis["data"]["queries"]
        jurors = ", ".join(str(juror.get("model") or juror.get("juror")) for juror in first.asked["jury"]["jurors"])
        return f"{Path(first.asked['data']).name}, {queries} queries; jury: {jurors or 'none'}"


def rankings(folders: Sequence[Path]) -> list[Ranking]:
    """The runs by what can be compared, in the order given. Raises BadInput for a folder that is no run."""
    lots: list[list[FinishedRun]] = []
    for folder in folders:
        run = read_run(folder)
        lot = next((lot for lot in lots if not any(differences(other, run) for other in lot)), None)
        if lot is None:
            lots.append([run])
        else:
            lot.append(run)
    return [Ranking(tuple(lot), _rows(lot)) for lot in lots]


def _rows(runs: Sequence[FinishedRun]) -> tuple[Standing, ...]:
    order = list(dict.fromkeys(condition for run in runs for condition in run.cells))
    rows = [Standing(run, cell) for run in runs for cell in run.cells.values()]
    return tuple(sorted(rows, key=lambda row: (order.index(row.cell.condition), *row.place)))
