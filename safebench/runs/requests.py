"""A run by batch services: what is still to be asked is written into files, and what comes back is read from files.

The run goes its way as ever, but what is put to an endpoint is not sent: its answer is taken from a row that came back,
or the request is collected and stays open. So whatever is made of an answer over HTTP is made of it here, and the
jurors, whose questions hang on the answers, follow round after round.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from safebench.concurrency import block_on, each
from safebench.errors import BadInput, Stopping, TargetRefusesService
from safebench.files import is_taken, whole_folder
from safebench.models.asking import spec_of
from safebench.models.calls import ANY_ITEM, Budget, Calls, MediaCalls
from safebench.models.endpoints import mask_of_all, without_key
from safebench.models.prices import Prices, estimate_line, total
from safebench.plugins import Target
from safebench.progress import NoProgress, Progress
from safebench.rendering.pool import Workers
from safebench.rendering.renderer import ready
from safebench.runs.batches import Batches
from safebench.runs.config import RunConfig
from safebench.runs.estimate import estimate
from safebench.runs.folder import claim_folder, keep_revision
from safebench.runs.pipeline import Pipeline
from safebench.runs.plan import RunPlan
from safebench.runs.run import allowed, announce, opened, try_media, write_plan
from safebench.stopping import on_interrupt
from safebench.store.exchanges import is_recorded
from safebench.store.store import Store
from safebench.targets.batch_files import ReplyFiles, RequestFile, RequestFiles
from safebench.targets.openai import OpenAITarget
from safebench.types import Purpose, Request, Response

Written = Callable[[Sequence[RequestFile]], None]


@dataclass(frozen=True, slots=True)
class ExportedRequests:
    """`stopped`: why the files have not all that is to be asked; else empty. `away`: calls that are left out, because
    a service has them. `pending`: items without an outcome.
    """

    files: tuple[RequestFile, ...]
    stopped: str
    away: int
    pending: int


@dataclass(frozen=True, slots=True)
class ImportedReplies:
    """What came of files of replies, in calls.

    `recorded`: answers, and failures that asking again would not mend. `known`: rows of calls recorded before.
    `still_open`: why a call with a row is to be asked again. `unanswered`: requests in the files without a row.
    `to_ask`: what is to be asked next, these among them; `away`: what a service still has. `problems`: a line for each
    row that is no use.
    `stopped`: why not all rows were read; else empty.
    """

    recorded: int
    known: int
    repeated: int  # rows that say what another one says
    still_open: Counter[str]
    unanswered: int
    to_ask: int
    away: int
    pending: int  # items without an outcome
    problems: tuple[str, ...]
    stopped: str


def export_requests(
    config: RunConfig, out: Path, progress: Progress | None = None, *, retry_failed: bool = False, command: str = "",
    written: Written = lambda files: None,
) -> ExportedRequests:  # fmt: skip
    """Write what a run has still to ask of endpoints into the folder `out`; begin the run where it has not begun.

    What no endpoint is asked for is done at once; what a batch service has already is left out. `command`: goes on
    after an interruption. `written` is told the files before another command may work on the run. Raises BadInput, and
    Interrupted; then no folder is left.
    """
    if is_taken(out):
        raise BadInput(f"{out} exists: choose another folder for the requests")
    walk = _Walk(config, progress or NoProgress(), ReplyFiles(), command, out, written)
    block_on(walk.go(retry_failed=retry_failed))
    return ExportedRequests(walk.files, walk.stopped, len(walk.calls.away), walk.pending)


def import_replies(
    config: RunConfig, replies: ReplyFiles, progress: Progress | None = None, *, command: str = ""
) -> ImportedReplies:
    """Record what came back, and take every item as far as that goes. The same replies again change nothing.

    Raises BadInput, and Interrupted; what was recorded stays.
    """
    walk = _Walk(config, progress or NoProgress(), replies, command)
    block_on(walk.go())
    calls, still_open = walk.calls, walk.calls.still_open
    with Store(Path(config.out), readonly=True) as store:
        known = {key for key in (*replies, *replies.requests) if is_recorded(store, key)}
    strange = [key for key in replies if key not in known and key not in still_open]
    lines = (f"{replies.where(key)}: {key:.100} is of no call that this run waits for" for key in strange)
    return ImportedReplies(
        recorded=len(calls.recorded),
        known=sum(key in known for key in replies) - len(calls.recorded),
        repeated=replies.repeated,
        still_open=Counter(still_open.values()),
        unanswered=len(replies.requests - known - still_open.keys()),
        to_ask=len(calls.to_ask),
        away=len(calls.away),
        pending=walk.pending,
        problems=(*replies.problems, *walk.problems, *([walk.stopped] if walk.stopped else lines)),
        stopped=walk.stopped,
    )


class _Walk:
    """The way of a run whose calls are in files."""

    calls: _FiledCalls

    def __init__(
        self, config: RunConfig, progress: Progress, replies: ReplyFiles, command: str, out: Path | None = None,
        written: Written = lambda files: None,
    ) -> None:  # fmt: skip
        """`out`: where what has no answer is written to; None: nowhere."""
        self._config, self._progress, self._command = config, progress, command
        self._replies, self._out, self._written = replies, out, written
        self.problems: list[str] = []
        self.files: tuple[RequestFile, ...] = ()
        self.stopped, self.pending = "", 0

    async def go(self, *, retry_failed: bool = False) -> None:
        async with opened(self._config) as (plan, cache):
            limits, prices = allowed(plan)
            stop, workers = asyncio.Event(), cache.workers
            await self._check(plan)
            await ready(plan.rendering.to_render, plan.recognisers(), workers)
            claim_folder(plan)
            with (
                Store(plan.folder) as store,
                on_interrupt(stop, self._command, workers.kill),
                _request_files(self._out, self._written) as files,
            ):
                away = self._away()
                write_plan(plan, store, store.deliveries(), keep_revision(plan))
                if retry_failed:
                    store.reopen_failed()
                budget = Budget(store, limits, prices, progress=self._progress)
                budget.calls += len(away)
                announce(plan, store, prices, self._progress)
                if files is not None:
                    _check_cost(plan, store, prices, budget.cost)
                self.calls = _FiledCalls(store, plan, stop, budget, self._replies, files, away)
                workers.calls = MediaCalls(store, budget, self.calls.paces)
                with suppress(Stopping):
                    await self._before_items(plan, store, workers)
                    await Pipeline(plan, store, cache, self.calls, self._progress).run()
                if stop.is_set():
                    raise Stopping
                self.stopped, self.pending = budget.stopped, store.count_pending()
            self.files = tuple(files.files) if files else ()

    def _away(self) -> set[str]:
        """Keys of the calls that are with services, or about to be, but those that came back with their files.

        A file that is gone is named; where requests are written, which may be the same, it raises BadInput.
        """
        batches, files = Batches(Path(self._config.out)), []
        for one in batches.away():
            try:
                files.append(batches.asked(one))
            except BadInput as error:
                if self._out is not None:
                    raise
                self.problems += error.problems
        return ReplyFiles(files).requests - self._replies.requests

    async def _check(self, plan: RunPlan) -> None:
        """Raises BadInput where nobody is behind an endpoint, and for a model that is asked at once and cannot work."""
        models = [plan.asking.target, *plan.asking.jury.models()]
        at_once = [model for model in models if not isinstance(model, OpenAITarget)]
        if len(at_once) == len(models):
            raise BadInput("no model of this run is behind an endpoint (openai:MODEL): there is nothing to export")
        for model in at_once:
            await model.check()
            self._progress.announced(f"{spec_of(model)} is behind no endpoint and is asked at once")

    async def _before_items(self, plan: RunPlan, store: Store, workers: Workers) -> None:
        """Whether media arrive, and guards can be read: raises Stopping until that is known, or BadInput where not."""

        async def ask(request: Request) -> Response:
            return await self.calls.put(plan.asking.target, request, Purpose("probe", about="preflight"))

        async def arrive() -> None:
            store.keep_deliveries(await try_media(plan, workers, ask, store.deliveries()))

        both: list[Callable[[], Awaitable[None]]] = [arrive, partial(plan.asking.jury.try_jurors, self.calls.put)]
        await each(both, lambda work: work(), len(both))


@contextmanager
def _request_files(out: Path | None, written: Written) -> Iterator[RequestFiles | None]:
    """In a folder that is there whole, or not at all where nothing was written."""
    if out is None:
        yield None
        return
    with whole_folder(out) as folder, RequestFiles(folder) as files:
        yield files
    for one in files.files:
        one.file = out / one.file.name
    if not files.files:
        out.rmdir()
    written(files.files)


class _FiledCalls(Calls):
    """Endpoints are not asked: the reply to a call stands in a file, or the call is collected and stays open."""

    def __init__(
        self, store: Store, plan: RunPlan, stop: asyncio.Event, budget: Budget, replies: ReplyFiles,
        files: RequestFiles | None, with_services: Collection[str],
    ) -> None:  # fmt: skip
        super().__init__(store, plan.config.concurrency, stop, budget)
        self._spending, self._replies, self._files, self._with_services = budget, replies, files, with_services
        self._mask = mask_of_all()
        self.recorded: set[str] = set()  # keys, as those below
        self.to_ask: set[str] = set()
        self.away: set[str] = set()
        self.still_open: dict[str, str] = {}  # key of a call with a row -> why it has no answer

    async def put(self, target: Target, request: Request, purpose: Purpose) -> Response:
        """A call that belongs to no item."""
        return await self.ask(target, request, ANY_ITEM, purpose)

    async def _asked(self, target: Target, request: Request, key: str) -> Response:
        if not isinstance(target, OpenAITarget):
            return await super()._asked(target, request, key)
        response = target.unsent(request) or self._answer(target, request, key)
        if response is not None:
            return response
        self._take(target, request, key)
        await asyncio.sleep(0)  # those that are asked at the same time are begun, too
        raise Stopping

    def _answer(self, target: OpenAITarget, request: Request, key: str) -> Response | None:
        """What the row says; None where there is none, or one that says nothing for good."""
        if (returned := self._replies.returned(key)) is None:
            return None
        if returned.reply is None:
            self.still_open[key] = self._mask.text(without_key(returned.reason, target.key_name))
            return None
        reply = replace(returned.reply, body=self._mask.body(returned.reply.body))
        try:
            response, may_pass = target.received(reply, request)
        except TargetRefusesService as error:
            self.still_open[key] = str(error)
            return None
        if may_pass:
            self.still_open[key] = str(response.failure)
            return None
        if key not in self.recorded:
            self.recorded.add(key)
            self._spending.brought(target, request, response)
        return self._mask.response(response)

    def _take(self, target: OpenAITarget, request: Request, key: str) -> None:
        """Once a call: two may be the same. Raises BudgetSpent."""
        if key in self._with_services:
            self.away.add(key)
            return
        if key in self.to_ask:
            return
        if self._files is not None:
            self._spending.admit()
            self._spending.returned()
            self._files.add(key, target, request)
        self.to_ask.add(key)


def _check_cost(plan: RunPlan, store: Store, prices: Prices, spent: float) -> None:
    """Raises BadInput where what is still to be asked may cost more than the limit: a service cannot be stopped."""
    most = plan.limits().cost
    if most is None:
        return
    pending = {condition: cell.get(None, 0) for condition, cell in store.counts().items()}
    rows = estimate(plan, prices, pending)
    if any(row.cost is None for row in rows) or spent + total(row.cost for row in rows).high > most:
        raise BadInput(
            f"--max-cost {most:g}: what a batch service has cannot be held back, and {spent:.4g} USD are spent"
            f" ({estimate_line(rows)}): give more, or limit the calls (--max-calls)"
        )
