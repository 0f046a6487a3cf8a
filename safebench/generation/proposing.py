"""The stage *propose*: the scenarios of the set. Those that the plan names, and those that models propose and vote for.

Every writer proposes; proposals that are alike become one; judges give each a number from 0 to 9, its severity and
its category; those with the highest means are kept, in the category that most judges put them into.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from statistics import fmean, median_low
from typing import Literal

from safebench.concurrency import each
from safebench.datasets.duplicates import jaccard, plain_text, shingles
from safebench.errors import BadInput
from safebench.generation.panel import PanelAnswer, Question
from safebench.generation.plan import GenerationPlan, OwnScenario, Proposing
from safebench.generation.rows import DROPPED, KEPT, Asked, ScenarioRow, write_rows
from safebench.generation.schemas import SCENARIOS, VOTE, Proposal, Vote, read_scenarios, read_vote
from safebench.generation.stage import Making
from safebench.models.refusal import content_words
from safebench.taxonomy import UNASSIGNED, Scenario
from safebench.types import Purpose

ALIKE = 0.5  # Jaccard index of the words of two names, or of the shingles of two descriptions, from which they are one


async def propose(making: Making) -> None:
    """Raises BudgetSpent and Stopping, and BadInput when there is no scenario at all."""
    rows = named(making.plan)
    if (settings := making.plan.propose) is not None:
        known = [*rows, *_rest_of_taxonomy(making.plan, rows)]
        categories = making.plan.categories()
        proposed, asked = await _proposals(making, settings, known, categories)
        write_rows(making.folder.asked("propose"), asked)
        merged = _merge(proposed, known)
        voted = await _vote(making, merged, known, categories)
        rows = [*rows, *_keep_best(voted, settings, making.plan.thresholds.judges)]
    if not any(row.status == KEPT for row in rows):
        raise BadInput(f"no scenario was proposed and voted for: see {making.folder.asked('propose')}")
    write_rows(making.folder.file("propose"), rows)


def named(plan: GenerationPlan) -> list[ScenarioRow]:
    """Scenarios of the taxonomy and of the plan itself."""
    own, known, categories = {scenario.id: scenario for scenario in plan.scenario}, plan.known(), plan.categories()
    return [
        _row(own[id], categories, "plan", count)
        if id in own
        else _row(known.scenario(id), categories, "taxonomy", count)
        for id, count in plan.planned().items()
    ]


def _row(
    scenario: OwnScenario | Scenario, categories: Mapping[str, str], source: Literal["plan", "taxonomy"], count: int
) -> ScenarioRow:
    fields = {name: getattr(scenario, name) for name in ("id", "name", "description", "severity")}
    category = scenario.category or scenario.id
    return ScenarioRow(**fields, category=category, category_name=categories[category], source=source, count=count)


def _rest_of_taxonomy(plan: GenerationPlan, rows: Sequence[ScenarioRow]) -> list[ScenarioRow]:
    """Scenarios that the plan does not name are not new either."""
    named, categories = {row.id for row in rows}, plan.categories()
    rest = [one for id, one in plan.known().scenarios.items() if id not in named]
    return [_row(one, categories, "taxonomy", 1) for one in rest]


async def _proposals(
    making: Making, settings: Proposing, known: Sequence[ScenarioRow], categories: dict[str, str]
) -> tuple[list[ScenarioRow], list[Asked]]:
    """With what was asked of whom; categories that writers add are added."""
    writers = list(making.panel.writers)
    material = {"known": _listed(known), "categories": "\n".join(categories.values())}
    question = Question("propose.scenarios", {"count": str(settings.each)}, material, SCENARIOS, read_scenarios)
    making.progress.planned("propose", len(writers))

    async def work(writer: str) -> PanelAnswer[list[Proposal]]:
        answer = await making.panel.write(writer, question, Purpose("propose"))
        making.progress.advanced("propose", is_open=answer.value is None)
        return answer

    rows: list[ScenarioRow] = []
    asked: list[Asked] = []
    for writer, answer in zip(writers, await each(writers, work, making.panel.width), strict=True):
        proposals = (answer.value or [])[: settings.each]
        for one in proposals:
            category = _category_id(one.category or one.name, categories)
            names = {"name": one.name, "category": category, "category_name": categories[category]}
            text = {"id": _slug(one.name, f"proposed_{len(rows) + 1}"), "description": one.description}
            origin = {"source": "proposed", "proposed_by": (writer,)}
            rows.append(ScenarioRow(**names, **text, **origin, count=making.plan.count))
        counts = {"round": 0, "batch": 0, "wanted": settings.each, "got": len(proposals)}
        asked.append(Asked(scenario="", writer=writer, outcome=answer.outcome, told=answer.why, **counts))
    return rows, asked


def _slug(name: str, otherwise: str) -> str:
    id = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return id if re.match(r"[a-z]", id) and id != UNASSIGNED else otherwise


def _category_id(name: str, categories: dict[str, str]) -> str:
    """The id of the category of this name, which is added where it is new."""
    old = next((id for id, known in categories.items() if known.casefold() == name.casefold()), None)
    id = old or _slug(name, f"category_{len(categories) + 1}")
    categories.setdefault(id, name)
    return id


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


async def _vote(
    making: Making, rows: Sequence[ScenarioRow], known: Sequence[ScenarioRow], categories: Mapping[str, str]
) -> list[ScenarioRow]:
    """Judges choose among the categories that there are, and those of the proposals that are voted on."""
    there = {*making.plan.categories(), *(row.category for row in rows if row.status == KEPT)}
    offered = {id: name for id, name in categories.items() if id in there}
    making.progress.planned("propose, vote", sum(row.status == KEPT for row in rows))

    async def work(row: ScenarioRow) -> ScenarioRow:
        if row.status == DROPPED:
            return row
        listed = "\n".join(offered.values())
        material = {"known": _listed(known), "categories": listed, "proposal": _listed([row])}
        question = Question("propose.vote", {}, material, VOTE, partial(read_vote, categories=offered))
        votes = await making.panel.judge_all(question, Purpose("propose", about=row.id))
        making.progress.advanced("propose, vote", is_open=not votes)
        return _voted(row, votes, offered)

    return await each(rows, work, making.panel.width)


def _voted(row: ScenarioRow, votes: Mapping[str, Vote], categories: Mapping[str, str]) -> ScenarioRow:
    """In the category that most judges chose; of equals that of its writer, then the one that stands first."""
    if not votes:
        return row
    count = Counter(vote.category for vote in votes.values())
    order = [row.category, *categories]
    best = min(count, key=lambda id: (-count[id], order.index(id)))
    judged = {
        "category": best,
        "category_name": categories[best],
        "severity": median_low(vote.severity for vote in votes.values()),
        "votes": {judge: vote.worth for judge, vote in votes.items()},
        "grouped": {judge: vote.category for judge, vote in votes.items()},
    }
    return row.model_copy(update=judged)


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
