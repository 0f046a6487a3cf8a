"""What a conversion will make, checked as a whole before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safebench.datasets.card import canary, read_card
from safebench.datasets.config import ConvertConfig
from safebench.datasets.plan import RECOGNISERS, DataPlan, plan_data, plan_settings
from safebench.datasets.shards import CANARY, CONVERT_FILE, RECIPE, read_convert_file
from safebench.errors import BadInput
from safebench.files import is_claimed
from safebench.rendering.assignment import Assignment, recipes_of
from safebench.rendering.chain import RenderJob
from safebench.rendering.recipes import Recipe, Recipes
from safebench.rendering.renderer import RenderSettings
from safebench.types import TEXT

ASKED = "asked"  # key of `convert.toml`: the options with which the same conversion is asked for again
NOT_COMPARED = ("data", ASKED, RECIPE, CANARY)  # keys of `convert.toml` that may differ where a conversion goes on


@dataclass(frozen=True, slots=True)
class ConversionPlan:
    """A conversion that can begin. `asked` is what `convert.toml` says of it."""

    config: ConvertConfig
    data: DataPlan
    assignments: tuple[Assignment, ...]  # of each recipe once, whatever number of conditions name it
    settings: RenderSettings
    asked: Mapping[str, Any]

    @property
    def out(self) -> Path:
        return Path(self.config.out)

    @property
    def recipes(self) -> list[Recipe]:
        return recipes_of(self.assignments)

    def jobs(self) -> list[RenderJob]:
        """Query by query, so that what one query shares is rendered at about the same time."""
        return [assignment.job(query) for query in self.data.dataset.queries for assignment in self.assignments]


def plan_conversion(config: ConvertConfig) -> ConversionPlan:
    """Raises BadInput for anything that cannot work, and for a folder that holds anything but this very conversion."""
    before = read_convert_file(Path(config.out))
    data = plan_data(config, before)
    without = [str(c) for c in data.conditions if c.recipe is None or c.medium == TEXT]
    if without:
        raise BadInput(f"condition {', '.join(without)} makes no media: there is nothing to convert")
    assignments = tuple({(c.medium, c.recipe): assignment for c, assignment in data.assignments.items()}.values())
    for recipe in recipes_of(assignments):
        recipe.check()
    settings = plan_settings(config, data, before)
    plan = ConversionPlan(config, data, assignments, settings, _asked(config, data, assignments, settings))
    is_claimed(plan.out, CONVERT_FILE, "conversion", lambda there: _check_same(plan, there))
    return plan


def asked_before(folder: Path) -> dict[str, Any]:
    """The options that ask again for the conversion in a folder, wherever it lies now.

    Raises BadInput where its file does not tell them.
    """
    there = read_convert_file(folder)
    if not isinstance(there.get(ASKED), dict):
        raise BadInput(
            f"{folder / CONVERT_FILE} does not tell what was asked: give the same command with --out {folder}"
        )
    kept = {key: there[key] for key in ("seed", "check_share", RECIPE) if key in there}
    return {**there[ASKED], **kept, "out": str(folder)}


def _options(config: ConvertConfig, data: DataPlan) -> dict[str, Any]:
    """Without the recipes, which stand beside them, and what may change where a conversion goes on."""
    kept = config.model_dump(
        mode="json", exclude_none=True, include={"text_column", "encoding", "language", "limit", "recognisers"}
    )
    path = Path(config.data)
    name = str(path.resolve()) if path.exists() else config.data
    return {**kept, "data": name, "conditions": [str(condition) for condition in data.conditions]}


def _asked(
    config: ConvertConfig, data: DataPlan, assignments: tuple[Assignment, ...], settings: RenderSettings
) -> dict[str, Any]:
    recipes = recipes_of(assignments)
    return {
        "data": data.dataset.name,
        ASKED: _options(config, data),
        "data_sha256": data.dataset.sha256,
        "seed": settings.seed,
        "check_share": settings.check_share,
        RECOGNISERS: settings.read_by(),
        **data.chosen(),
        **data.told_by(),
        "recipes": {recipe.condition: recipe.fingerprint() for recipe in recipes},
        RECIPE: _tables(data),
        CANARY: read_card(config.data).canary or canary(data.whole.sha256),
    }


def _tables(data: DataPlan) -> dict[str, dict[str, Any]]:
    """The recipes and those that they name in turn, as in a recipes file, so that a run of the folder needs none."""
    named: Recipes = {(c.medium, c.recipe or ""): data.known[c.medium, c.recipe or ""] for c in data.conditions}
    members = {
        (r.medium, name): data.known[r.medium, name]
        for r in named.values()
        for name in (*r.among, r.another, *r.languages.values())
        if name
    }
    tables: dict[str, dict[str, Any]] = {}
    for (medium, name), recipe in (members | named).items():
        tables.setdefault(medium, {})[name] = recipe.table()
    return tables


def _check_same(plan: ConversionPlan, there: Mapping[str, Any]) -> None:
    differing = [key for key, value in plan.asked.items() if key not in NOT_COMPARED and there.get(key) != value]
    if differing:
        raise BadInput(
            f"{plan.out} holds another conversion: it differs in {', '.join(differing)}. Choose another --out"
        )
