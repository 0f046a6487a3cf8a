"""The stage *twin*: a benign partner for each query that is kept, close in words, and harmless as the judges see it.

A twin that breaks a rule (by its form, or as one judge finds), is too far from its query, repeats another one or is not
harmless is tried again with the next writer. A query that gets none is dropped, and the next best one in reserve takes
its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from safebench.concurrency import each
from safebench.generation.panel import Question
from safebench.generation.plan import Thresholds
from safebench.generation.rows import DROPPED, KEPT, RESERVE, Candidate, ScenarioRow, Try, write_rows
from safebench.generation.rules import broken_rules
from safebench.generation.schemas import HARMLESSNESS, TWIN, read_harmlessness, read_twin
from safebench.generation.scoring import veto
from safebench.generation.similarity import overlap, repeated
from safebench.generation.stage import Making, about
from safebench.types import Purpose

ACCEPTED = "kept"
SAME = 0.95  # overlap of the words above which a twin is the query itself


@dataclass(frozen=True, slots=True)
class TwinDraft:
    """A query with what was written for it in this round; `problem` is why that is no twin."""

    row: Candidate
    scenario: ScenarioRow
    writer: str
    twin: str
    problem: str = ""


async def twin(making: Making) -> None:
    """Raises BudgetSpent and Stopping."""
    rows = {row.id: row for row in making.candidates("select", "rank")}
    if making.plan.twins.wanted:
        await _all_rounds(making, rows)
    write_rows(making.folder.file("twin"), rows.values())


async def _all_rounds(making: Making, rows: dict[str, Candidate]) -> None:
    """Each round tries once for every query without a twin; those in reserve take the place of those dropped."""
    number = 0
    while waiting := _waiting(making, rows.values()):
        number += 1
        name = f"twin, round {number}"
        making.progress.planned(name, len(waiting))
        attempts = _checked(making, await _written(making, waiting), rows.values())
        for row in await _judged(making, attempts, name):
            rows[row.id] = row


def _waiting(making: Making, rows: Iterable[Candidate]) -> list[tuple[Candidate, ScenarioRow]]:
    """Queries that need a twin; one in reserve comes in where one has failed."""
    waiting: list[tuple[Candidate, ScenarioRow]] = []
    ranked = sorted((row for row in rows if row.status != DROPPED), key=lambda row: row.rank or 0)
    for scenario in making.scenarios():
        own = [row for row in ranked if row.scenario == scenario.id]
        first = [row for row in own if row.status == KEPT]
        reserve = [row for row in own if row.status == RESERVE]
        places = [*first, *reserve[: max(0, scenario.count - len(first))]]
        waiting += [(row, scenario) for row in places if row.twin is None]
    return waiting


async def _written(making: Making, waiting: Sequence[tuple[Candidate, ScenarioRow]]) -> list[TwinDraft]:
    async def work(one: tuple[Candidate, ScenarioRow]) -> TwinDraft:
        row, scenario = one
        turn = len(row.tries)
        writer = making.panel.writer((row.rank or 0) + turn)
        length = making.plan.length
        values = {"language": making.plan.language} | {key: str(n) for key, n in length.model_dump().items()}
        question = Question("twin.write", values, {**about(scenario), "query": row.query}, TWIN, read_twin)
        answer = await making.panel.write(writer, question, Purpose("twin", round=turn, about=row.id))
        problem = "" if answer.value else f"{answer.outcome}: {answer.why}"
        return TwinDraft(row, scenario, writer, answer.value or "", problem)

    return await each(waiting, work, making.panel.width)


def _checked(making: Making, attempts: Sequence[TwinDraft], rows: Iterable[Candidate]) -> list[TwinDraft]:
    """With the problems that need no judge: rules, overlap of the words, and twins that there are already."""
    looked = [_looked_at(making, attempt) for attempt in attempts]
    fresh = [n for n, attempt in enumerate(looked) if not attempt.problem]
    twins = [row.twin for row in rows if row.twin is not None]
    new = [looked[n].twin for n in fresh]
    repeats = repeated(new, [*making.others(), *twins], making.plan.selection.duplicate)
    for n, (_, similarity) in repeats.items():
        problem = f"duplicate: similarity {similarity:.2f} to another twin or a compared query"
        looked[fresh[n]] = replace(looked[fresh[n]], problem=problem)
    return looked


def _looked_at(making: Making, attempt: TwinDraft) -> TwinDraft:
    if attempt.problem:
        return attempt
    length, least = making.plan.length, making.plan.twins.overlap
    shared = overlap(attempt.row.query, attempt.twin)
    problems = broken_rules(attempt.twin, length.longest, length.shortest)
    if shared < least:
        problems.append(f"too_far: overlap {shared:.2f} below {least:g}")
    if shared > SAME:
        problems.append("same: it is the query itself")
    return replace(attempt, problem=problems[0]) if problems else attempt


async def _judged(making: Making, attempts: Sequence[TwinDraft], name: str) -> list[Candidate]:
    async def work(attempt: TwinDraft) -> Candidate:
        row = _tried(making, attempt, {} if attempt.problem else await _harmlessness(making, attempt))
        making.progress.advanced(name, is_open=row.twin is None)
        return row

    return await each(attempts, work, making.panel.width)


async def _harmlessness(making: Making, attempt: TwinDraft) -> dict[str, tuple[int, str]]:
    material = {**about(attempt.scenario), "query": attempt.twin}
    question = Question("twin.check", {"language": making.plan.language}, material, HARMLESSNESS, read_harmlessness)
    purpose = Purpose("twin", round=len(attempt.row.tries), about=attempt.row.id)
    return await making.panel.judge_all(question, purpose)


def _tried(making: Making, attempt: TwinDraft, judged: Mapping[str, tuple[int, str]]) -> Candidate:
    """The query with this try added; with its twin, or dropped after the last try."""
    plan, row = making.plan, attempt.row
    scores = {judge: points for judge, (points, _) in judged.items()}
    broken = {judge: rule for judge, (_, rule) in judged.items() if rule != "none"}
    problem = attempt.problem or veto(broken) or _not_harmless(scores, plan.thresholds)
    outcome = problem or ACCEPTED
    this = Try(writer=attempt.writer, outcome=outcome, twin=attempt.twin, harmlessness=scores, breaks=broken)
    row = row.model_copy(update={"tries": (*row.tries, this)})
    if not problem:
        shared = round(overlap(row.query, attempt.twin), 4)
        kept = {"status": KEPT, "twin": attempt.twin, "twin_writer": attempt.writer, "overlap": shared}
        return row.model_copy(update=kept)
    return row if len(row.tries) < plan.twins.tries else row.dropped(f"no_twin: {problem}")


def _not_harmless(scores: Mapping[str, int], least: Thresholds) -> str:
    if len(scores) < least.judges:
        return f"few_scores: {len(scores)} of {least.judges} that are needed"
    mean = fmean(scores.values())
    return f"harmful_twin: harmlessness {mean:.1f} below {least.harmlessness:g}" if mean < least.harmlessness else ""
