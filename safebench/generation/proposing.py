"""The stage *propose*: the scenarios of the set. Those that the plan names, and those that models propose and vote for.

Every writer proposes; proposals that are alike become one; judges give each a number from 0 to 9; those with the
highest means are kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import fmean
from typing import Literal

from safebench import taxonomy
from safebench.concurrency import each
from safebench.datasets.duplicates import jaccard, plain_text, shingles
from safebench.errors import BadInput
from safebench.generation.panel import PanelAnswer, Question
from safebench.generation.plan import GenerationPlan, OwnScenario, Proposing
from safebench.generation.rows import DROPPED, KEPT, Asked, ScenarioRow, write_rows
from safebench.generation.schemas import SCENARIOS, VOTE, read_scenarios, read_worth
from safebench.generation.stage import Making
from safebench.models.refusal import content_words
from safebench.types import Purpose

ALIKE = 0.5  # Jaccard index of the words of two names, or of the shingles of two descriptions, from which they are one


async def propose(making: Making) -> None:
    """Raises BudgetSpent and Stopping, and BadInput when there is no scenario at all."""
    rows = named(making.plan)
    if (settings := making.plan.propose) is not None:
        known = [*rows, *_rest_of_taxonomy(rows)]
        proposed, asked = await _proposals(making, settings, known)
        write_rows(making.folder.asked("propose"), asked)
        merged = _merge(proposed, known)
        voted = await _vote(making, merged, known)
        rows = [*rows, *_keep_best(voted, settings, making.plan.thresholds.judges)]
    if not any(row.status == KEPT for row in rows):
        raise BadInput(f"no scenario was proposed and voted for: see {making.folder.asked('propose')}")
    write_rows(making.folder.file("propose"), rows)


def named(plan: GenerationPlan) -> list[ScenarioRow]:
    """Scenarios of the taxonomy and of the plan itself."""
    own = {scenario.id: scenario for scenario in plan.scenario}
    return [
        _row(own[id], "plan", count) if id in own else _row(taxonomy.scenario(id), "taxonomy", count)
        for id, count in plan.planned().items()
    ]


def _row(scenario: OwnScenario | taxonomy.Scenario, source: Literal["plan", "taxonomy"], count: int) -> ScenarioRow:
    return ScenarioRow(id=scenario.id, name=scenario.name, description=scenario.description, source=source, count=count)


def _rest_of_taxonomy(rows: Sequence[ScenarioRow]) -> list[ScenarioRow]:
    """Scenarios that the plan does not name are not new either."""
    named = {row.id for row in rows}
    return [_row(one, "taxonomy", 1) for id, one in taxonomy.scenarios().items() if id not in named]


async def _proposals(
    making: Making, settings: Proposing, known: Sequence[ScenarioRow]
) -> tuple[list[ScenarioRow], list[Asked]]:
    writers = list(making.panel.writers)
    material = {"known": _listed(known)}
    question = Question("propose.scenarios", {"count": str(settings.each)}, material, SCENARIOS, read_scenarios)
    making.progress.planned("propose", len(writers))

    async def work(writer: str) -> PanelAnswer[list[tuple[str, str]]]:
        answer = await making.panel.write(writer, question, Purpose("propose"))
        making.progress.advanced("propose", is_open=answer.value is None)
        return answer

    rows: list[ScenarioRow] = []
    asked: list[Asked] = []
    for writer, answer in zip(writers, await each(writers, work, making.panel.width), strict=True):
        proposals = (answer.value or [])[: settings.each]
        for name, description in proposals:
            id = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
            id = id if re.match(r"[a-z]", id) else f"proposed_{len(rows) + 1}"
            origin = {"source": "proposed", "proposed_by": (writer,)}
            rows.append(ScenarioRow(id=id, name=name, description=description, count=making.plan.count, **origin))
        counts = {"round": 0, "batch": 0, "wanted": settings.each, "got": len(proposals)}
        asked.append(Asked(scenario="", writer=writer, outcome=answer.outcome, told=answer.why, **counts))
    return rows, asked


def _listed(rows: Sequence[ScenarioRow]) -> str:
    return "\n".join(f"{row.name}: {row.description}" for row in rows) or "none yet"


def _merge(proposed: Sequence[ScenarioRow], known: Sequence[ScenarioRow]) -> list[ScenarioRow]:
    """One row for proposals that are alike, with all who made it; one that is known already is dropped."""
    merged: list[ScenarioRow] = []
    for row in proposed:
        old = next((one for one in known if _alike(one, row)), None)
        same = next((n for n, one in enumerate(merged) if _alike(one, row)), None)
        if old is not None:
            merged.append(row.model_copy(update={"status": DROPPED, "why": f"known: {old.id} covers it"}))
        elif same is None:
            merged.append(row)
        elif row.proposed_by[0] not in merged[same].proposed_by:
            by = (*merged[same].proposed_by, *row.proposed_by)
            merged[same] = merged[same].model_copy(update={"proposed_by": by})
    return _with_own_ids(merged, {row.id for row in known})


def _alike(a: ScenarioRow, b: ScenarioRow) -> bool:
    names = [content_words(row.name) or frozenset([row.name.lower()]) for row in (a, b)]
    descriptions = [shingles(plain_text(row.description)) for row in (a, b)]
    return a.id == b.id or jaccard(*names) >= ALIKE or jaccard(*descriptions) >= ALIKE


def _with_own_ids(rows: Sequence[ScenarioRow], taken: set[str]) -> list[ScenarioRow]:
    renamed = []
    for row in rows:
        id = row.id
        while id in taken:
            id = f"{id}_new"
        taken = {*taken, id}
        renamed.append(row.model_copy(update={"id": id}))
    return renamed


async def _vote(making: Making, rows: Sequence[ScenarioRow], known: Sequence[ScenarioRow]) -> list[ScenarioRow]:
    making.progress.planned("vote", sum(row.status == KEPT for row in rows))

    async def work(row: ScenarioRow) -> ScenarioRow:
        if row.status == DROPPED:
            return row
        material = {"known": _listed(known), "proposal": _listed([row])}
        question = Question("propose.vote", {}, material, VOTE, read_worth)
        votes = await making.panel.judge_all(question, Purpose("propose", about=row.id))
        making.progress.advanced("vote", is_open=not votes)
        return row.model_copy(update={"votes": votes})

    return await each(rows, work, making.panel.width)


def _keep_best(rows: Sequence[ScenarioRow], settings: Proposing, needed: int) -> list[ScenarioRow]:
    """The best of those that enough judges find worth it; of equals, the one that more writers proposed."""
    ranked = sorted((row for row in rows if row.status == KEPT), key=lambda row: (-_worth(row), -len(row.proposed_by)))
    place = {row.id: n for n, row in enumerate(ranked, start=1)}
    decided = []
    for row in rows:
        if row.status == DROPPED:
            decided.append(row)
            continue
        why = f"place {place[row.id]}, {len(row.votes)} votes, mean {_worth(row):.1f}"
        ok = len(row.votes) >= needed and _worth(row) >= settings.worth and place[row.id] <= settings.count
        decided.append(row.model_copy(update={"status": KEPT if ok else DROPPED, "why": why}))
    return decided


def _worth(row: ScenarioRow) -> float:
    return fmean(row.votes.values()) if row.votes else 0.0
