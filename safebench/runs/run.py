"""A run from beginning to end: plan, claim the folder, check target and jury, take every item to its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from safebench.concurrency import block_on
from safebench.datasets.plan import part_line
from safebench.errors import BudgetSpent, Stopping
from safebench.jury.attendance import MEND, attendance, missing
from safebench.models.asking import ask_safely
from safebench.models.calls import Budget, CallLimits, Calls, MediaCalls
from safebench.models.prices import Prices, estimate_line, read_prices
from safebench.progress import NoProgress, Progress, tell_items
from safebench.rendering.pool import Workers
from safebench.rendering.recognition import RecogniserCache, transcribers
from safebench.rendering.renderer import ready
from safebench.runs.batches import check_home
from safebench.runs.config import RUN_FILE, RunConfig
from safebench.runs.estimate import estimate
from safebench.runs.evidence import unaccepted
from safebench.runs.folder import claim_folder, is_there, keep_revision, read_run_file
from safebench.runs.pipeline import Pipeline
from safebench.runs.plan import RunPlan, make_plan
from safebench.runs.preflight import Ask, Delivery, preflight, unproven
from safebench.runs.revisions import revisions_line, revisions_of
from safebench.stopping import close_all, command_line, on_interrupt
from safebench.store.store import Store
from safebench.store.verdicts import cast_ballots
from safebench.types import Outcome


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run amounts to. `problems`: a line for each thing that makes its exit status 1: a spent budget, items
    without an outcome, skipped cells or too many open items, jurors that never voted, and conditions of which nothing
    can be concluded.
    """

    folder: Path
    counts: Mapping[str, Mapping[str, int]]  # condition -> outcome -> items
    skipped: Mapping[str, str]  # condition -> why
    open_share: float
    problems: tuple[str, ...]
    spent: str  # the budget, where it left items without an outcome; else empty

    @property
    def exit_status(self) -> int:
        return int(bool(self.problems))


def run(config: RunConfig, progress: Progress | None = None, *, retry_failed: bool = False) -> RunResult:
    """Run, or continue, what the config asks for. See `run_async`."""
    return block_on(run_async(config, progress, retry_failed=retry_failed))


async def run_async(config: RunConfig, progress: Progress | None = None, *, retry_failed: bool = False) -> RunResult:
    """Take every item to exactly one outcome, recorded in the folder `config.out`.

    The same call on the same folder continues it: nothing recorded is asked for again. With `retry_failed`, items
    whose calls, renderings or transcripts failed are tried again.

    Raises BadInput before anything is written, TargetRefusesService and Interrupted with everything recorded so far.
    """
    check_home(Path(config.out))
    async with opened(config) as (plan, cache):
        limits, prices = allowed(plan)
        stop, workers, target = asyncio.Event(), cache.workers, plan.asking.target
        trying = partial(try_media, plan, workers, partial(ask_safely, target))
        is_new = not is_there(plan)
        await target.check()
        await plan.asking.jury.check()
        await ready(plan.rendering.to_render, plan.recognisers(), workers)
        deliveries = await trying([]) if is_new else []  # what fails leaves no folder behind
        claim_folder(plan)
        command = command_line("run", plan.folder / RUN_FILE)
        with Store(plan.folder) as store, on_interrupt(stop, command, workers.kill):
            check_home(plan.folder)  # `requests submit` may have come before us meanwhile
            deliveries = await trying(deliveries or store.deliveries())
            write_plan(plan, store, deliveries, keep_revision(plan))
            if retry_failed:
                store.reopen_failed()
            budget = Budget(store, limits, prices, progress=progress)
            calls = Calls(store, config.concurrency, stop, budget, progress)
            workers.calls = MediaCalls(store, budget, calls.paces)
            announce(plan, store, prices, progress or NoProgress())
            with suppress(BudgetSpent):
                await Pipeline(plan, store, cache, calls, progress).run()
            if stop.is_set():
                raise Stopping
            return _result(plan, store, budget.stopped)


@asynccontextmanager
async def opened(config: RunConfig) -> AsyncIterator[tuple[RunPlan, RecogniserCache]]:
    """The plan of a run, and what reads its media; all that they opened is closed in the end. Raises BadInput."""
    workers = Workers(config.workers)
    cache = RecogniserCache(workers)
    plan = make_plan(config, partial(cache.recognise, inside=True))
    try:
        yield plan, cache
    finally:
        workers.close()
        await close_all(plan.asking.target, plan.asking.jury)


def allowed(plan: RunPlan) -> tuple[CallLimits, Prices]:
    """What the run may take, and by which prices. Raises BadInput where a limit needs a price that is not known."""
    limits, prices = plan.limits(), read_prices(plan.config.prices)
    sent = [(plan.asking.target, medium) for medium in plan.asking.trials]
    limits.check(prices, [plan.asking.target, *plan.asking.jury.models()], sent, plan.asked_for_media())
    return limits, prices


def announce(plan: RunPlan, store: Store, prices: Prices, progress: Progress) -> None:
    """What there is to know before the first item."""
    counts = store.counts()
    pending = {condition: cell.get(None, 0) for condition, cell in counts.items()}
    progress.announced(estimate_line(estimate(plan, prices, pending)))
    if plan.data.shard:
        progress.announced(part_line(plan.config, plan.data))
    grown = revisions_line(revisions_of(read_run_file(plan.folder), store))
    if grown and sum(pending.values()):
        progress.announced(grown)
    tell_items(progress, counts)
    for condition, why in plan.asking.skipped.items():
        progress.skipped(str(condition), why)
    for line in (*plan.data.whole.notes, *plan.data.better(plan.rendering.settings)):
        progress.warned(line)
    probed = plan.asking.trials if plan.config.probe else ()
    for line in unproven((Delivery(**one) for one in store.deliveries()), probed):
        progress.warned(line)
    for medium, spec in plan.rendering.settings.recognisers.items():
        if medium not in transcribers(plan.rendering.settings.recognisers):
            progress.warned(f"{spec} does not transcribe: answers in {medium} are judged by the target's own text")


async def try_media(
    plan: RunPlan, workers: Workers, ask: Ask, deliveries: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What was found of the media's arrival; media that nobody tried yet are tried now. Text always arrives."""
    tried = {delivery["medium"] for delivery in deliveries}
    missing = {medium: recipe for medium, recipe in plan.asking.trials.items() if medium not in tried}
    if not plan.config.preflight or plan.asking.target.in_process or not missing:
        return deliveries
    new = await preflight(ask, missing, workers, plan.rendering.made, plan.data.dataset.queries)
    return [*deliveries, *(delivery.describe() for delivery in new)]


def write_plan(plan: RunPlan, store: Store, deliveries: list[dict[str, Any]], revision: int) -> None:
    """What was found of the media's arrival, and what is to be asked."""
    store.keep_deliveries(deliveries)
    if store.planned < revision:
        for condition, why in plan.asking.skipped.items():
            store.skip(condition, why, plan.items_per_condition())
        dataset = plan.data.dataset
        store.plan(dataset.queries, dataset.taxonomy.category_of, plan.whole_items(), revision, mine=plan.data.mine)


def _result(plan: RunPlan, store: Store, stopped: str) -> RunResult:
    counts = {
        condition: {outcome: n for outcome, n in counted.items() if outcome is not None}
        for condition, counted in store.counts().items()
    }
    total = sum(sum(cell.values()) for cell in counts.values())
    still_open = sum(n for cell in counts.values() for outcome, n in cell.items() if not Outcome(outcome).decided)
    share = still_open / total if total else 0.0
    skipped = {str(condition): why for condition, why in plan.asking.skipped.items()}
    jurors = attendance([seat.name for seat in plan.asking.jury.seats], cast_ballots(store))
    absent = [f"{line}: {MEND}" for line in missing(jurors)]
    unproven = unaccepted(vars(plan.config), store)
    problems = (*_unfinished(store, stopped), *_left_open(plan, share), *absent, *unproven)
    return RunResult(plan.folder, counts, skipped, share, problems, stopped if store.count_pending() else "")


def result_of(plan: RunPlan) -> RunResult:
    """What the run in the plan's folder amounts to as it is; nobody is asked."""
    with Store(plan.folder, readonly=True) as store:
        return _result(plan, store, "")


def _unfinished(store: Store, stopped: str) -> Iterator[str]:
    if stopped:
        yield stopped
    if pending := store.count_pending():
        yield f"{pending} items have no outcome yet; the same command goes on with them"


def _left_open(plan: RunPlan, share: float) -> Iterator[str]:
    """The line about skipped cells and open items, where there are too many for the run's options."""
    skipped = bool(plan.asking.skipped)
    if (skipped and not plan.config.allow_skips) or share > plan.config.max_open:
        why = f"{100 * share:.1f} % of the items are open" + ("; cells were skipped" if skipped else "")
        yield f"{why} (see --max-open and --allow-skips)"
