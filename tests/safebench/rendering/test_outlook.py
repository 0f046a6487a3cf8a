from __future__ import annotations

import asyncio

import pytest

from safebench.rendering.chain import RenderJob
from safebench.rendering.outlook import Outlook, by_condition, look_ahead
from safebench.rendering.recipes import load_recipes
from safebench.types import Fidelity, Media, Query, Rendering

RECIPES = load_recipes()
JOBS = [
    RenderJob(Query(f"q{n}", "How?"), RECIPES["image", name]) for name in ("typographic", "chat") for n in range(1000)
]


def test_all_take_what_the_median_of_the_first_few_takes() -> None:
    tried: list[str] = []

    async def render(job: RenderJob) -> Rendering:
        tried.append(job.recipe.name)
        seconds = 60.0 if len(tried) == 1 else 1.8  # the first one loads its engine
        media = Media.of("image", "image/png", bytes(200_000)) if job.recipe.name == "typographic" else None
        return Rendering(job.recipe.name, job.key, media, Fidelity("unchecked"), seconds=seconds)

    outlook = asyncio.run(look_ahead(by_condition(JOBS), render, 2))
    assert tried == ["typographic"] * 3 + ["chat"] * 3
    assert outlook.line() == (
        "2,000 renderings; about 15 min with 2 workers and 200 MB of media; "
        "not known: image:chat (the first ones failed)"
    )
    tried.clear()
    outlook = asyncio.run(look_ahead(by_condition(JOBS), render, 2, ["image:typographic", "image:chat"]))
    assert not tried
    assert outlook.line() == (
        "2,000 renderings; not known: image:typographic (it asks models), image:chat (it asks models)"
    )


@pytest.mark.parametrize(
    ("seconds", "size", "told"),
    [(0.2, 10, "1 s with 1 workers and 1 MB"), (5400, 2.34e9, "1.5 h with 1 workers and 2.3 GB"), (120, 1e6, "2 min")],
)
def test_it_is_told_in_the_unit_that_one_would_use(seconds: float, size: float, told: str) -> None:
    assert f"about {told}" in Outlook(3, seconds, size, 1, {}).line()
