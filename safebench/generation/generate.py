"""`safebench generate` from beginning to end: claim the folder, open the models, do every stage that is due."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from safebench.concurrency import block_on
from safebench.datasets.embeddings import check_embedding
from safebench.datasets.load import load_dataset
from safebench.errors import BadInput, BudgetSpent
from safebench.files import write_json
from safebench.generation.estimate import calls_by_stage, estimate_generation, outlook_line
from safebench.generation.folder import CALLS, PLAN_FILE, STAGES, SetFolder
from safebench.generation.packaging import package
from safebench.generation.panel import Panel
from safebench.generation.plan import GenerationPlan, open_models, tables
from safebench.generation.proposing import propose
from safebench.generation.rows import write_rows
from safebench.generation.scoring import score
from safebench.generation.selecting import select, without_alike
from safebench.generation.stage import Making
from safebench.generation.summary import SUMMARY_FILE, GenerationSummary, summarise
from safebench.generation.twinning import twin
from safebench.generation.writing import write
from safebench.models.calls import Budget, CallLimits, Calls
from safebench.models.prices import estimate_line, read_prices
from safebench.plugins import Target
from safebench.progress import NoProgress, Progress
from safebench.stopping import close_all, command_line, on_interrupt
from safebench.store.exchanges import failed_roles
from safebench.store.store import Store

LAST = STAGES[-1]


@dataclass(frozen=True, slots=True)
class Generated:
    """What is there now. `stopped` says why it is not finished: the budget."""

    folder: Path
    summary: GenerationSummary
    stopped: str = ""

    @property
    def exit_status(self) -> int:
        """1 when it was stopped, or when fewer queries or scenarios are kept than planned."""
        return int(bool(self.stopped) or self.summary.is_short)


def generate(
    plan: GenerationPlan, out: Path, until: str = LAST, progress: Progress | None = None, *, retry_failed: bool = False
) -> Generated:
    """Make, or go on making, the set of a plan in a folder. See `generate_async`."""
    return block_on(generate_async(plan, out, until, progress, retry_failed=retry_failed))


async def generate_async(
    plan: GenerationPlan, out: Path, until: str = LAST, progress: Progress | None = None, *, retry_failed: bool = False
) -> Generated:
    """Do the stages up to `until` that are due. The same call continues what was stopped: no recorded call is repeated,
    but with `retry_failed` those that failed.

    Raises BadInput before anything is written for a plan, a folder or a model that cannot be used, and for files edited
    so that they cannot be read; TargetRefusesService and Interrupted with everything so far recorded.
    """
    compared = tuple(load_dataset(name) for name in plan.compare_with)
    if plan.selection.embeddings:
        check_embedding(plan.selection.embeddings)
    writers, judges = (open_models(models, plan.defaults) for models in (plan.writers, plan.judges))
    most = plan.limits
    limits, prices = CallLimits(most.calls, most.tokens, most.cost, "limits.{}"), read_prices(plan.prices)
    limits.check(prices, [*writers.values(), *judges.values()])
    folder = SetFolder(out)
    stages = STAGES[: STAGES.index(until) + 1]
    command = command_line("generate", out / PLAN_FILE, "--out", out, *([] if until == LAST else ["--until", until]))
    stop = asyncio.Event()
    try:
        await check_models({**writers, **judges})
        folder.claim(tables(plan, {dataset.name: dataset.sha256 for dataset in compared}))
        with Store(out / CALLS) as store, on_interrupt(stop, command):
            if retry_failed:
                folder.forget(failed_roles(store))
                store.reopen_failed()
            progress = progress or NoProgress()
            rows = estimate_generation(plan, prices, [*filter(folder.is_due, stages)])
            progress.announced(f"{estimate_line(rows)}; {outlook_line(plan, rows)}")
            progress.foreseen(calls_by_stage(rows))
            budget = Budget(store, limits, prices, progress=progress)
            with Calls(store, plan.concurrency, stop, budget, progress) as calls:
                making = Making(plan, folder, Panel(writers, judges, calls, plan.seed), compared, progress)
                return await _go(making, stages, store)
    finally:
        await close_all(*writers.values(), *judges.values())


async def check_models(models: Mapping[str, Target]) -> None:
    """Raises BadInput, naming the model, for one that cannot work."""
    for label, target in models.items():
        try:
            await target.check()
        except BadInput as error:
            raise BadInput(*(f"{label}: {problem}" for problem in error.problems)) from error


async def _go(making: Making, stages: Sequence[str], store: Store) -> Generated:
    stopped = ""
    try:
        await _stages(making, stages, store)
    except BudgetSpent as error:
        stopped = str(error)
    summary = summarise(making.plan, making.folder, store)
    write_json(making.folder.path / SUMMARY_FILE, summary.as_dict())
    return Generated(making.folder.path, summary, stopped)


async def _stages(making: Making, stages: Sequence[str], store: Store) -> None:
    for stage in stages:
        if making.folder.is_due(stage):
            if stage == LAST:
                package(making, summarise(making.plan, making.folder, store))
            else:
                await WORK[stage](making)
            if making.folder.file(stage).exists():
                making.folder.record(stage)


async def _select(making: Making) -> None:
    rows = without_alike(making, making.candidates("score", "score"))
    write_rows(making.folder.file("select"), select(rows, making.scenarios(), making.plan.selection))


WORK: Mapping[str, Callable[[Making], Awaitable[None]]] = {
    "propose": propose,
    "write": write,
    "score": score,
    "select": _select,
    "twin": twin,
}
