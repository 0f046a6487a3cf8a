"""Runs read back, to be set beside others; and what they must have in common for that."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from safebench.jury.attendance import attendance, missing
from safebench.jury.calibration.file import bind
from safebench.jury.files import seat_names
from safebench.rendering.wordings import load_wordings
from safebench.reports.summary import notice
from safebench.reports.words import Words, knows_harm, words_of
from safebench.runs.config import RESOLVED, WORDING, taxonomy_in
from safebench.runs.evidence import evidence_of
from safebench.runs.folder import read_run_file, run_file
from safebench.runs.plan import RunPlan
from safebench.serialisation import compact, leaves
from safebench.statistics.evidence import EvidencedCondition, with_evidence
from safebench.statistics.metrics import summarise
from safebench.statistics.observations import observe
from safebench.statistics.spread import with_spread
from safebench.store.items import QueryContent, outcome_counts, query_content, query_contents
from safebench.store.store import Store
from safebench.store.verdicts import cast_ballots

Basis = Mapping[str, Mapping[str, Any]]  # data, jury, prompts, renderings -> what it is made of, by dotted key


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """`cells`: one for each condition with outcomes, its rates, spread and evidence as in `summary.json`; `pending`:
    items without an outcome; `absent`: a line for each juror that never voted.
    """

    folder: Path
    asked: Mapping[str, Any]
    cells: Mapping[str, EvidencedCondition]
    pending: int
    absent: tuple[str, ...]
    basis: Basis

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    @property
    def target(self) -> str:
        return str(self.asked["target"])

    @property
    def notice(self) -> str | None:
        return notice(self.asked)

    @property
    def words(self) -> Words:
        return words_of(knows_harm=knows_harm(self.asked["jury"]))


def read_run(folder: Path) -> FinishedRun:
    """A run as its folder holds it. Raises BadInput when it is none."""
    asked = read_run_file(folder)
    with Store(folder, readonly=True) as store:
        observed = observe(store, asked["conditions"])
        known = evidence_of(asked, store)
        cells = {
            cell.condition: with_evidence(with_spread(cell, observed, store), known[cell.condition])
            for cell in summarise(outcome_counts(store), asked["conditions"], taxonomy_in(asked[RESOLVED]))
        }
        absent = missing(attendance(seat_names(asked["jury"]["jurors"]), cast_ballots(store)))
        basis = _basis(asked, query_contents(store))
        return FinishedRun(folder, asked, cells, store.count_pending(), tuple(absent), basis)


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run of which nothing is asked yet."""

    folder: Path
    basis: Basis


def planned_run(plan: RunPlan) -> PlannedRun:
    contents = sorted(map(query_content, plan.data.queries), key=itemgetter(0))
    return PlannedRun(plan.folder, _basis(run_file(plan), contents))


def _basis(asked: Mapping[str, Any], queries: Sequence[QueryContent]) -> Basis:
    """What two runs must share for their rates to be ranked. Queries count by content, not by file name."""
    held = ("prompts", "jurors", "recipes", "recognisers", "written", "chosen")
    resolved: dict[str, Any] = {**{key: {} for key in held}, **asked["resolved"]}
    bound = bind(asked["jury"], resolved)
    content = hashlib.sha256(compact(queries).encode("utf-8", "surrogatepass")).hexdigest()
    return {
        "data": {"queries": len(queries), "content": content[:12]},
        "jury": _flat(bound["jury"]) | _flat(bound["jurors"]),
        "prompts": _flat(bound["prompts"]),
        "renderings": _flat({key: resolved[key] for key in ("chosen", "recipes", "recognisers", "written")})
        | _flat({WORDING: _wordings(asked.get(WORDING, {}))}),
    }


def _wordings(tables: Mapping[str, Any]) -> dict[str, dict[str, str | None]]:
    """By name both texts: whoever has another one by that name has another wording, whatever it is written with."""
    known = load_wordings(tables)
    return {name: {"text": known[name].text, "beside": known[name].beside} for name in tables}


def _flat(tables: Any) -> dict[str, Any]:
    """What stands in nested tables and lists, by dotted key; an empty table holds nothing."""
    return {key: value for key, value in leaves(tables) if value != {}}


def differences(first: FinishedRun, other: FinishedRun | PlannedRun) -> list[str]:
    """One line for each part of their basis that differs, with the values; empty when the runs may be ranked.

    Recipes, conditions and wordings that only one of them has are no difference.
    """
    lines = []
    for part, here in first.basis.items():
        there = other.basis[part]
        keys = here.keys() & there.keys() if part == "renderings" else here.keys() | there.keys()
        differing = [key for key in sorted(keys) if here.get(key) != there.get(key)]
        if differing:
            values = ", ".join(f"{key} ({_short(here.get(key))} and {_short(there.get(key))})" for key in differing[:4])
            more = f" and {len(differing) - 4} more" if len(differing) > 4 else ""
            lines.append(f"{first.folder} and {other.folder} differ in {part}: {values}{more}")
    return lines


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 40 else text[:40] + "…"
