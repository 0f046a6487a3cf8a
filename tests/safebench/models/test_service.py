from __future__ import annotations

import pytest

from safebench.models.error_meaning import IN_A_ROW, Meaning, Service


@pytest.mark.parametrize(
    ("meaning", "status", "before", "after"),
    [
        ("no service", 401, True, True),
        ("no service", 402, True, True),
        ("no service", 429, True, True),
        ("no service", 403, True, False),
        ("no service", 404, True, False),
        ("refused", 403, False, False),
        ("failed", 500, False, False),
        ("blocked", 400, False, False),
    ],
)
def test_what_stops_the_work_before_and_after_an_answer(
    meaning: Meaning, status: int, before: bool, after: bool
) -> None:
    service = Service()
    assert (service.refused(meaning, status) is not None) == before
    service.answered()
    assert (service.refused(meaning, status) is not None) == after


def test_refusals_in_a_row_stop_the_work_and_failures_do_not() -> None:
    service = Service()
    assert [service.refused("failed", 500) for _ in range(2 * IN_A_ROW)] == [None] * 2 * IN_A_ROW
    assert [service.refused("refused", 403) is not None for _ in range(IN_A_ROW)] == [False] * (IN_A_ROW - 1) + [True]
