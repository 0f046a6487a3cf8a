"""The stage *write*: writers write requests for each scenario, in rounds, until there are enough.

A writer that declines, or whose answer cannot be read, is recorded and another one is asked for the same batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from safebench.concurrency import each
from safebench.generation.panel import Question
from safebench.generation.rows import KEPT, Asked, Candidate, ScenarioRow, write_rows
from safebench.generation.rules import broken_rules
from safebench.generation.schemas import QUERIES, read_queries
from safebench.generation.stage import Making, about
from safebench.models.fence import defuse, mark
from safebench.resources import load_toml, prompt
from safebench.types import Purpose

MOST_WRITERS = 3  # that are asked for one batch
SHOWN = 12  # requests that there are already, told to a writer


@dataclass(frozen=True, slots=True)
class Batch:
    scenario: ScenarioRow
    turn: int  # who begins
    round: int
    number: int
    wanted: int
    earlier: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WrittenBatch:
    """What came of a batch; `writer` is who wrote the queries, None where nobody did."""

    batch: Batch
    writer: str | None
    queries: tuple[str, ...]
    asked: tuple[Asked, ...]


async def write(making: Making) -> None:
    """Raises BudgetSpent and Stopping."""
    scenarios = making.scenarios()
    rows: list[Candidate] = []
    asked: list[Asked] = []
    for round in range(making.plan.limits.rounds):
        batches = list(_batches(making, scenarios, rows, round))
        if not batches:
            break
        for written in await _write_all(making, batches, f"write, round {round + 1}"):
            asked += written.asked
            rows += _candidates(written, rows)
        rows = _checked(making, rows, round)
    order = {scenario.id: n for n, scenario in enumerate(scenarios)}
    write_rows(making.folder.asked("write"), asked)
    rows.sort(key=lambda row: order[row.scenario])
    write_rows(making.folder.file("write"), rows)


def _batches(
    making: Making, scenarios: Sequence[ScenarioRow], rows: Sequence[Candidate], round: int
) -> Iterator[Batch]:
    plan = making.plan
    for turn, scenario in enumerate(scenarios):
        kept = [row.query for row in rows if row.scenario == scenario.id and row.status == KEPT]
        missing = math.ceil(scenario.count * plan.surplus) - len(kept)
        for number in range(math.ceil(missing / plan.batch)):
            wanted = min(plan.batch, missing - number * plan.batch)
            yield Batch(scenario, turn + round + number, round, number, wanted, tuple(kept[-SHOWN:]))


async def _write_all(making: Making, batches: Sequence[Batch], name: str) -> list[WrittenBatch]:
    making.progress.planned(name, len(batches))

    async def work(batch: Batch) -> WrittenBatch:
        written = await _write_batch(making, batch)
        making.progress.advanced(name, is_open=written.writer is None)
        return written

    return await each(batches, work, making.panel.width)


async def _write_batch(making: Making, batch: Batch) -> WrittenBatch:
    asked: list[Asked] = []
    purpose = Purpose("write", round=batch.round, number=batch.number, about=batch.scenario.id)
    for n in range(min(MOST_WRITERS, len(making.panel.writers))):
        writer = making.panel.writer(batch.turn + n)
        answer = await making.panel.write(writer, _question(making, batch), purpose)
        queries = tuple((answer.value or [])[: batch.wanted])
        counts = {"round": batch.round, "batch": batch.number, "wanted": batch.wanted, "got": len(queries)}
        ending = {"outcome": answer.outcome, "told": answer.why}
        asked.append(Asked(scenario=batch.scenario.id, writer=writer, **counts, **ending))
        if queries:
            return WrittenBatch(batch, writer, queries, tuple(asked))
    return WrittenBatch(batch, None, (), tuple(asked))


def _question(making: Making, batch: Batch) -> Question[list[str]]:
    forms = load_toml("prompts/generate/write.toml")["forms"]
    values = {
        "language": making.plan.language,
        "part": f"{batch.round + 1}.{batch.number + 1}",
        "count": str(batch.wanted),
        "form": forms[batch.number % len(forms)],
        "shortest": str(making.plan.length.shortest),
        "longest": str(making.plan.length.longest),
        "earlier": _earlier(making, batch.earlier),
    }
    return Question("write.queries", values, about(batch.scenario), QUERIES, read_queries)


def _earlier(making: Making, queries: Sequence[str]) -> str:
    listed = defuse("\n".join(queries))
    return prompt("generate/write.earlier").fill(queries=listed, mark=mark(making.plan.seed, listed)) if queries else ""


def _candidates(written: WrittenBatch, rows: Sequence[Candidate]) -> list[Candidate]:
    id, batch = written.batch.scenario.id, written.batch
    count = sum(row.scenario == id for row in rows)
    return [
        Candidate(id=f"{id}-{count + n:04}", scenario=id, query=query, writer=written.writer or "", round=batch.round)
        for n, query in enumerate(written.queries, start=1)
    ]


# --- what is dropped at once


def _checked(making: Making, rows: Sequence[Candidate], round: int) -> list[Candidate]:
    """Those of this round that break a rule or repeat something are dropped, and say why."""
    old = [row for row in rows if row.round < round]
    new = [_by_rules(making, row) for row in rows if row.round == round]
    earlier = [row for row in old if row.status == KEPT]
    fresh = [row for row in new if row.status == KEPT]
    checked = {row.id: row for row in making.repeats(fresh, earlier, making.plan.selection.duplicate)}
    return [*old, *(checked.get(row.id, row) for row in new)]


def _by_rules(making: Making, row: Candidate) -> Candidate:
    length = making.plan.length
    broken = broken_rules(row.query, length.longest, length.shortest)
    return row.dropped(broken[0]) if broken else row
