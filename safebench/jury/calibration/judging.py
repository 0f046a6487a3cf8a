"""Puts labelled answers to a jury. Every call is recorded, so that a calibration that was stopped can go on."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from safebench.concurrency import each
from safebench.jury.calibration.labels import Labelled, LabelSet
from safebench.jury.consensus import Put, consensus
from safebench.jury.protocol import Jury, Round, jury_rows
from safebench.models.calls import Budget, CallLimits, Calls
from safebench.models.pacing import Concurrency
from safebench.models.prices import Prices, Range, RoleEstimate, estimate_line, read_prices
from safebench.plugins import Target
from safebench.progress import Progress
from safebench.stopping import close_all, on_interrupt
from safebench.store.store import Store
from safebench.taxonomy import Scenario
from safebench.types import Absence, Ballot, Label, Purpose, Request, Response, Verdict


@dataclass(frozen=True, slots=True)
class Deliberation:
    """What the jury made of one answer. Rounds hold one ballot of each juror, in the order of the seats."""

    after: Verdict
    rounds: tuple[Round, ...]
    before: Label | None  # the verdict on the individual assessments alone
    equal_cost: Label | None  # and on as many individual assessments as the jury cast ballots

    @property
    def ballots(self) -> int:
        return len(self.after.ballots)


def estimate_calibration(rows: Sequence[Labelled], jury: Jury, prices: Prices) -> list[RoleEstimate]:
    """What judging all rows takes; calls that are kept already are not made again."""
    size = sum(len(f"{row.query.text}{row.answer}".encode("utf-8", "replace")) for row in rows) / len(rows)
    verdicts = Range(len(rows), len(rows))
    return [*jury_rows(jury, prices, "labels", verdicts, prices.assumed.tokens(size), again=1)]


async def judge_all(
    labels: LabelSet,
    jury: Jury,
    folder: Path,
    concurrency: Concurrency,
    progress: Progress,
    retry_failed: bool = False,
    limits: CallLimits = CallLimits(),  # noqa: B008  frozen
    prices: Path | None = None,
) -> list[Deliberation]:
    """All rows judged, in their order. `folder` keeps the calls; none is opened for a jury that makes no calls.

    Raises BadInput when a juror's model cannot work, BudgetSpent and Interrupted with all calls kept.
    """
    stop = asyncio.Event()
    priced = read_prices(prices)
    limits.check(priced, jury.models())
    try:
        await jury.check()
        command = "the same `safebench jury calibrate` again"
        with Store(folder) if jury.models() else nullcontext() as store, on_interrupt(stop, command):
            if store is not None and retry_failed:
                store.reopen_failed()
            progress.announced(estimate_line(estimate_calibration(labels.rows, jury, priced)))
            if store is None:
                return await _judge_rows(labels, jury, None, progress, stop)
            budget = Budget(store, limits, priced, progress=progress)
            with Calls(store, concurrency, stop, budget, progress) as calls:
                return await _judge_rows(labels, jury, calls, progress, stop)
    finally:
        await close_all(jury)


async def _judge_rows(
    labels: LabelSet, jury: Jury, calls: Calls | None, progress: Progress, stop: asyncio.Event
) -> list[Deliberation]:
    rows = labels.rows
    progress.planned("labels", len(rows))

    async def judge(number: int) -> Deliberation:
        scenario = labels.taxonomy.find(rows[number].query.scenario)
        judged = await _judge(rows[number], scenario, jury, _recorded(calls, number))
        progress.advanced("labels", is_open=judged.after.label is None)
        return judged

    width = calls.width(jury.models()) if calls is not None else 1
    return await each(range(len(rows)), judge, width, stop)


def _recorded(calls: Calls | None, number: int) -> Put:
    async def put(target: Target, request: Request, purpose: Purpose) -> Response:
        assert calls is not None
        return await calls.ask(target, request, number, purpose)

    return put


async def _judge(row: Labelled, scenario: Scenario | None, jury: Jury, put: Put) -> Deliberation:
    verdict = await jury.judge(row.query, scenario, row.answer, put)
    rounds = tuple(_rounds(jury, verdict.ballots))
    fresh = list(rounds[0])
    for number in range(1, len(rounds)):
        fresh += await jury.assess(row.query, scenario, row.answer, _again(put, number))
    asked = {ballot.juror for ballot in verdict.ballots}
    return Deliberation(verdict, rounds, _label(jury, rounds[0], asked), _label(jury, fresh, asked))


def _rounds(jury: Jury, ballots: Sequence[Ballot]) -> Iterator[Round]:
    """One ballot of each seat a round. Who is asked no more keeps its vote, who was never asked has none."""
    last = {seat.name: Ballot(seat.name, 0, Label.ABSTAIN, absence=Absence.DECLINED) for seat in jury.seats}
    for number in range(1 + max(ballot.round for ballot in ballots)):
        last |= {ballot.juror: ballot for ballot in ballots if ballot.round == number}
        yield list(last.values())


def _again(put: Put, number: int) -> Put:
    """A further call with the same request: recorded on its own, so that it is really made."""

    async def put_again(target: Target, request: Request, purpose: Purpose) -> Response:
        return await put(target, request, replace(purpose, about=f"again {number}"))

    return put_again


def _label(jury: Jury, ballots: Round, asked: Collection[str]) -> Label | None:
    """The verdict of the jury's rules on these ballots; the quorum grows with their number."""
    deciding = jury.deciding(asked)
    quorum = jury.quorum_of(deciding) * len(ballots) // len(jury.seats)
    voting = {seat.name for seat in deciding}
    return consensus([b for b in ballots if b.juror in voting], quorum, tuple(ballots), jury.protocol.tie).label
