"""The paper's experiments as parts of a study (`data/reproduce/paper.toml`): which runs they are, and how each is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from safebench.datasets.load import load_dataset
from safebench.errors import BadInput, SafeBenchError, check_known
from safebench.files import read_toml
from safebench.jury.files import jury_path
from safebench.models.catalogue import BACKBONE_OF, model_of, models
from safebench.plugins import PluginOptions
from safebench.rendering.conditions import resolve_condition
from safebench.rendering.recipes import Recipes, load_recipes
from safebench.reports.published import Metric, Published, PublishedRow, load
from safebench.resources import load_toml
from safebench.runs.config import RunConfig, make_config
from safebench.runs.plan import make_plan, never_read

STUDY, ATTACKS = "paper", "attacks"
CASCADE = "cascade:"
NO_JURY = "embedded"
MODEL = "{model}"


class Setting(PluginOptions):
    """What is asked, and the printed row that it stands beside; the file says what each key means."""

    rows: tuple[tuple[str, ...], ...] = ()
    conditions: tuple[str, ...]
    instead: str = ""


class Part(PluginOptions):
    """One run of a target, beside the figures that the paper prints."""

    title: str
    table: str = ""
    minibench: bool = False
    target: Literal["own", "backbone"] = "own"
    needs: Literal["", "attacked", "labels"] = ""
    settings: tuple[Setting, ...] = ()
    figures: Mapping[str, Mapping[Metric, float]] = {}
    unprinted: str = ""

    @property
    def published(self) -> Published | None:
        return load(self.table) if self.table else None


class Study(PluginOptions):
    """All parts, and what they share."""

    title: str
    jury: str
    stop: str
    repeats: int
    parts: Mapping[str, Part]


@dataclass(frozen=True, slots=True)
class Asked:
    """A setting as it is asked here: `condition` is None where it cannot be, and `why` says why not; or in what it is
    not as the paper asked.
    """

    setting: Setting
    condition: str | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """`config` is None where the part cannot be made, and `why_not` says why."""

    name: str
    part: Part
    asked: tuple[Asked, ...] = ()
    config: RunConfig | None = None
    why_not: str = ""


def read_study() -> Study:
    return Study(**load_toml(f"studies/{STUDY}.toml"))


def plan_study(
    study: Study, given: Mapping[str, Any], names: Sequence[str] = (), attacked: str = ""
) -> list[PlannedPart]:
    """The parts of that name, all where none is named; `given` is what a run takes, with the folder of the whole as
    `out`, and `attacked` a table of what an attack has made of the queries.

    Raises BadInput for a part that there is not, and for data and recipes that cannot be read.
    """
    for name in names:
        check_known("part of the study", name, study.parts)
    return [_planned(study, name, given, attacked) for name in study.parts if not names or name in names]


def _planned(study: Study, name: str, given: Mapping[str, Any], attacked: str) -> PlannedPart:
    part = study.parts[name]
    if part.needs == "labels":
        how = "safebench jury calibrate LABELS --jury paper --jury-model … sets the deliberation beside single votes"
        return PlannedPart(name, part, why_not=f"it needs labels from people: {how}")
    if part.needs == "attacked" and not attacked:
        return PlannedPart(
            name, part, why_not="it needs what an attack has made of the queries, a table by their ids: --attacked FILE"
        )
    try:
        return _checked(name, part, {**given, **_of_part(study, name, part, given, attacked)})
    except SafeBenchError as error:
        return PlannedPart(name, part, why_not=" ".join(str(error).split()))


def _of_part(study: Study, name: str, part: Part, given: Mapping[str, Any], attacked: str) -> dict[str, Any]:
    """What the part says of its run; what the user says of the jury wins."""
    own: dict[str, Any] = {"out": str(Path(given["out"]) / name), "allow_skips": True}
    if "repeats" not in given:
        own["repeats"] = study.repeats
    if "jury" not in given:
        own["jury"] = _jury(study) if given.get("jury_models") else NO_JURY
    if part.minibench:
        own["minibench"] = True
    if part.target == "backbone":
        own["target"] = backbone_of(given["target"])
    if part.needs == "attacked":
        own["recipe"] = {**given.get("recipe", {}), **_attacked(attacked)}
    return own


def _attacked(table: str) -> dict[str, Any]:
    """The recipes of the study `attacks`, with the user's table in place of the one that it names."""
    recipes = load_toml(f"studies/{ATTACKS}.toml")["recipe"]
    for recipe in (recipe for one in recipes.values() for recipe in one.values()):
        recipe["steps"] = [{**step, "table": table} if "table" in step else step for step in recipe["steps"]]
    return recipes


def _jury(study: Study) -> dict[str, Any]:
    table = read_toml(jury_path(study.jury))
    return {**table, "protocol": {**table["protocol"], "stop": study.stop}}


def backbone_of(target: str) -> str:
    """The text-only language model behind a target. Raises BadInput where none is known."""
    if target.startswith(CASCADE):
        return target.removeprefix(CASCADE)
    if target in models():
        model_of(f"{BACKBONE_OF}:{target}")
        return f"{BACKBONE_OF}:{target}"
    raise BadInput(
        f"no text-only backbone of {target} is known: name a model of `safebench list targets`, or a cascade"
    )


def _checked(name: str, part: Part, values: Mapping[str, Any]) -> PlannedPart:
    """Nothing is asked: what this target takes no media for, or what has no recipe, is said."""
    asked = [_asked(setting, _known(values)) for setting in part.settings]
    wanted = [one.condition for one in asked if one.condition]
    if not wanted:
        return PlannedPart(name, part, tuple(asked), why_not="there is a recipe for none of its conditions")
    config = make_config(f"part {name}", **values, conditions=wanted)
    skipped = {str(condition): why for condition, why in make_plan(config, never_read).asking.skipped.items()}
    return PlannedPart(name, part, tuple(_unless_skipped(asked, skipped)), config)


def _known(values: Mapping[str, Any]) -> Recipes:
    dataset = load_dataset(values["data"], values.get("text_column"), values.get("encoding"))
    recipes = values.get("recipes")
    return load_recipes(Path(recipes) if recipes else None, values.get("recipe"), dataset.recipes)


def _asked(setting: Setting, known: Recipes) -> Asked:
    """The first condition that there is a recipe for, in full."""
    reasons = []
    for condition in setting.conditions:
        try:
            return Asked(setting, str(resolve_condition(condition, known)))
        except BadInput as error:
            reasons.append(str(error))
    if setting.instead:
        stands_for = f"in place of {setting.conditions[-1]}, which no recipe makes: it is not what the paper asked"
        return Asked(setting, str(resolve_condition(setting.instead, known)), stands_for)
    return Asked(setting, None, reasons[-1])


def _unless_skipped(asked: Collection[Asked], skipped: Mapping[str, str]) -> Iterator[Asked]:
    for one in asked:
        why = skipped.get(one.condition or "")
        yield replace(one, condition=None, why=why) if why else one


def printed_row(part: Part, setting: Setting, model: str) -> tuple[PublishedRow, ...]:
    """The rows of the part's table, one for each metric, that a setting of this model stands beside; none where it has
    none.
    """
    table = part.published
    if table is None:
        return ()
    for labels in setting.rows:
        wanted = tuple(label.replace(MODEL, model) for label in labels)
        rows = tuple(row for row in table.rows if row.labels == wanted)
        if rows:
            return rows
    return ()
