"""How many calls an endpoint is sent at once, on a clock of the tests' own."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from benchmarks.paced import Clock, asked, used
from safebench.errors import TargetRefusesService
from safebench.models.calls import Budget, CallLimits, Calls
from safebench.models.pacing import FIRST, MOST, USUAL, Paces, Pacing, most_at_once, pause, turn_at
from safebench.models.prices import read_prices
from safebench.plugins import Target, TargetSetup
from safebench.progress import NoProgress
from safebench.store.store import Store
from safebench.types import TEXT, Message, Purpose, Request, Response, Text

T = TypeVar("T")
URL = "http://127.0.0.1:9/v1"
ASKED = Request((Message("user", (Text("Why?"),)),))


def on_clock(work: Callable[[], Awaitable[T]]) -> T:
    async def go() -> T:
        return await work()

    with asyncio.Runner(loop_factory=Clock) as runner:
        return runner.run(go())


def answer(rule: Pacing, rounds: int, seconds: float = 1.0, start: float = 0.0) -> float:
    """As many calls at once as may be, round after round, each of them answered; the time after that."""
    now = start
    for _ in range(rounds):
        calls = [rule.begin(now) for _ in range(int(rule.limit) - rule.in_flight)]
        now += seconds
        for call in calls:
            rule.answered(now, call)
    return now


# --- the rule


def test_it_starts_low_and_grows_while_answers_come_as_fast() -> None:
    rule = Pacing()
    assert rule.limit == FIRST
    answer(rule, 4)
    assert rule.limit >= USUAL
    answer(rule, 12)
    assert rule.limit == MOST


def test_it_grows_no_further_where_more_at_once_only_wait_longer() -> None:
    rule, now = Pacing(), 0.0
    for _ in range(200):  # one at a time is answered, the others stand in line
        calls = [rule.begin(now) for _ in range(int(rule.limit) - rule.in_flight)]
        for place, call in enumerate(calls, start=1):
            rule.answered(now + place, call)
        now += len(calls)
    assert rule.limit <= 2 * USUAL


def test_what_is_asked_may_become_slower_without_an_end_to_growth() -> None:
    rule = Pacing()
    now = answer(rule, 3, 0.1)
    answer(rule, 20, 10.0, now)
    assert rule.limit == MOST


def test_it_does_not_grow_where_less_is_asked() -> None:
    rule = Pacing()
    for second in range(1000):
        rule.answered(second + 1.0, rule.begin(second))
    assert rule.limit == FIRST


def test_it_halves_once_for_a_crowd_of_calls_and_comes_back() -> None:
    rule = Pacing()
    now = answer(rule, 4)
    before = rule.limit
    crowd = [rule.begin(now) for _ in range(int(before))]
    for call in crowd:
        rule.refused(now + 0.1, call)
    assert rule.limit == before / 2
    assert rule.refusals == len(crowd)
    answer(rule, 4, start=now + 0.2)
    assert before - 1 <= rule.limit <= before


def test_a_call_that_nobody_answers_halves_it_too() -> None:
    rule = Pacing()
    rule.lost(120.0, rule.begin(0.0))
    assert rule.limit == FIRST / 2
    assert rule.rate is None


def failing_now_and_then(rule: Pacing, share: float, fail: Callable[[float, Any], None]) -> None:
    now, due = 0.0, 0.0
    for _ in range(300):
        calls = [rule.begin(now) for _ in range(int(rule.limit) - rule.in_flight)]
        now += 1.0
        for call in calls:
            due += share
            if due >= 1:
                due -= 1
                fail(now, call)
            else:
                rule.answered(now, call)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1])
def test_what_ails_a_server_now_and_then_slows_nothing_down(share: float) -> None:
    for lost in (True, False):
        rule = Pacing()
        fail = rule.lost if lost else lambda now, call, rule=rule: rule.refused(now, call, surely=False)
        failing_now_and_then(rule, share, fail)
        assert rule.limit >= USUAL
        assert rule.rate is None or rule.rate >= USUAL


def test_refusals_without_end_overflow_nothing() -> None:
    rule, now = Pacing(), 0.0
    for _ in range(3000):
        rule.refused(now, rule.begin(now))
        now += 10
    assert rule.limit == 1
    assert rule.wait(now) is not None


def test_a_wait_that_is_told_is_for_all_calls() -> None:
    for rule in (Pacing(), Pacing(fixed=8)):
        first = rule.begin(0.0)
        assert rule.wait(0.5) == 0.0
        rule.refused(1.0, first, 20.0)
        assert rule.wait(2.0) == pytest.approx(19.0)
        assert rule.wait(21.5) == 0.0


def test_calls_that_are_left_are_spread_over_the_time() -> None:
    rule = Pacing()
    rule.answered(0.0, rule.begin(0.0), (0, 30.0))
    rule.begin(1.0)
    assert rule.wait(1.0) == pytest.approx(29.0)
    assert rule.wait(30.0) == 0.0


def test_a_number_is_never_changed() -> None:
    rule = Pacing(fixed=8)
    now = answer(rule, 50)
    assert rule.limit == 8
    rule.refused(now, rule.begin(now))
    rule.lost(now, rule.begin(now))
    assert (rule.limit, rule.rate) == (8, None)


def test_a_rate_is_told_by_what_was_taken_between_two_refusals_at_any_time_of_the_clock() -> None:
    """Two calls a second are taken, none of them is saved up."""
    rule, now, room = Pacing(), 1e6, 1e6
    while now < 1e6 + 60:
        if rule.wait(now) == 0:
            call = rule.begin(now)
            if now < room:
                rule.refused(now, call, 0.5)
            else:
                room = now + 0.5
                rule.answered(now, call)
        now += 0.05
    assert rule.rate == pytest.approx(2.0, rel=0.25)


# --- in a simulation


SECONDS = {
    **{"requests": 120, "few": 300, "tokens": 300, "raised": 300, "lowered": 300, "told": 120, "at-once": 120},
    "capacity": 60,
}


@pytest.mark.parametrize("endpoint", SECONDS)
def test_nearly_all_that_an_endpoint_allows_is_used_and_little_is_refused(endpoint: str) -> None:
    asker = asked(endpoint, "auto", SECONDS[endpoint])
    assert used(asker, endpoint) >= 0.9
    assert asker.refused <= 0.02 * asker.asked
    assert asker.lost == 0


# --- turns


class Held(Target):
    """Answers when it is let go; takes its turns at one endpoint."""

    name = "held"
    summary = "waits"
    family = "openai"
    accepts = frozenset({TEXT})
    endpoint = URL
    in_flight = most = asked = 0

    async def ask(self, request: Request) -> Response:
        async with turn_at(URL) as turn:
            self.asked += 1
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
            await asyncio.sleep(1)
            self.in_flight -= 1
            turn.replied(200, {}, b"")
        return Response("answered", "yes")


class Local(Held):
    endpoint = None


def put(folder: Path, target: Target, concurrency: Any, calls: int, **more: Any) -> tuple[list[Any], Store]:
    """What came of so many calls that all want to be made at once."""

    async def ask() -> list[Any]:
        with Store(folder) as store, Calls(store, concurrency, more.pop("stop", asyncio.Event()), **more) as asking:
            asks = (asking.ask(target, ASKED, item, Purpose("target")) for item in range(calls))
            return await asyncio.gather(*asks, return_exceptions=True)

    return on_clock(ask), Store(folder, readonly=True)


def test_every_call_is_answered_once_and_what_the_endpoint_took_is_recorded(tmp_path: Path) -> None:
    target = Held(TargetSetup(""))
    answers, store = put(tmp_path, target, "auto", 60)
    assert [response.status for response in answers] == ["answered"] * 60
    assert target.asked == 60
    assert FIRST < target.most <= 32
    with store:
        (paced,) = store.paces()
    assert (paced["endpoint"], paced["concurrency"], paced["calls"], paced["refused"]) == (URL, "auto", 60, 0)
    assert paced["in_flight"] >= target.most


def test_a_number_holds_for_all_together(tmp_path: Path) -> None:
    target = Held(TargetSetup(""))
    put(tmp_path, target, 3, 20)[1].close()
    assert target.most == 3


def test_what_asks_no_endpoint_has_what_is_usual(tmp_path: Path) -> None:
    target = Local(TargetSetup(""))
    put(tmp_path, target, "auto", 60)[1].close()
    assert target.most <= USUAL


def test_what_says_how_many_it_wants_has_them_beside_the_usual_ones(tmp_path: Path) -> None:
    class Batching(Local):
        at_once = 40

        async def ask(self, request: Request) -> Response:
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
            await asyncio.sleep(1)
            self.in_flight -= 1
            return Response("answered", "yes")

    wanting, usual = Batching(TargetSetup("")), Local(TargetSetup(""))
    put(tmp_path / "a", wanting, "auto", 60)[1].close()
    assert wanting.most == 40
    assert Paces("auto").width([wanting, usual]) == 40
    assert Paces("auto").width([usual]) == USUAL
    wanting.most = 0
    put(tmp_path / "b", wanting, 3, 20)[1].close()
    assert wanting.most == 3


def test_no_more_calls_are_admitted_than_may_be_in_flight(tmp_path: Path) -> None:
    """So that a budget of money is not overdrawn by those that only wait for their turn."""

    class Refusing(Held):
        async def ask(self, request: Request) -> Response:
            await super().ask(request)
            raise TargetRefusesService("no such model")

    target = Refusing(TargetSetup(""))

    async def ask() -> int:
        with Store(tmp_path) as store:
            budget = Budget(store, CallLimits(calls=50), read_prices(None))
            calls = Calls(store, "auto", asyncio.Event(), budget)
            tasks = [asyncio.create_task(calls.ask(target, ASKED, item, Purpose("target"))) for item in range(50)]
            await asyncio.sleep(0.5)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            return budget.calls

    assert on_clock(ask) == FIRST


def test_who_waits_for_a_turn_stops_at_once(tmp_path: Path) -> None:
    target, stop = Held(TargetSetup("")), asyncio.Event()

    async def ask() -> list[Any]:
        with Store(tmp_path) as store, Calls(store, "auto", stop) as calls:
            asyncio.get_running_loop().call_later(0.5, stop.set)
            asks = (calls.ask(target, ASKED, item, Purpose("target")) for item in range(20))
            return await asyncio.gather(*asks, return_exceptions=True)

    ended = on_clock(ask)
    assert [type(one).__name__ for one in ended] == ["Response"] * FIRST + ["Stopping"] * (20 - FIRST)
    assert target.asked == FIRST


def test_no_pause_is_waited_out_when_the_work_is_stopped(tmp_path: Path) -> None:
    """Neither that before another attempt, nor that of the endpoint before a turn."""
    stop = asyncio.Event()

    class Refused(Held):
        async def ask(self, request: Request) -> Response:
            async with turn_at(URL) as turn:
                turn.replied(429, {"retry-after": "60"}, b"")
            await pause(60)
            return Response("answered")

    async def ask() -> tuple[list[str], float]:
        with Store(tmp_path) as store, Calls(store, "auto", stop) as calls:
            loop, target = asyncio.get_running_loop(), Refused(TargetSetup(""))
            loop.call_later(0.5, stop.set)
            asks = (calls.ask(target, ASKED, item, Purpose("target")) for item in range(8))
            ended = await asyncio.gather(*asks, return_exceptions=True)
            return [type(one).__name__ for one in ended], loop.time()

    ended, now = on_clock(ask)
    assert (ended, now) == (["Stopping"] * 8, 0.5)


@pytest.mark.parametrize(("files", "calls"), [(1024, 256), (256, 64), (8, FIRST), (resource.RLIM_INFINITY, 256)])
def test_there_are_fewer_calls_at_once_where_few_files_may_be_open(files: int, calls: int) -> None:
    assert most_at_once(files) == calls


def test_two_models_at_one_endpoint_share_its_pace() -> None:
    async def work() -> int:
        paces = Paces("auto")
        target, juror = Held(TargetSetup("")), Held(TargetSetup(""))
        with paces.in_use():
            async with turn_at(target.endpoint) as turn:
                turn.replied(429, {"retry-after": "7"}, b"")
            await juror.ask(ASKED)
        return int(asyncio.get_running_loop().time())

    assert on_clock(work) == 7 + 1


def test_a_wait_that_nobody_waits_out_is_not_one_for_all() -> None:
    async def work() -> float:
        with Paces("auto").in_use():
            async with turn_at(URL) as turn:
                turn.replied(429, {"retry-after": "86400"}, b"")
            async with turn_at(URL):
                return asyncio.get_running_loop().time()

    assert on_clock(work) < 1


def test_it_is_told_how_many_calls_there_are_at_once(tmp_path: Path) -> None:
    lines: list[str] = []

    class Listening(NoProgress):
        def paced(self, line: str) -> None:
            lines.append(line)

    put(tmp_path, Held(TargetSetup("")), "auto", 2, progress=Listening())[1].close()
    assert lines[-1] == f"at most {FIRST} at {URL}"


def test_what_was_refused_is_told() -> None:
    async def work() -> str:
        paces = Paces("auto")
        with paces.in_use():
            async with turn_at(URL) as turn:
                turn.replied(529, {}, b"")
        return paces.line

    assert on_clock(work) == f"at most {FIRST // 2} at {URL}, 1 of 1 refused as too many"
