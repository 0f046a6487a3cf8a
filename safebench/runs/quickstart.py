"""The quickstart: everything offline, on the starter set, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from safebench.datasets.load import STARTER, TINY_STARTER
from safebench.datasets.plan import plan_data, plan_settings
from safebench.rendering.recipes import load_recipes
from safebench.runs.config import RunConfig, make_config


def quickstart_config(
    conditions: Sequence[str] | None, out: Path, *, full: bool = False, workers: int | None = None
) -> RunConfig:
    """The run that the quickstart makes.

    The reference target is meant to leave items open (it hears badly), so no share of open items is an error here.
    """
    return make_config(
        "quickstart",
        data=STARTER if full else TINY_STARTER,
        conditions=tuple(conditions or default_conditions()),
        target="reference",
        jury="embedded",
        out=str(out),
        workers=workers,
        max_open=1.0,
    )


NEXT = "next: `make real` puts queries to a real model, with real voices and ears, and writes docs/real-run.md"


def wanting(config: RunConfig) -> list[str]:
    """What would make the numbers of such a run better, and is missing here: a line each."""
    data = plan_data(config, {})
    return [*data.better(plan_settings(config, data, {}))]


def default_conditions() -> tuple[str, ...]:
    """The plain query, and every recipe that says it belongs into the quickstart."""
    return ("text", *(f"{medium}:{name}" for (medium, name), recipe in load_recipes().items() if recipe.quickstart))
