"""Every call to a model goes through `Calls`: recorded before it is used, never made twice, bounded in number."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self
from uuid import uuid4

from safebench.errors import BadInput, BudgetSpent, SafeBenchError, Stopping
from safebench.models.asking import MediaCall, ask_safely, spec_of
from safebench.models.pacing import Concurrency, Paces
from safebench.models.prices import Prices, Range, total_tokens, usd
from safebench.plugins import Target
from safebench.progress import NoProgress, Progress
from safebench.serialisation import compact
from safebench.store.exchanges import spending, told_calls
from safebench.store.store import Store
from safebench.types import Media, Purpose, Request, Response

ANY_ITEM = 0  # the calls that belong to no single item are recorded under it


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Of all calls of a folder; `cost` in USD. None: no limit. `named`: how the user raises one."""

    calls: int | None = None
    tokens: int | None = None
    cost: float | None = None
    named: str = "--max-{}"

    def __post_init__(self) -> None:
        """Raises BadInput: a limit that is no number is never reached, and one of 0 or less before the first call."""
        given = {"calls": self.calls, "tokens": self.tokens, "cost": self.cost}
        wrong = {key: most for key, most in given.items() if most is not None and not 0 < most < math.inf}
        if wrong:
            lines = (f"{self.named.format(key)} {most}: give a finite number above 0" for key, most in wrong.items())
            raise BadInput(*lines)

    def check(
        self,
        prices: Prices,
        models: Iterable[Target],
        sent: Iterable[tuple[Target, str]] = (),
        others: Iterable[str] = (),
    ) -> None:
        """Before the first call. Raises BadInput with a line for each model whose price is not known.

        `sent`: who is sent which medium; `others`: NAME:ARGUMENT of models that render, refine, read back or
        transcribe.
        """
        if not self.cost:
            return
        lacking = {one for one in (*map(spec_of, models), *others) if prices.of(one) is None}
        lacking |= {f"{one} for {medium}" for who, medium in sent if not prices.knows(one := spec_of(who), medium)}
        if lacking:
            how = "give it in a file (--prices), or limit the calls (--max-calls)"
            raise BadInput(*(f"--max-cost: the price of {one} is not known: {how}" for one in sorted(lacking)))


class Budget:
    """Counts calls, tokens and money, those of earlier starts too.

    A call counts as dear as it may have been; one that failed, and told nothing, as dear as the dearest. No call is
    begun that could exceed the cost where it and all in flight were as dear as the dearest so far. Rendering and
    reading back stand for as many calls as they may take at most, until those that they took are counted.
    """

    def __init__(
        self,
        store: Store,
        limits: CallLimits,
        prices: Prices,
        role: str | None = None,
        progress: Progress | None = None,
    ) -> None:
        """`role`: count its recorded calls alone."""
        self._limits, self._prices, self.progress = limits, prices, progress or NoProgress()
        self.calls, self.tokens = spending(store, role)
        self.cost = self._dearest = 0.0
        self._in_flight = self._reserved = self._waiting_inside = 0  # calls
        self._returned = asyncio.Event()
        self._untold = ""  # a model, and why nobody knows what it costs
        self.stopped = ""  # why no further call may be made
        self._paid, self._unknown = Range(), 0  # calls of which nobody knows what they cost
        for call in told_calls(store):
            if role in (None, call.role):
                self._pay(call.model or "", self._prices.cost_of_told(call), call.status)

    async def wait(self, count: int = 1, *, inside: bool = False) -> None:
        """While nothing but what calls in flight may take stands in the way of `count` further ones.

        `inside`: they belong to a call that is in flight itself. It returns after them, so nobody waits for it.
        """
        self._waiting_inside += inside
        if inside:
            self._returned.set()
        try:
            while self._in_flight > self._waiting_inside and self._is_held_back(count):
                self._returned.clear()
                await self._returned.wait()
        finally:
            self._waiting_inside -= inside

    def _is_held_back(self, count: int) -> bool:
        return self._may_exceed(count) or bool(self._reserved and self._may_be_too_many(count))

    def admit(self) -> None:
        """Raises BudgetSpent before the call that would be one too many, and for every one after that."""
        self._begin(1)
        self.calls += 1

    def reserve(self, most: int) -> None:
        """The same, for a rendering or reading that may take so many calls: those that it took are counted then."""
        self._begin(most)
        self._reserved += most

    def _begin(self, count: int) -> None:
        self.stopped = self.stopped or next(self._reasons(count), "")
        if self.stopped:
            raise BudgetSpent(self.stopped)
        self._in_flight += count

    def _reasons(self, count: int) -> Iterator[str]:
        most = self._limits
        if self._may_be_too_many(count):
            yield f"{self._called_so_far(count)}; raise {most.named.format('calls')} to go on"
        if most.tokens is not None and self.tokens >= most.tokens:
            yield f"the budget of {most.tokens} tokens is spent; raise {most.named.format('tokens')} to go on"
        if self._untold and most.cost is not None:
            how = "go on with --max-calls in place of --max-cost"
            yield f"{self._untold}, so that its cost is not known; {how}"
        if self._may_exceed(count):
            yield f"{self._spent_so_far(count)}; raise {most.named.format('cost')} to go on"

    @property
    def so_far(self) -> str:
        """What is spent, in words; empty where nothing costs anything."""
        known = [usd(self._paid)] if self._paid.high else []
        return " and ".join([*known, *([f"what {self._unknown} calls cost, which is not known"] * bool(self._unknown))])

    def _may_be_too_many(self, count: int) -> bool:
        return self._limits.calls is not None and self.calls + self._reserved + count > self._limits.calls

    def _may_exceed(self, count: int) -> bool:
        """Whether so many further calls could, were they and all in flight as dear as the dearest."""
        most, ahead = self._limits.cost, (self._in_flight + count) * self._dearest
        return most is not None and (self.cost >= most or self.cost + ahead > most)

    def _called_so_far(self, count: int) -> str:
        most = self._limits.calls or 0
        left = most - self.calls - self._reserved
        if left <= 0:
            return f"the budget of {most} calls is spent"
        return f"of the budget of {most} calls {left} are left, and a rendering or reading may take {count}"

    def _spent_so_far(self, count: int) -> str:
        most = self._limits.cost or 0.0
        if self.cost >= most:
            return f"the budget of {most:g} USD is spent"
        another = "another call" if count == 1 else f"another {count} calls"
        return f"{self.cost:.4g} of {most:g} USD are spent, and {another} may cost {count * self._dearest:.4g}"

    def returned(self, count: int = 1) -> None:
        """A call that was admitted is in flight no more."""
        self._in_flight -= count
        self._returned.set()

    def release(self, most: int) -> None:
        """What was reserved is made."""
        self._reserved -= most
        self.returned(most)

    def spent(self, target: Target, request: Request, response: Response) -> None:
        """Counts what the answer told of a call that was admitted."""
        media = [part.medium for one in request.messages for part in one.parts if isinstance(part, Media)]
        self._count(MediaCall(spec_of(target), response.status, response.usage, tuple(media)))

    def brought(self, target: Target, request: Request, response: Response) -> None:
        """Counts a call that was made elsewhere."""
        self.calls += 1
        self.spent(target, request, response)

    def _count(self, call: MediaCall) -> None:
        self.tokens += total_tokens(call.usage)
        self._pay(call.model, self._prices.cost(call.model, call.usage, call.media, call.status), call.status)
        self.progress.spent(self.so_far)

    def media_called(self, calls: Sequence[MediaCall]) -> None:
        """Counts calls that were made in rendering and in reading back."""
        self.calls += len(calls)
        for call in calls:
            self._count(call)

    def _pay(self, spec: str, cost: Range | str, status: str) -> None:
        """`cost`: of one call, or why that is not known."""
        if isinstance(cost, Range):
            self._paid += cost
            self.cost += cost.high
            self._dearest = max(self._dearest, cost.high)
            return
        self._unknown += 1
        self.cost += self._dearest
        if status == "answered":
            self._untold = f"{spec} {cost}"


class MediaCalls:
    """What is asked in worker processes, where media are rendered and read back: recorded and counted.

    `paces`: of all that is asked beside it, in whose turns it is asked.
    """

    def __init__(self, store: Store, budget: Budget, paces: Paces | None = None) -> None:
        self._store = store
        self._budget = budget
        self.paces = paces or Paces("auto")

    @asynccontextmanager
    async def admitted(self, most: int, *, inside: bool = False) -> AsyncIterator[None]:
        """Around a rendering or reading that may take so many calls. Raises BudgetSpent where they may not be made.

        `inside`: of a call that is in flight itself.
        """
        await self._budget.wait(most, inside=inside)
        self._budget.reserve(most)
        try:
            yield
        finally:
            self._budget.release(most)

    def made(self, calls: Sequence[MediaCall]) -> None:
        for call in calls:
            name, _, argument = call.model.partition(":")
            media = [{"medium": medium} for medium in call.media]
            asked = {"target": {"target": name, "argument": argument}, "request": {"media": media}}
            response = Response(call.status, usage=call.usage)
            self._store.keep_exchange(uuid4().hex, ANY_ITEM, Purpose("media"), asked, response)
        self._budget.media_called(calls)
        if calls:
            self._budget.progress.paced(self.paces.line)


class Calls:
    """At most `concurrency` calls are in flight, over target and jurors together; or as many as each endpoint takes.

    When its context ends it is recorded what endpoints took.
    """

    def __init__(
        self,
        store: Store,
        concurrency: Concurrency,
        stop: asyncio.Event,
        budget: Budget | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._store = store
        self.paces = Paces(concurrency, stop)
        self._stop = stop
        self._budget = budget
        self._progress = progress or NoProgress()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if (paced := self.paces.describe()) and (error is None or isinstance(error, SafeBenchError)):
            self._store.keep_paces(paced)

    def width(self, models: Iterable[Target]) -> int:
        """On how much one should work at once who asks these."""
        return self.paces.width(models)

    @property
    def stopping(self) -> bool:
        """Whether no new call is begun any more."""
        return self._stop.is_set() or (self._budget is not None and bool(self._budget.stopped))

    async def ask(self, target: Target, request: Request, item: int, purpose: Purpose) -> Response:
        """The recorded response to this request, or a new one, recorded.

        The key holds all that changes the answer: target, parameters, messages with the hashes of their media, and for
        which item and purpose it is asked, so that repeats are asked anew. Raises Stopping instead of a new call when
        the run is being stopped, BudgetSpent, and TargetRefusesService.
        """
        asked = {"target": dict(target.describe()), "request": request.describe()}
        key = hashlib.sha256(compact([asked, item, purpose.key]).encode("utf-8", "surrogatepass")).hexdigest()
        recorded = self._store.exchange(key)
        if recorded is not None:
            return recorded
        async with self.paces.room(target):
            with self.paces.in_use():
                response = await self._asked(target, request, key)
            self._progress.paced(self.paces.line)
        return self._store.keep_exchange(key, item, purpose, asked, response)

    async def _asked(self, target: Target, request: Request, key: str) -> Response:
        """A new response. `key`: of the call."""
        budget = self._budget
        if budget is not None:
            await budget.wait()
        if self._stop.is_set():
            raise Stopping
        if budget is None:
            return await ask_safely(target, request)
        budget.admit()
        try:
            response = await ask_safely(target, request)
            budget.spent(target, request, response)
            return response
        finally:
            budget.returned()
