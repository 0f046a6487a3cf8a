"""The paper's studies over many models: a rate against parameters, and against a score of ability that the user brings.

A run that is not finished, or of which nothing can be concluded, is drawn, and counts nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from safebench.datasets.table_files import UTF8
from safebench.datasets.tables import BLANK, file_rows, is_nothing, unusable
from safebench.errors import BadInput
from safebench.models.catalogue import Model, model_of
from safebench.reports.comparison import Compared, ComparisonPanel
from safebench.reports.finished_run import FinishedRun
from safebench.reports.formats import decimal
from safebench.statistics.correlation import FEWEST, RankCorrelation, rank_correlation

COLUMNS = ("model", "score", "parameters")
SIZE = re.compile(r"(\d+(?:\.\d+)?)([MB])(?:-.*)?")  # of all parameters; what is effective or active alone is no size
ABOUT = (
    "Models differ in more than this. The interval is that of a rank correlation over models like these (Spearman's ρ;"
    " Bonett and Wright 2000); it says nothing of causes, and the errors of the single rates are not in it."
)


@dataclass(frozen=True, slots=True)
class ModelScore:
    """What a user says of a model: its ability on any scale, and billions of parameters, None where it is not said."""

    score: float
    parameters: float | None


@dataclass(frozen=True, slots=True)
class ModelPoint:
    """A run under one condition: `name` as in the comparison, `x` on the axis; the rate with its interval, fractions.

    `is_open`: nothing can be concluded of it, or the run is not finished.
    """

    name: str
    target: str
    x: float
    rate: float
    ci95: tuple[float, float] | None
    decided: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class Scaling:
    """Runs along an axis; `lacking`: names of those of which it is not known; `alike`: all under one condition, without
    which no correlation is told.
    """

    condition: str
    axis: str
    is_log: bool
    points: tuple[ModelPoint, ...]
    lacking: tuple[str, ...]
    correlation: RankCorrelation
    alike: bool = True

    @property
    def line(self) -> str:
        """What the correlation shows, and no more."""
        rho, ci95 = self.correlation.rho, self.correlation.ci95
        about = f"{self.correlation.n} models of which something can be concluded"
        if not self.alike:
            return f"{about}: no correlation is told of runs under different conditions"
        if rho is None or ci95 is None:
            why = f"of fewer than {FEWEST}, where all are alike, or where one stands there more than once"
            return f"{about}: no correlation is told {why}"
        more = f"among these, those with more have the {'higher' if rho > 0 else 'lower'} rate"
        shown = "no relation is shown" if ci95[0] <= 0 <= ci95[1] else more
        return f"Spearman's ρ = {decimal(rho)} ({decimal(ci95[0])} to {decimal(ci95[1])}), {about}: {shown}"


def scalings(compared: Compared, scores: Mapping[str, ModelScore] | None = None) -> list[Scaling]:
    """Under each condition the rates against parameters, where two sizes at least are known, and against the scores.

    Raises BadInput where scores are given and none is that of a model that was run.
    """
    known = {run.target: _score(run.target, scores or {}) for run in compared.runs}
    if scores is not None and not any(known.values()):
        targets = ", ".join(dict.fromkeys(run.target for run in compared.runs))
        raise BadInput(f"no score is that of a model that was run: there are {targets}; scored are {', '.join(scores)}")
    sizes = {run.target: _parameters(run, known[run.target]) for run in compared.runs}
    ability = {target: score.score if score else None for target, score in known.items()}
    every = []
    for panel in compared.panels:
        if len({size for size in sizes.values() if size is not None}) > 1:
            every.append(_scaling(compared, panel, "parameters, billions", sizes, is_log=True))
        if scores is not None:
            every.append(_scaling(compared, panel, "ability", ability, is_log=False))
    return every


def _scaling(
    compared: Compared, panel: ComparisonPanel, axis: str, known: Mapping[str, float | None], *, is_log: bool
) -> Scaling:
    points = tuple(_points(compared, panel, known))
    held = [point for point in points if not point.is_open]
    lacking = [one.name for one in panel.columns if known[compared.runs[one.run].target] is None]
    alike = len({column.condition for column in panel.columns}) == 1
    return Scaling(panel.title, axis, is_log, points, tuple(lacking), _correlation(held, alike=alike), alike)


def _correlation(points: Sequence[ModelPoint], *, alike: bool) -> RankCorrelation:
    """None where they were not asked alike, or a model is there more than once: its runs are no models of their own."""
    targets = {point.target for point in points}
    if not alike or len(targets) < len(points):
        return RankCorrelation(len(targets), None, None)
    return rank_correlation([point.x for point in points], [point.rate for point in points])


def _points(compared: Compared, panel: ComparisonPanel, known: Mapping[str, float | None]) -> Iterator[ModelPoint]:
    for column in panel.columns:
        run = compared.runs[column.run]
        cell, x = run.cells[column.condition], known[run.target]
        if x is not None and cell.asr is not None:
            low, high = cell.shown_ci95 or (None, None)
            ends = None if low is None or high is None else (low, high)
            is_open = run.pending > 0 or not cell.evidence.concludable
            yield ModelPoint(column.name, run.target, x, cell.asr, ends, cell.precision.asr.n, is_open)


def _score(target: str, scores: Mapping[str, ModelScore]) -> ModelScore | None:
    """By the target as it was asked, or any name that its model has. Raises BadInput where these differ."""
    model = _model(target)
    names = (target, *((model.name, model.title, model.paper, model.target) if model else ()))
    ours = {name: scores[name] for name in dict.fromkeys(map(str.casefold, names)) if name in scores}
    if len({*ours.values()}) > 1:
        raise BadInput(f"scores: {' and '.join(ours)} are one model, {target}, and do not say the same: leave one")
    return next(iter(ours.values()), None)


def _model(target: str) -> Model | None:
    try:
        return model_of(target)
    except BadInput:
        return None  # of a run that another version made


def _parameters(run: FinishedRun, score: ModelScore | None) -> float | None:
    """In billions: as the user says, else as the list of models does."""
    if score and score.parameters is not None:
        return score.parameters
    model = _model(run.target)
    size = SIZE.fullmatch(model.size) if model else None
    return float(size[1]) / (1000 if size[2] == "M" else 1) if size else None


# --- scores of the user's


def read_scores(path: Path) -> dict[str, ModelScore]:
    """By the model's name in small letters. Raises BadInput in one line for a table that cannot be used."""
    heads: list[str] = []
    scores: dict[str, ModelScore] = {}
    for line, row in file_rows(path, COLUMNS, heads, UTF8, what="scores"):
        if row is BLANK:
            continue
        where = f"scores {path}, line {line}"
        if why := unusable(row):
            raise BadInput(f"{where}: {why}")
        if lacking := [name for name in COLUMNS[:2] if name not in row]:
            raise BadInput(f"scores {path}: no column {lacking[0]}; there are {', '.join(heads)}")
        name = str(row["model"]).strip().casefold()
        if not name or name in scores:
            raise BadInput(f"{where}: {row['model']!r} {'stands there twice' if name else 'is no model'}")
        parameters = row.get("parameters")
        said = None if is_nothing(parameters) else _number(parameters, f"{where}: parameters", least=0)
        scores[name] = ModelScore(_number(row["score"], f"{where}: score"), said)
    if not scores:
        raise BadInput(f"scores {path}: no rows")
    return scores


def _number(text: Any, where: str, least: float | None = None) -> float:
    try:
        number = float("nan" if isinstance(text, bool) else text)
    except (TypeError, ValueError):
        number = float("nan")
    if not isfinite(number) or (least is not None and number <= least):
        raise BadInput(f"{where} {text!r} is no number{'' if least is None else f' above {least:g}'}")
    return number
