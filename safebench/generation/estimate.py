"""How many calls and tokens generating takes, and what that costs, as ranges, before anybody is asked.

At least every query is written, scored and given a twin at the first try; at most all rounds and tries are needed, all
that is written is scored, and judges are asked again as often as they may be. Writers share the work.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from safebench.generation.folder import STAGES
from safebench.generation.panel import REASKED
from safebench.generation.plan import GenerationPlan, labels
from safebench.generation.writing import MOST_WRITERS
from safebench.models.opening import written_out
from safebench.models.prices import Prices, Range, RoleEstimate, in_text, total
from safebench.models.roles import RoleOptions
from safebench.resources import prompt

WORD = 7  # bytes of a word and what stands around it


def estimate_generation(plan: GenerationPlan, prices: Prices, stages: Sequence[str] = STAGES) -> list[RoleEstimate]:
    """By stage and model, of the `stages` that are to be done."""
    estimator = _Estimator(plan, prices)
    rows = (*estimator.propose(), *estimator.write(), *estimator.score(), *estimator.twin())
    return [row for row in rows if row.condition in stages]


def calls_by_stage(rows: Sequence[RoleEstimate]) -> dict[str, float]:
    """The fewest, in the order of the stages."""
    stages = dict.fromkeys(row.condition for row in rows)
    return {stage: sum(row.calls.low for row in rows if row.condition == stage) for stage in stages}


def outlook_line(plan: GenerationPlan, rows: Sequence[RoleEstimate]) -> str:
    """How much is made, and how long that takes at a pace that anybody can scale."""
    queries = sum(plan.planned().values())
    twins = " and as many twins" if plan.twins.wanted else ""
    hours = total(row.calls for row in rows).times(1 / 3600)
    return f"{queries:,} queries{twins}, at one call a second {hours.shown(1)} h"


class _Estimator:
    def __init__(self, plan: GenerationPlan, prices: Prices) -> None:
        self._plan, self._prices = plan, prices
        counts = [*plan.planned().values()]
        proposed = plan.propose.count if plan.propose else 0
        self._kept = Range(sum(counts), sum(counts) + proposed * plan.count)
        batches = sum(math.ceil(count * plan.surplus / plan.batch) for count in counts)
        more = proposed * math.ceil(plan.count * plan.surplus / plan.batch)
        self._batches = Range(batches, (batches + more) * plan.limits.rounds)
        length = plan.length
        shortest, longest = (prices.assumed.tokens(WORD * words) for words in (length.shortest, length.longest))
        self._query = Range(shortest.low, longest.high)

    def propose(self) -> Iterator[RoleEstimate]:
        if self._plan.propose is None:
            return
        answer, most = Range(*self._prices.assumed.answer), self._plan.propose.each * len(self._plan.writers)
        yield from self._writers("propose", "propose.scenarios", Range(1, 1).times(len(self._plan.writers)), answer)
        yield from self._judges("propose", "propose.vote", Range(1, most))

    def write(self) -> Iterator[RoleEstimate]:
        most = min(MOST_WRITERS, len(self._plan.writers))
        answer = self._query.times(1, self._plan.batch)
        yield from self._writers("write", "write.queries", self._batches.times(1, most), answer)

    def score(self) -> Iterator[RoleEstimate]:
        candidates = Range(self._kept.low, self._batches.high * self._plan.batch)
        yield from self._judges("score", "score.query", candidates)

    def twin(self) -> Iterator[RoleEstimate]:
        plan = self._plan
        if plan.twins.wanted:
            tries = self._kept.times(1, plan.surplus * plan.twins.tries)
            yield from self._writers("twin", "twin.write", tries, self._query)
            yield from self._judges("twin", "twin.check", tries)

    def _writers(self, stage: str, name: str, calls: Range, answer: Range) -> Iterator[RoleEstimate]:
        yield from self._rows(
            stage, "writer", self._plan.writers, name, calls.times(1 / len(self._plan.writers)), answer
        )

    def _judges(self, stage: str, name: str, texts: Range) -> Iterator[RoleEstimate]:
        calls, answer = texts.times(1, 1 + REASKED), Range(*self._prices.assumed.ballot)
        yield from self._rows(stage, "judge", self._plan.judges, name, calls, answer)

    def _rows(
        self, stage: str, role: str, models: Sequence[RoleOptions], name: str, calls: Range, answer: Range
    ) -> Iterator[RoleEstimate]:
        asked = self._prices.assumed.tokens(len(prompt(f"generate/{name}").text.encode())) + self._query
        for label, model in zip(labels(models), models, strict=True):
            called = f"{role} {label}" if len(models) > 1 else role
            yield in_text(self._prices, stage, called, written_out(model.model), calls, asked, answer)
