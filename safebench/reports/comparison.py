"""Runs against each other over the same queries: targets under the conditions that they share, or conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from safebench.errors import BadInput
from safebench.reports.finished_run import FinishedRun, PlannedRun, differences, read_run
from safebench.reports.splitting import Key, ModelSplit, model_splits
from safebench.reports.words import Words
from safebench.statistics.clusters import cluster_ids
from safebench.statistics.concluding import concluded
from safebench.statistics.evidence import Evidence
from safebench.statistics.gap import ConditionsQ, GapRow, GapSettings, adjusted, modality_gap
from safebench.statistics.observations import Observations, Seen, arrange, seen
from safebench.store.items import media_of_items, twins
from safebench.store.store import Store
from safebench.types import Intent

DEFAULTS = GapSettings()


@dataclass(frozen=True, slots=True)
class RunCondition:
    """A run under one condition; `name` is what stands at the head of it."""

    name: str
    run: int  # place in the list of runs
    condition: str


@dataclass(frozen=True, slots=True)
class CommonItems:
    """The `n` items that are decided under all columns, and each column's rate over them; no rates without items."""

    n: int
    rates: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ComparisonPanel:
    """Columns that are compared with the first of them; `evidence` by their names."""

    title: str
    columns: tuple[RunCondition, ...]
    gaps: list[GapRow]
    common: Mapping[Intent, CommonItems]
    cochran_q: list[ConditionsQ]
    evidence: Mapping[str, Evidence]

    @property
    def order(self) -> list[str]:
        """The names of the columns that can be ranked, by the rate of harm over common items; none without two."""
        rates = self.common[Intent.HARMFUL].rates if Intent.HARMFUL in self.common else {}
        unranked = self.unranked
        ranked = sorted((name for name in rates if name not in unranked), key=rates.__getitem__)
        return ranked if len(ranked) > 1 else []

    @property
    def unranked(self) -> dict[str, str]:
        """Why, by the name of each column of which nothing can be concluded, alone or against the first."""
        alone = {name: one.reasons[0] for name, one in self.evidence.items() if not one.concludable}
        gaps = {row.condition: row.reasons[0] for row in self.gaps if row.concluded == "not_concludable"}
        return alone if self.columns[0].name in alone else gaps | alone


@dataclass(frozen=True, slots=True)
class Compared:
    """`left_out`: conditions that no two runs share, and so are in no panel. `splits`: the gaps of models to which a
    cascade was asked the same, in two parts.
    """

    runs: tuple[FinishedRun, ...]
    panels: tuple[ComparisonPanel, ...]
    left_out: tuple[str, ...]
    settings: GapSettings
    splits: tuple[ModelSplit, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(ascii_uppercase[: len(self.runs)])

    @property
    def words(self) -> Words:
        """All runs have the same jury."""
        return self.runs[0].words


def compare(folders: Sequence[Path], settings: GapSettings = DEFAULTS) -> Compared:
    """Pair the items of runs by query and repeat: under each condition that two or more share, else all conditions.

    Raises BadInput for fewer than two runs or more than 26, and when their data, jury, prompts or renderings differ,
    with one line for each difference: such runs have no ranking.
    """
    if len({folder.resolve() for folder in folders}) != len(folders) or not 2 <= len(folders) <= len(ascii_uppercase):
        raise BadInput(f"{len(folders)} folders of runs: a comparison is of 2 to {len(ascii_uppercase)} different ones")
    runs = tuple(read_run(folder) for folder in folders)
    check_comparable(runs[0], *runs[1:])
    items, media, clusters = _items(runs)
    wanted, left_out = _columns(runs)
    panels = [_panel(title, columns, items, clusters, settings) for title, columns in wanted]
    panels = [_with_evidence(panel, runs) for panel in panels]
    splits = tuple(model_splits(runs, items, media, clusters, settings))
    return Compared(runs, tuple(_adjusted(panels, settings.margin)), left_out, settings, splits)


def check_comparable(first: FinishedRun, *others: FinishedRun | PlannedRun) -> None:
    """Raises BadInput with one line for each difference from the first: such runs have no ranking."""
    problems = [line for other in others for line in differences(first, other)]
    if problems:
        raise BadInput(*problems, "these runs cannot be ranked: see them side by side with `safebench leaderboard`")


def numbers(compared: Compared) -> dict[str, Any]:
    """Those of a comparison, to be written as JSON; the keys are the attributes of `Compared`."""
    runs = [
        {"name": run.name, "target": run.target, "folder": str(run.folder), "pending": run.pending}
        for run in compared.runs
    ]
    fields = {name: getattr(compared, name) for name in ("panels", "splits", "left_out", "settings")}
    return {"runs": runs, **fields}


Items = dict[tuple[int, Intent], list[Seen]]


def _items(runs: Sequence[FinishedRun]) -> tuple[Items, list[dict[Key, str]], dict[str, int]]:
    """Items by run and intent, their media by run, and the clusters of the queries, which all runs share."""
    items: Items = {}
    media = []
    for number, run in enumerate(runs):
        with Store(run.folder, readonly=True) as store:
            items |= {(number, intent): list(seen(store, intent)) for intent in Intent}
            media.append(media_of_items(store))
            clusters = cluster_ids(twins(store))
    return items, media, clusters


def _columns(runs: Sequence[FinishedRun]) -> tuple[list[tuple[str, tuple[RunCondition, ...]]], tuple[str, ...]]:
    """A panel's columns for each condition that several runs have; where there is none, one panel of all there are."""
    holders: dict[str, list[int]] = {}
    for number, run in enumerate(runs):
        for condition in run.cells:
            holders.setdefault(condition, []).append(number)
    shared = {condition: numbers for condition, numbers in holders.items() if len(numbers) > 1}
    if shared:
        panels = [(name, tuple(RunCondition(ascii_uppercase[n], n, name) for n in ns)) for name, ns in shared.items()]
        return panels, tuple(name for name in holders if name not in shared)
    every = [RunCondition(f"{ascii_uppercase[n]} {name}", n, name) for name, ns in holders.items() for n in ns]
    if len(every) < 2:
        raise BadInput("nothing to compare: fewer than two runs have an outcome")
    return [("all conditions", tuple(sorted(every, key=lambda column: column.run)))], ()


def _panel(
    title: str, columns: tuple[RunCondition, ...], items: Items, clusters: dict[str, int], settings: GapSettings
) -> ComparisonPanel:
    names = tuple(column.name for column in columns)
    observed: dict[Intent, Observations] = {}
    for intent in Intent:
        mine = [
            item._replace(condition=column.name)
            for column in columns
            for item in items[column.run, intent]
            if item.condition == column.condition
        ]
        if mine:
            observed[intent] = arrange(intent, names, mine, clusters)
    gap = modality_gap(observed, settings)
    common = {intent: _common(one) for intent, one in observed.items()}
    return ComparisonPanel(title, columns, gap.comparisons if gap else [], common, gap.cochran_q if gap else [], {})


def _with_evidence(panel: ComparisonPanel, runs: Sequence[FinishedRun]) -> ComparisonPanel:
    known = {column.name: runs[column.run].cells[column.condition].evidence for column in panel.columns}
    return replace(panel, evidence=known)


def _common(observed: Observations) -> CommonItems:
    rows = observed.decided.all(axis=1)
    n = int(rows.sum())
    rates = observed.event[rows].mean(axis=0) if n else []
    return CommonItems(n, {name: float(rate) for name, rate in zip(observed.conditions, rates, strict=bool(n))})


def _adjusted(panels: Sequence[ComparisonPanel], margin: float) -> Iterator[ComparisonPanel]:
    """Holm's correction over all panels: the question is asked once for each of their rows."""
    rows = iter(adjusted([row for panel in panels for row in panel.gaps]))
    for panel in panels:
        yield replace(panel, gaps=concluded(list(islice(rows, len(panel.gaps))), panel.evidence, margin))
