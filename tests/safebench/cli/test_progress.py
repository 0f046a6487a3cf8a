"""One view of long work: how much of each stage, how fast, what stays open, and what it cost."""

from __future__ import annotations

import io
import random

import pytest
from rich.console import Console

from safebench.cli.progress import ALL, Bars
from safebench.progress import Progress


def test_bars_show_rates_open_parts_and_what_is_spent() -> None:
    drawn = io.StringIO()
    with Bars(Console(file=drawn, force_terminal=True, width=120)) as bars:
        bars.planned("text", 4)
        for n in range(3):
            bars.advanced("text", is_open=n == 0)
        bars.spent("0.02 USD")
    last = drawn.getvalue()
    assert "3/4" in last
    assert "1 open" in last
    assert "/s" in last
    assert "spent: 0.02 USD" in last


def test_what_costs_nothing_has_no_line() -> None:
    drawn = io.StringIO()
    with Bars(Console(file=drawn, force_terminal=True, width=120)) as bars:
        bars.planned("text", 1)
        bars.spent("")
        bars.advanced("text", is_open=False)
    assert "spent" not in drawn.getvalue()


def test_one_bar_is_over_all_where_there_are_several() -> None:
    drawn = io.StringIO()
    with Bars(Console(file=drawn, force_terminal=True, width=120), whole=True) as bars:
        bars.planned("image", 4, 1)
        assert "all" not in drawn.getvalue()
        bars.planned("female", 5, 2, 1)
        bars.planned("male", 6)
        bars.advanced("female", is_open=True)
    last = drawn.getvalue()
    assert "4/15" in last
    assert "2 open" in last


def test_a_bar_over_all_that_is_foreseen_is_there_from_the_start() -> None:
    """Two batches are 10 calls, and twins 30: one batch is 5 of 40."""
    drawn = io.StringIO()
    with Bars(Console(file=drawn, force_terminal=True, width=120), whole=True) as bars:
        bars.foreseen({"write": 10.0, "score": 0.0, "twin": 30.0})
        bars.planned("write, round 1", 2)
        bars.advanced("write, round 1", is_open=False)
        assert bars.done == (5, 40)
        bars.planned("twin, round 1", 3)
        assert bars.done == (10, 40)
        for _ in range(3):
            bars.advanced("twin, round 1", is_open=True)
        assert bars.done == (40, 40)
        bars.planned("twin, round 2", 3)
        assert bars.done == (25, 40)  # half of the twins are to be written again
    assert "all" in drawn.getvalue()


@pytest.mark.parametrize("done", [0, 700])
def test_the_time_that_is_left_is_right_within_a_fifth_after_a_tenth(
    done: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture and two clips of each of 500 queries, which take more and less long; from the start, or resumed."""
    chance, names, clock = random.Random(3), ("image", "female", "male"), [0.0]
    seconds = [share * chance.uniform(0.4, 1.6) for _ in range(500) for share in (0.1, 2.5, 2.5)]
    with Bars(Console(file=io.StringIO()), whole=True) as bars:
        monkeypatch.setattr(bars._drawn, "get_time", lambda: clock[0])
        for number, name in enumerate(names):
            bars.planned(name, 500, len(range(number, done, 3)))
        (whole,) = (task for task in bars._drawn.tasks if task.description == ALL)
        for number in range(done, len(seconds)):
            clock[0] += seconds[number]
            bars.advanced(names[number % 3], is_open=False)
            left = sum(seconds[number + 1 :])
            if number - done > (len(seconds) - done) / 10 and left > 60:
                assert whole.time_remaining == pytest.approx(left, rel=0.2)


def test_bars_show_all_that_is_told() -> None:
    assert {name for name in vars(Progress) if not name.startswith("_")} <= vars(Bars).keys()
