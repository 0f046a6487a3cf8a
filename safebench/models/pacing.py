"""How many calls an endpoint is sent at once: few at first, more while it answers, half where it has too many.

A limit of calls in flight grows while as many are answered about as fast as few. Where calls are refused that were no
more at once than others before them, a rate of calls a second follows what the endpoint took between two refusals, at
both of which nothing was left of what it had saved up. Both fall by a factor and come back quickly to where they were,
and then slowly further (as in Chiu and Jain 1989). A wait that the endpoint tells is one for all calls to it, and of
the calls that it says are left the last ones are spread over the time.
"""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from safebench.errors import Stopping
from safebench.models.waits import LONGEST_TOLD, calls_left, told_wait
from safebench.plugins import Target
from safebench.serialisation import compact

Concurrency = Annotated[int, Field(ge=1)] | Literal["auto"]  # calls in flight; auto: as many as each endpoint takes
FIRST = 4  # calls in flight
USUAL = 16  # of what tells nothing of itself, such as a model in this process; up to so many latency does not matter
SLOWER = 2.5  # times the best latency, beyond which more calls at once gain nothing
STRETCH = 16  # answers from which a latency can be told
PATIENCE = 4  # cuts with no answer between them, after which it is left alone for a while
SHORTEST_PAUSE, LONGEST_PAUSE = 0.25, 8.0  # s, where it tells none itself
KEPT = 0.9  # of a rate at which a call was refused
FALL = 0.7  # the least that a rate falls to at one refusal
SEEN, LAST = 2, 32  # calls taken from which a rate can be told, and after how many they are counted anew
PER_CALL, CALLS = 0.001, 100  # growth of the rate with each answer, and after how many it doubles
PER_SECOND, SECONDS, EAGER = 0.01, 10.0, 0.2  # the same by time, and the most
TICK = 0.005  # s, within which calls need not be spaced
TOO_MANY = frozenset({429, 498})  # statuses: one call too many
BUSY = TOO_MANY | {408, 502, 503, 504, 529}  # the same, or what ails a server now and then
LOOK = 1.0  # s after which whoever waits for a turn looks whether anybody is there to lend it
CHANCE, LATEST = 0.2, 1 / 32  # share of calls that may fail whatever their number is; weight of the latest one


def most_at_once(files: int) -> int:
    """Calls in flight to one endpoint, each of which holds a socket, where a process may have so many files open."""
    return 256 if files == resource.RLIM_INFINITY else max(FIRST, min(256, files // 4))


MOST = most_at_once(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


@dataclass(frozen=True, slots=True)
class Begun:
    """A call: when, as which one, and how many were in flight with it."""

    at: float
    number: int
    crowd: int


@dataclass(frozen=True, slots=True)
class Latency:
    """What calls took that were answered in one stretch of time: s, in a crowd of so many; geometric means."""

    seconds: float
    crowd: float

    def is_slower(self, best: Latency) -> bool:
        return self.seconds > SLOWER * best.seconds

    def is_other(self, best: Latency) -> bool:
        """Slower than if all had stood in one line: what is asked has changed, and with it what is fast."""
        return self.seconds > SLOWER * best.seconds * max(1.0, self.crowd / best.crowd)


class Pacing:
    """The rule alone, told of what happened. All times are s of one clock. `fixed`: a limit that never changes."""

    def __init__(self, fixed: int | None = None) -> None:
        self.limit = float(fixed or FIRST)  # of calls in flight
        self.rate: float | None = None  # calls a second; None where it is not that of which there are too many
        self.in_flight = self.begun = self.refusals = 0
        self._fixed = fixed is not None
        self._paused_until = self._next_at = self._spaced_at = 0.0
        self._left, self._reset_at = 0, 0.0  # calls that it said it would take until then
        self._taken = 0  # calls that it had taken when the limit was last cut
        self._spent: tuple[float, int] | None = None  # when a call was refused, and how many it had taken by then
        self._goal = self._goal_before = float(MOST)  # up to which the limit grows quickly; before cuts in vain
        self._cut_at = self._changed_at = float("-inf")  # when the limit was halved; was set by latency
        self._failing = CHANCE  # share of the latest calls that had no answer
        self._in_vain = 0  # cuts, one after the other, with no answer between them
        self._answers = 0  # to calls that were begun after the last cut
        self._fit = 0  # the largest crowd in which a call was answered
        self._grown_at = 0.0  # the rate
        self._stretch: list[tuple[float, float]] = []  # logarithms of latency and crowd
        self._latency: Latency | None = None
        self._best: Latency | None = None

    def wait(self, now: float) -> float | None:
        """Seconds until a call may begin, 0 for now; None: not before another one has ended."""
        if self.in_flight >= int(self.limit):
            return None
        return max(0.0, max(self._paused_until, self._next_at, self._spaced_at) - now)

    def begin(self, now: float) -> Begun:
        self.in_flight += 1
        self.begun += 1
        gap = self._gap()
        late = max(gap, TICK) if self.rate else TICK  # that may be made up for
        self._next_at = max(self._next_at, now - late) + gap
        if now < self._reset_at and self._left < 2 * self.in_flight:
            self._spaced_at = now + (self._reset_at - now) / (max(0, self._left) + 1)
        self._left -= 1
        return Begun(now, self.begun, self.in_flight)

    def _gap(self) -> float:
        """Seconds between two calls: those that a larger limit lets in do not begin in one moment."""
        if self.rate is not None:
            return 1 / self.rate
        if self._fixed or not (self._latency or self._stretch):
            return 0.0
        return (self._latency.seconds if self._latency else exp(self._stretch[-1][0])) / self.limit / 2

    # --- what came of a call

    def left_off(self) -> None:
        """Something that tells nothing of how busy the endpoint is."""
        self.in_flight -= 1

    def answered(self, now: float, call: Begun, left: tuple[int, float] | None = None) -> None:
        """`left`: calls that the endpoint still takes, and s until it takes all again, where it says so."""
        self.in_flight -= 1
        if left is not None:
            self._left, self._reset_at = left[0] - (self.begun - call.number), now + left[1]
        if self._fixed:
            return
        self._failing -= LATEST * self._failing
        self._fit = max(self._fit, call.crowd)
        if call.at > self._cut_at:
            self._answers += 1
            self._goal = self._goal_before if self._in_vain > PATIENCE else self._goal
            self._in_vain = 0
        if call.at >= self._changed_at:
            self._see(now, now - call.at, call.crowd)
        if 2 * call.crowd > self.limit:  # with fewer, a larger limit is of no use
            self._raise_limit()
        if self.rate is not None:
            self.rate = self._grown(now, self.rate)
        self._grown_at = now

    def refused(self, now: float, call: Begun, wait: float | None = None, *, surely: bool = True) -> None:
        """One call too many. `wait`: s that the endpoint tells.

        Calls that were begun before the last cut are of the same crowd.
        """
        self.in_flight -= 1
        self.refusals += 1
        self._paused_until = max(self._paused_until, now + (wait or 0.0))
        if self._fixed or self._is_chance(surely) or call.at <= self._cut_at:
            return
        fits, self._fit = call.crowd <= self._fit, min(self._fit, call.crowd - 1)
        taken = self.begun - self.refusals
        self._in_vain, self._taken = 1 if taken > self._taken else self._in_vain + 1, taken
        self._goal_before = self.limit if self._in_vain == 1 else self._goal_before
        if self._in_vain <= PATIENCE:
            is_rate = fits or (self.rate is not None and wait is not None)  # it tells when there will be room again
            rate = self._cut_rate(now)
            self.rate = rate if is_rate else None
        elif wait is None:
            self._paused_until = now + min(LONGEST_PAUSE, SHORTEST_PAUSE * 2.0 ** min(8, self._in_vain - PATIENCE))
        self._cut(now, self.limit if fits else call.crowd - 1.0)

    def lost(self, now: float, call: Begun) -> None:
        """No answer came: in a crowd of calls that is what becomes of those that are too many."""
        self.in_flight -= 1
        if not self._fixed and not self._is_chance() and call.at > self._cut_at:
            self._cut(now, KEPT * self.limit)

    def _is_chance(self, surely: bool = False) -> bool:
        """Few of many have no answer: no fewer calls at once would change that."""
        self._failing += LATEST * (1 - self._failing)
        return not surely and self._failing < CHANCE

    # --- the limit

    def _cut(self, now: float, goal: float) -> None:
        self._goal = max(1.0, goal)
        self.limit = max(1.0, self.limit / 2)
        self._cut_at = self._grown_at = now
        self._answers = 0

    def _raise_limit(self) -> None:
        """With each answer to where it was, or to what is usual; then not for long, then slowly, then as at first."""
        calm = self._answers / max(CALLS, 4 * self.limit)
        if self.limit < self._goal < MOST or self.limit < USUAL < self._goal:
            self.limit = min(self._goal, self.limit + 1)
        elif calm > 4:
            self._goal = MOST
        elif calm > 1 and (self._latency is None or self._best is None or not self._latency.is_slower(self._best)):
            self.limit = min(MOST, self.limit + 1 / self.limit)

    def _see(self, now: float, seconds: float, crowd: int) -> None:
        """Where more than usual were never in flight, it doubles when so many as may be now were answered fast."""
        self._stretch.append((log(max(seconds, 1e-4)), log(crowd)))
        if len(self._stretch) < max(STRETCH, self.limit):
            return
        self._latency = latency = Latency(*(exp(fmean(logs)) for logs in zip(*self._stretch, strict=True)))
        self._stretch.clear()
        if self._best is None or latency.seconds < self._best.seconds or latency.is_other(self._best):
            self._best = latency
        if latency.is_slower(self._best):
            share = SLOWER * self._best.seconds / latency.seconds
            self._settle(now, max(min(self.limit, USUAL), self.limit * share))
        elif USUAL <= self.limit < self._goal == MOST and 3 * latency.crowd > self.limit:
            self._settle(now, min(MOST, 2 * self.limit))

    def _settle(self, now: float, limit: float) -> None:
        """Calls that were begun before tell nothing of it."""
        self.limit, self._changed_at = limit, now

    # --- the rate

    def _grown(self, now: float, rate: float) -> float | None:
        """Slowly first, then quicker: by calls where these are few, by time where they are many.

        None where it is far above what the limit allows.
        """
        most = self.limit if self._goal == MOST else max(self.limit, self._goal)
        if self._latency is not None and rate > 2 * most / self._latency.seconds:
            return None
        by_calls = PER_CALL * 2 ** min(8.0, self._answers / CALLS)
        by_time = min(EAGER, PER_SECOND * 2 ** min(8.0, (now - self._cut_at) / SECONDS)) * (now - self._grown_at)
        return rate * (1 + min(by_calls, by_time))

    def _cut_rate(self, now: float) -> float | None:
        seen = self._seen(now)
        if seen is None:
            return self.rate and KEPT * self.rate
        return seen if self.rate is None else KEPT * min(self.rate, max(seen, FALL * self.rate))

    def _seen(self, now: float) -> float | None:
        """Calls a second that it took since an earlier refusal, at which all was spent that it had saved up; None where
        there is none, or they were too few.
        """
        taken = self.begun - self.refusals
        spent_at, before = self._spent or (now, taken)
        if self._spent is None or taken - before >= LAST:
            self._spent = now, taken
        if taken - before < SEEN or now <= spent_at:
            return None
        return (taken - before + 0.5) / (now - spent_at)  # and a part of a call may be saved up again


# --- turns


def _now() -> float:
    return asyncio.get_running_loop().time()


class Turn:
    """A call that may be made now. What its reply says of how busy the endpoint is, is told once."""

    def __init__(self, rule: Pacing) -> None:
        self._rule = rule
        self._call: Begun | None = rule.begin(_now())

    def replied(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.heed(status, told_wait(status, headers, body), calls_left(headers))

    def heed(self, status: int, wait: float | None, left: tuple[int, float] | None) -> None:
        """The same, once it is read: s to wait, and calls that are left with s until there are all again."""
        call, self._call = self._call, None
        if call is None:
            return
        if status in BUSY:
            self._rule.refused(_now(), call, wait if _is_waited_out(wait) else None, surely=status in TOO_MANY)
        elif 200 <= status < 300:
            self._rule.answered(_now(), call, left)
        else:
            self._rule.left_off()

    def ended(self, error: Exception | None) -> None:
        """A body that cannot be read is an answer, too; what did not come may have been one call too many."""
        call, self._call = self._call, None
        if call is None:
            return
        if error is None or isinstance(error, ValueError):
            self._rule.left_off()
        else:
            self._rule.lost(_now(), call)


def _is_waited_out(wait: float | None) -> bool:
    return wait is not None and wait <= LONGEST_TOLD


class Pace:
    """The calls to one endpoint, in the order in which they were asked for."""

    def __init__(self, fixed: int | None = None, stop: asyncio.Event | None = None) -> None:
        """`stop`: ends every wait for a moment at which a call may begin."""
        self.rule = Pacing(fixed)
        self._stop = stop
        self._inside = 0
        self._to_enter, self._to_begin = asyncio.Lock(), asyncio.Lock()
        self._ended = asyncio.Event()

    @asynccontextmanager
    async def room(self) -> AsyncIterator[None]:
        """Around a call with all its attempts: no more are begun than may be in flight, so that all can be stopped."""
        async with self._to_enter:
            while self._inside >= int(self.rule.limit):
                await self._one_ends()
            self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            self._ended.set()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """Around one attempt."""
        async with self._to_begin:
            while (wait := self.rule.wait(_now())) != 0:
                await (self._one_ends() if wait is None else _pause(wait, self._stop))
            turn = Turn(self.rule)
        error: Exception | None = None
        try:
            yield turn
        except Exception as raised:
            error = raised
            raise
        finally:
            turn.ended(error)
            self._ended.set()

    async def _one_ends(self) -> None:
        self._ended.clear()
        await self._ended.wait()


class Paces:
    """Of all that one piece of work asks: one pace for each endpoint, by its base URL, whatever models it serves."""

    def __init__(self, concurrency: Concurrency, stop: asyncio.Event | None = None) -> None:
        """`stop`: ends every wait once it is set."""
        self.stop = stop or asyncio.Event()
        self._concurrency = concurrency
        self._fixed = None if concurrency == "auto" else concurrency
        self._slots = asyncio.Semaphore(self._fixed or USUAL)
        self._by_target: dict[Target, asyncio.Semaphore] = {}  # of those that say how many they want
        self._by_endpoint: dict[str, Pace] = {}

    def of(self, endpoint: str) -> Pace:
        pace = self._by_endpoint.get(endpoint)
        if pace is None:
            pace = self._by_endpoint[endpoint] = Pace(self._fixed, self.stop)
        return pace

    def room(self, target: Target) -> AbstractAsyncContextManager[None]:
        """Around a call. A fixed number is one over all that are asked together."""
        if self._fixed is None and target.endpoint is not None:
            return self.of(target.endpoint).room()
        if self._fixed is None and target.at_once is not None:
            return self._by_target.setdefault(target, asyncio.Semaphore(target.at_once))
        return self._slots

    def width(self, models: Iterable[Target]) -> int:
        """How much is worked on at once, so that these models have enough to do."""
        return self._fixed or max(
            [USUAL, *((one.at_once or USUAL) if one.endpoint is None else MOST for one in models)]
        )

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Inside, attempts take their turns by these paces."""
        before = _PACES.set(self)
        try:
            yield
        finally:
            _PACES.reset(before)

    def describe(self) -> list[dict[str, Any]]:
        """What each endpoint took: calls with their further attempts; a limit of calls in flight, and of a rate."""
        return [
            {
                "endpoint": endpoint,
                "concurrency": self._concurrency,
                "in_flight": int(pace.rule.limit),
                "calls_per_minute": pace.rule.rate and round(60 * pace.rule.rate, 1),
                "calls": pace.rule.begun,
                "refused": pace.rule.refusals,
            }
            for endpoint, pace in self._by_endpoint.items()
            if pace.rule.begun
        ]

    @property
    def line(self) -> str:
        """The same in words; empty where no endpoint was asked."""
        return "; ".join(map(_line, self.describe()))


def _line(paced: Mapping[str, Any]) -> str:
    rate = paced["calls_per_minute"]
    at_most = f"at most {paced['in_flight']}{f' and {rate:.0f} a minute' if rate else ''}"
    refused = f", {paced['refused']} of {paced['calls']} refused as too many" if paced["refused"] else ""
    return f"{at_most} at {paced['endpoint']}{refused}"


_PACES: ContextVar[Paces | None] = ContextVar("paces", default=None)


async def pause(seconds: float) -> None:
    """Wait. Raises Stopping in place of that, and as soon as the work is stopped that this is part of."""
    paces = _PACES.get()
    await _pause(seconds, None if paces is None else paces.stop)


async def _pause(seconds: float, stop: asyncio.Event | None) -> None:
    if stop is None:
        await asyncio.sleep(seconds)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
            raise Stopping


def turn_at(endpoint: str) -> AbstractAsyncContextManager[Turn | LentTurn]:
    """Around one attempt at an endpoint; at once outside of work that has paces."""
    paces, place = _PACES.get(), _LENT_AT.get()
    if paces is None and place is not None:
        return LentTurn(place, endpoint)
    return (Pace(MOST) if paces is None else paces.of(endpoint)).turn()


# --- turns of worker processes, which the process that started them lends


_LENT_AT: ContextVar[str | None] = ContextVar("lent_at", default=None)  # a socket: rendering/turns.py is behind it


class NoMoreTurns(BaseException):
    """The work is being stopped. No client takes this for a failed attempt that it should make again."""


@contextmanager
def lent_turns(place: str | None) -> Iterator[None]:
    """Inside, attempts take their turns among those of the process that lends them there. Raises Stopping."""
    before = _LENT_AT.set(place)
    try:
        yield
    except NoMoreTurns:
        raise Stopping from None
    finally:
        _LENT_AT.reset(before)


class LentTurn:
    """Around one attempt of a worker process, with `async` and without. Raises NoMoreTurns."""

    def __init__(self, place: str | None, endpoint: str) -> None:
        """Where there is no `place`, it may begin at once."""
        self._place, self._endpoint = place, endpoint
        self._line = socket.socket(socket.AF_UNIX)
        self._is_told = False

    def __enter__(self) -> Self:
        if self._place is not None:
            with suppress(OSError):
                self._line.connect(self._place)
                self._say(self._endpoint)
                if self._is_lent(self._place):
                    return self
            self._line.close()
            raise NoMoreTurns
        return self

    def _is_lent(self, place: str) -> bool:
        """Waits. A lender that closes may never have met who comes at that moment: its socket is gone all the same."""
        self._line.settimeout(LOOK)  # not before: with one, where many come at once, connecting fails
        while True:
            try:
                return bool(self._line.recv(1))
            except TimeoutError:
                if not Path(place).exists():
                    return False

    def replied(self, status: int, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the next turn comes after the wait that is told, so that nobody has to wait for it here."""
        wait = told_wait(status, headers, body)
        if self._place is None:
            return False
        if not self._is_told:
            self._is_told = True
            self._say([status, wait, calls_left(headers)])
        return status in BUSY and _is_waited_out(wait)

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if self._place is not None and not self._is_told and (error is None or isinstance(error, ValueError)):
            self._say([0, None, None])
        self._line.close()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.__exit__(kind, error, trace)

    def _say(self, what: object) -> None:
        with suppress(OSError):  # nobody is there to hear it any more
            self._line.sendall(compact(what).encode() + b"\n")


def lent_turn(endpoint: str) -> LentTurn:
    """Around one attempt that is not made in an event loop; at once outside of worker processes."""
    return LentTurn(_LENT_AT.get(), endpoint)
