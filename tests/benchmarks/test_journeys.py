"""The pages of the journeys say how long a newcomer takes, as `benchmarks.journeys` measured it."""

from __future__ import annotations

import re

import pytest

from benchmarks.journeys import JOURNEYS, TIME, minutes, page

LONGEST = 10 * 60  # s


@pytest.mark.parametrize("journey", JOURNEYS)
def test_a_journey_says_its_time_and_a_newcomer_has_it(journey: str) -> None:
    (said,) = TIME.findall(page(journey).read_text(encoding="utf-8"))
    time = re.match(r"Measured: (?:(\d+) min )?(\d+) s ", said)
    assert time, said
    assert 60 * int(time[1] or 0) + int(time[2]) <= LONGEST


def test_a_time_is_said_in_minutes_and_seconds() -> None:
    assert [minutes(seconds) for seconds in (59.4, 59.6, 119.9)] == ["59 s", "60 s", "1 min 59 s"]
