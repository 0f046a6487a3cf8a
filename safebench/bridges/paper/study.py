"""The paper's experiments as parts of a study, `data/reproduce/paper.toml`: which runs they are, how each is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from safebench.errors import BadInput, SafeBenchError, check_known
from safebench.files import read_toml
from safebench.jury.files import jury_path
from safebench.models.catalogue import BACKBONE_OF, model_of, models
from safebench.plugins import PluginOptions
from safebench.reports.published import Metric, Published, PublishedRow, load
from safebench.resources import load_toml
from safebench.runs.config import RunConfig, make_config
from safebench.runs.plan import RunPlan, make_plan, never_read

STUDY, ATTACKS = "paper", "attacks"
CASCADE = "cascade:"
NO_JURY = "embedded"
RECOGNISERS = "recognisers"  # an option of a cascade alone
MODEL = "{model}"


class Setting(PluginOptions):
    """What is asked, and the printed row that it stands beside; the file says what each key means."""

    rows: tuple[tuple[str, ...], ...] = ()
    conditions: tuple[str, ...]
    instead: str = ""
    anew: str = ""


class StudyPart(PluginOptions):
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
    parts: Mapping[str, StudyPart]


@dataclass(frozen=True, slots=True)
class AskedSetting:
    """A setting as it is asked here: `condition` is None where it cannot be, and `why` says why not; or why it is not
    what the paper asked.
    """

    setting: Setting
    condition: str | None
    why: str = ""
    note: str = ""  # in what it may differ from what the paper asked


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """`config` is None where the part cannot be made, and `why_not` says why."""

    name: str
    part: StudyPart
    asked: tuple[AskedSetting, ...] = ()
    config: RunConfig | None = None
    why_not: str = ""


def read_study() -> Study:
    return Study(**load_toml(f"reproduce/{STUDY}.toml"))


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
        return PlannedPart(name, part, why_not=_line(error))


def _of_part(study: Study, name: str, part: StudyPart, given: Mapping[str, Any], attacked: str) -> dict[str, Any]:
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
        own["options"] = {key: value for key, value in given.get("options", {}).items() if key != RECOGNISERS}
    if part.needs == "attacked":
        users, ours = given.get("recipe", {}), _attacked(attacked)
        own["recipe"] = {medium: {**users.get(medium, {}), **ours.get(medium, {})} for medium in {**users, **ours}}
    return own


def _attacked(table: str) -> dict[str, Any]:
    """The recipes of the study `attacks`, with the user's table in place of the one that it names."""
    recipes = deepcopy(load_toml(f"studies/{ATTACKS}.toml")["recipe"])
    for step in (step for medium in recipes.values() for recipe in medium.values() for step in recipe["steps"]):
        step.update({"table": table} if "table" in step else {})
    return dict(recipes)


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


def _checked(name: str, part: StudyPart, values: Mapping[str, Any]) -> PlannedPart:
    """Nothing is asked: what cannot be made here, and what the target takes no media for, is said."""
    asked = tuple(_asked(setting, f"part {name}", values) for setting in part.settings)
    wanted = [one.condition for one in asked if one.condition]
    if not wanted:
        reasons = dict.fromkeys(one.why for one in asked)
        return PlannedPart(name, part, asked, why_not="; ".join(reasons))
    return PlannedPart(name, part, asked, make_config(f"part {name}", **values, conditions=wanted))


def _asked(setting: Setting, where: str, values: Mapping[str, Any]) -> AskedSetting:
    """The first of its conditions that can be asked here, or what stands in for them."""
    reasons = []
    for condition in setting.conditions:
        planned = _planned_alone(where, values, condition)
        if not isinstance(planned, str):
            return AskedSetting(setting, condition, note="" if _is_brought(planned) else setting.anew)
        reasons.append(planned if condition in planned else f"{condition}: {planned}")
    if setting.instead and not isinstance(_planned_alone(where, values, setting.instead), str):
        why = f"not what the paper asked, which cannot be made: {'; '.join(reasons)}"
        return AskedSetting(setting, setting.instead, why)
    return AskedSetting(setting, None, "; ".join(reasons))


def _planned_alone(where: str, values: Mapping[str, Any], condition: str) -> RunPlan | str:
    """A run of that condition alone, or why there can be none."""
    try:
        plan = make_plan(make_config(where, **values, conditions=[condition]), never_read)
    except SafeBenchError as error:
        return _line(error)
    return "; ".join(plan.asking.skipped.values()) or plan


def _line(error: SafeBenchError) -> str:
    return " ".join(str(error).split())


def _is_brought(plan: RunPlan) -> bool:
    """Whether the data bring what is asked."""
    return all(one.recipe in plan.data.whole.recipes.get(one.medium, {}) for one in plan.data.conditions)


def printed_row(part: StudyPart, setting: Setting, model: str) -> tuple[PublishedRow, ...]:
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
