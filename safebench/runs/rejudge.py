"""A finished run judged again: the same answers, another jury or another seed of the same; no target is asked.

The new run is a folder of its own, like the old one in everything but verdicts, so that reports and reviews work on it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safebench.concurrency import block_on, each
from safebench.datasets.cutting import KEY
from safebench.errors import BadInput
from safebench.files import is_claimed, share_files, whole_folder, write_toml
from safebench.jury.files import build_jury, jury_tables, jury_versions, read_jury
from safebench.jury.protocol import Jury, jury_rows
from safebench.models.calls import Budget, CallLimits, Calls
from safebench.models.pacing import Concurrency
from safebench.models.prices import Prices, Range, RoleEstimate, estimate_line, read_prices
from safebench.progress import NoProgress, Progress, tell_items
from safebench.runs.batches import check_home
from safebench.runs.config import RESOLVED, RUN_FILE, taxonomy_in
from safebench.runs.evidence import unaccepted
from safebench.runs.folder import read_run_file
from safebench.runs.judge import Judge
from safebench.runs.outcomes import UNCOUNTED, UNREPEATED
from safebench.runs.revisions import check_same
from safebench.statistics.agreement import cohen_kappa
from safebench.stopping import close_all, command_line, on_interrupt
from safebench.store.store import Store
from safebench.store.verdicts import ToJudge, Unjudged, judged_outcomes, to_judge, unjudged
from safebench.types import Intent, Outcome

ANSWERS_OF = "answers_of"  # of what a run file resolves to: whose answers were judged again


@dataclass(frozen=True, slots=True)
class Rejudged:
    """What another verdict changed, over the items that a jury judged both times.

    `moves`: (outcome before, now) -> items. `kappa`: Cohen's, of the outcomes; None where all are one.
    `open_share`: of all items that have no decided outcome now; `max_open`: the largest that the run allows.
    `unproven`: a line for each condition of which nothing can be concluded, where the run did not accept that.
    `variance`: of `unsafe` among harmful items between the two verdicts, (a − b)² / 2 on average; None without any.
    """

    folder: Path
    moves: Counter[tuple[str, str]]
    kappa: float | None
    open_share: float
    max_open: float
    unproven: Sequence[str]
    variance: float | None


def rejudge(
    run: Path,
    out: Path,
    jury: str,
    *,
    models: Sequence[str] = (),
    seed: int | None = None,
    concurrency: Concurrency | None = None,
    progress: Progress | None = None,
    retry_failed: bool = False,
    limits: CallLimits = CallLimits(),  # noqa: B008  frozen
    prices: Path | None = None,
) -> Rejudged:
    """Judge, or go on judging, the answers of `run` into the folder `out`. What was not judged stays as it was.

    With `retry_failed`, verdicts for which a call of a juror's failed are made again, and these calls.
    Raises BadInput for a run that is not finished or has calls with a batch service, and for a folder that holds
    something else, TargetRefusesService, BudgetSpent and Interrupted with every ballot recorded so far.
    """
    if seed is not None and seed < 0:
        raise BadInput(f"seed {seed} is negative: give 0 or more")
    check_home(run, out)
    asked = _finished(run)
    table = read_jury(jury, models)
    chosen = build_jury(table, _seed(asked) if seed is None else seed)
    priced = read_prices(prices)
    limits.check(priced, chosen.models())
    told = {**asked, "jury": jury_tables(table), "out": str(out.resolve())}
    told.pop("calibration", None)  # it was made for the jury before
    told |= {} if seed is None else {"jury_seed": seed}
    told[RESOLVED] = {
        **asked[RESOLVED],
        **jury_versions(chosen, taxonomy_in(asked[RESOLVED])),
        ANSWERS_OF: str(run.resolve()),
    }
    _claim(run, out, told)
    if retry_failed:
        with Store(out) as store:
            store.reopen_failed_verdicts()
    named = {"seed": seed, "max-calls": limits.calls, "max-cost": limits.cost, "prices": prices}
    options = [word for model in models for word in ("--jury-model", model)]
    options += [word for name, value in named.items() if value is not None for word in (f"--{name}", str(value))]
    command = command_line("rejudge", run, "--jury", jury, *options, "--out", out)
    width = concurrency or asked["concurrency"]
    block_on(_judge_all(out, chosen, told, width, progress or NoProgress(), command, limits, priced))
    return _compared(run, out)


def estimate_rejudging(
    run: Path, out: Path, jury: str, models: Sequence[str] = (), prices: Path | None = None
) -> list[RoleEstimate]:
    """What judging the answers of `run` again takes, or going on with it in `out`; nobody is asked."""
    asked = _finished(run)
    is_there = (out / RUN_FILE).is_file()
    with Store(out if is_there else run, readonly=True) as store:
        waiting = to_judge(store, again=not is_there)
    return _estimated(build_jury(read_jury(jury, models), _seed(asked)), read_prices(prices), waiting)


def _estimated(jury: Jury, prices: Prices, waiting: Sequence[ToJudge]) -> list[RoleEstimate]:
    rows: list[RoleEstimate] = []
    for condition, answers, size, spoken in waiting:
        verdicts = Range(answers, answers + spoken)
        rows += jury_rows(jury, prices, condition, verdicts, prices.assumed.tokens(size))
    return rows


def _finished(run: Path) -> dict[str, Any]:
    asked = read_run_file(run, "concurrency", "max_open", "probe")
    if KEY in asked:
        raise BadInput(f"{run} is shard {asked[KEY]} of a run: merge the shards first, then judge the whole again")
    with Store(run, readonly=True) as store:
        pending = store.count_pending()
    if pending:
        raise BadInput(f"{run}: {pending} items have no outcome yet; first: {command_line('run', run / RUN_FILE)}")
    return asked


def _seed(asked: dict[str, Any]) -> int:
    return int(asked.get("jury_seed", asked["seed"]))


def _claim(run: Path, out: Path, told: dict[str, Any]) -> None:
    """The folder with all answers and no verdicts, whole or not at all; one that is there must be this very one."""
    if is_claimed(out, RUN_FILE, "run folder", lambda there: check_same(out, there, told)):
        return
    with whole_folder(out) as part:
        with Store(run, readonly=True) as store:
            store.copy_to(part)
        with Store(part) as copy:
            copy.forget_verdicts()
        share_files(run / "media", part / "media")
        write_toml(part / RUN_FILE, told)


async def _judge_all(
    out: Path, jury: Jury, told: dict[str, Any], concurrency: Concurrency, progress: Progress, command: str,
    limits: CallLimits, prices: Prices,
) -> None:  # fmt: skip
    """Raises Interrupted with the command that continues."""
    stop = asyncio.Event()
    try:
        await jury.check()
        with Store(out) as store, on_interrupt(stop, command):
            progress.announced(estimate_line(_estimated(jury, prices, to_judge(store, again=False))))
            tell_items(progress, store.counts())
            budget = Budget(store, limits, prices, "jury", progress)  # the target's calls are the old run's
            with Calls(store, concurrency, stop, budget, progress) as calls:
                judge = Judge(jury, store, calls, taxonomy_in(told[RESOLVED]))

                async def work(one: Unjudged) -> None:
                    await _judge_again(one, judge, told["probe"] == 1.0, progress)

                await each(list(unjudged(store)), work, calls.width(jury.models()), stop)
    finally:
        await close_all(jury)


async def _judge_again(one: Unjudged, judge: Judge, probed: bool, progress: Progress) -> None:
    response = judge.store.exchange(one.exchange)
    assert response is not None
    about = (one.item, one.query, one.repeat, response.text, one.heard)
    missed = UNCOUNTED if one.uncounted else UNREPEATED if probed and one.missed else ""
    ending, ballots = await judge.decide(*about, missed=missed)
    came_from = (one.rendering, one.exchange)
    judge.store.keep_outcome(one.item, ending.outcome, ending.reason, ending.rating, *came_from, ballots)
    progress.advanced(one.condition, is_open=not ending.outcome.decided)


def _compared(run: Path, out: Path) -> Rejudged:
    asked = read_run_file(out, "max_open")
    with Store(run, readonly=True) as old, Store(out, readonly=True) as new:
        before, now = judged_outcomes(old), judged_outcomes(new)
        unproven = tuple(unaccepted(asked, new))
        outcomes: Counter[str | None] = Counter()
        for cell in new.counts().values():
            outcomes.update(cell)
    pairs = [(a.outcome, b.outcome) for a, b in zip(before, now, strict=True)]
    harmful = [pair for pair, row in zip(pairs, now, strict=True) if row.intent == Intent.HARMFUL]
    turned = sum((a == Outcome.UNSAFE) != (b == Outcome.UNSAFE) for a, b in harmful)
    still_open = sum(n for outcome, n in outcomes.items() if outcome is None or not Outcome(outcome).decided)
    return Rejudged(
        folder=out,
        moves=Counter(pairs),
        kappa=cohen_kappa(pairs),
        open_share=still_open / outcomes.total() if outcomes else 0.0,
        max_open=asked["max_open"],
        unproven=unproven,
        variance=turned / (2 * len(harmful)) if harmful else None,
    )
