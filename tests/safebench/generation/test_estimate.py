"""What is told before anybody is asked: how much is made, of which stage how many calls, and how long that takes."""

from __future__ import annotations

from safebench.generation.estimate import calls_by_stage, estimate_generation, outlook_line
from safebench.generation.plan import read_plan
from safebench.models.prices import read_prices


def test_the_papers_set_is_told_with_its_size_and_the_time_that_it_takes() -> None:
    """11,960 calls at least: 460 batches of five, each query judged twice, written a twin, and that judged twice."""
    plan = read_plan("paper", ["openai:writer"], ["openai:a", "openai:b"], None, [])
    rows = estimate_generation(plan, read_prices(None))
    assert calls_by_stage(rows) == {"write": 460, "score": 4600, "twin": 6900}
    assert outlook_line(plan, rows).startswith("2,300 queries and as many twins, at one call a second 3.3–")
    assert calls_by_stage(estimate_generation(plan, read_prices(None), ["twin"])) == {"twin": 6900}
