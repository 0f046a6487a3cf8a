"""The paper's experiments as parts of a study, `data/reproduce/paper.toml`: which runs they are, how each is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from safebench.datasets.load import load_dataset
from safebench.datasets.plan import Load
from safebench.datasets.table_files import UTF8
from safebench.errors import BadInput, SafeBenchError, check_known
from safebench.files import read_toml
from safebench.jury.calibration.calibrate import calibrate
from safebench.jury.calibration.labels import LabelSet, read_labels
from safebench.jury.files import jury_path
from safebench.models.calls import CallLimits
from safebench.models.catalogue import BACKBONE_OF, model_of, models
from safebench.plugins import PluginOptions
from safebench.progress import Progress
from safebench.reports.published import Metric, Published, PublishedRow, load
from safebench.resources import load_toml
from safebench.runs.config import RunConfig, make_config
from safebench.runs.folder import is_there
from safebench.runs.plan import NothingAsked, RunPlan, make_plan, never_read
from safebench.types import TEXT

STUDY, ATTACKS, ATTACKED = "paper", "attacks", "attacked"
CASCADE = "cascade:"
CALIBRATION = "calibration.json"  # of the part that judges labelled answers
NO_JURY = "embedded"
RECOGNISERS = "recognisers"  # an option of a cascade alone
MODEL = "{model}"


class Setting(PluginOptions):
    """What is asked, and the printed row that it stands beside; the file says what each key means."""

    rows: tuple[tuple[str, ...], ...] = ()
    conditions: tuple[str, ...]
    instead: str = ""
    anew: str = ""
    lacking: str = ""


class StudyPart(PluginOptions):
    """One run of a target, beside the figures that the paper prints."""

    title: str
    table: str = ""
    minibench: bool = False
    target: Literal["own", "backbone"] = "own"
    needs: Literal["", "attacked", "labels", "backbone"] = ""
    beside: str = ""
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
    items: int = 0  # how many are asked


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """`config` is None where the part is no run, and `labels` where it is none of a jury on them; `why_not` says why it
    is not made. `broken`: that is a mistake in what the user gave.
    """

    name: str
    part: StudyPart
    asked: tuple[AskedSetting, ...] = ()
    config: RunConfig | None = None
    labels: LabelSet | None = None
    why_not: str = ""
    broken: bool = False

    @property
    def is_made(self) -> bool:
        return self.config is not None or self.labels is not None

    @property
    def has_gaps(self) -> bool:
        """Whether it, or one of its settings, is not made."""
        return bool(self.why_not) or any(one.condition is None for one in self.asked)


@dataclass(frozen=True, slots=True)
class Given:
    """What the user gave: `values` are those of a run, with the folder of the whole as `out`; `attacked`, a table of
    what an attack has made of the queries; `labels`, of people on answers. `load`: what reads the data.
    """

    values: Mapping[str, Any]
    attacked: str = ""
    labels: str = ""
    load: Load = load_dataset

    @property
    def jury_models(self) -> Sequence[str]:
        models: Sequence[str] = self.values.get("jury_models", ())
        return models


def read_study() -> Study:
    return Study(**load_toml(f"reproduce/{STUDY}.toml"))


def plan_study(study: Study, given: Given, names: Sequence[str] = ()) -> list[PlannedPart]:
    """The parts of that name with those that stand beside them, all where none is named. The data are read once.

    Raises BadInput for a part that there is not.
    """
    for name in names:
        check_known("part of the study", name, study.parts)
    given = replace(given, load=cache(given.load))
    return [
        _planned(study, name, given) for name in study.parts if not names or {name, study.parts[name].beside} & {*names}
    ]


def _planned(study: Study, name: str, given: Given) -> PlannedPart:
    part = study.parts[name]
    if why_not := _lacking(part, given):
        return PlannedPart(name, part, why_not=why_not)
    try:
        _check_folders(Path(given.values["out"]), name)
        if part.needs == "labels":
            return PlannedPart(name, part, labels=read_labels(given.labels, encoding=UTF8))
        return _checked(name, part, {**given.values, **_of_part(study, name, part, given)}, given.load)
    except SafeBenchError as error:
        return PlannedPart(name, part, why_not=_line(error), broken=True)


def _check_folders(out: Path, name: str) -> None:
    """Raises BadInput where another thing stands in the place of the folder of all parts, or of the one."""
    for folder in (out, out / name):
        if folder.exists() and not folder.is_dir():
            raise BadInput(f"{folder} is no folder: choose another --out")


def _lacking(part: StudyPart, given: Given) -> str:
    """What only the user can bring, and did not."""
    if part.needs == "labels" and not given.labels:
        return "it needs answers with labels from people: --labels FILE"
    if part.needs == "labels" and "jury" not in given.values and not given.jury_models:
        return "it needs jurors that can deliberate: --jury-model"
    if part.needs == ATTACKED and not given.attacked:
        return "it needs what an attack has made of the queries, a table by their ids: --attacked FILE"
    if part.needs == "backbone":
        try:
            backbone_of(given.values["target"])
        except BadInput as error:
            return _line(error)
    return ""


def _of_part(study: Study, name: str, part: StudyPart, given: Given) -> dict[str, Any]:
    """What the part says of its run; what the user says of the jury wins."""
    values = given.values
    own: dict[str, Any] = {"out": str(Path(values["out"]) / name), "allow_skips": True, "jury": jury_of(study, given)}
    if "repeats" not in values:
        own["repeats"] = study.repeats
    if part.minibench:
        own["minibench"] = True
    if part.target == "backbone":
        own["target"] = backbone_of(values["target"])
        own["options"] = {key: value for key, value in values.get("options", {}).items() if key != RECOGNISERS}
    if part.needs == ATTACKED:
        users, ours = values.get("recipe", {}), _attacked(given.attacked)
        own["recipe"] = {medium: {**users.get(medium, {}), **ours.get(medium, {})} for medium in {**users, **ours}}
    return own


def _attacked(table: str) -> dict[str, Any]:
    """The recipes of the study `attacks`, with the user's table in place of the one that it names."""
    recipes = deepcopy(load_toml(f"studies/{ATTACKS}.toml")["recipe"])
    for step in (step for medium in recipes.values() for recipe in medium.values() for step in recipe["steps"]):
        step.update({"table": table} if "table" in step else {})
    return dict(recipes)


def jury_of(study: Study, given: Given) -> str | Mapping[str, Any]:
    """The user's; else the study's, where there are models for it."""
    if "jury" in given.values:
        users: str | Mapping[str, Any] = given.values["jury"]
        return users
    if not given.jury_models:
        return NO_JURY
    table = read_toml(jury_path(study.jury))
    return {**table, "protocol": {**table["protocol"], "stop": study.stop}}


def calibrated(
    study: Study, given: Given, labels: LabelSet, out: Path, progress: Progress, *, retry_failed: bool = False
) -> dict[str, Any]:
    """The jury on labels from people: see `calibrate`, whose file and calls are kept in that folder."""
    shared = {key: given.values[key] for key in ("seed", "concurrency") if key in given.values}
    limits = CallLimits(given.values.get("max_calls"), cost=given.values.get("max_cost"))
    return calibrate(
        labels,
        jury_of(study, given),
        out / CALIBRATION,
        models=given.jury_models,
        retry_failed=retry_failed,
        progress=progress,
        limits=limits,
        prices=given.values.get("prices"),
        **shared,
    )


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


def _checked(name: str, part: StudyPart, values: Mapping[str, Any], load: Load) -> PlannedPart:
    """Nothing is asked: what cannot be made here, and what the target takes no media for, is said.

    Raises BadInput for what no condition could do without: data, target, jury, and a folder that holds no other run.
    """
    alone = _Alone(f"part {name}", values, load)
    with suppress(NothingAsked):
        alone.plan(TEXT)
    asked = tuple(_asked(setting, alone, brought=part.needs == ATTACKED) for setting in part.settings)
    wanted = [one.condition for one in asked if one.condition]
    if not wanted:
        reasons = dict.fromkeys(one.why for one in asked)
        return PlannedPart(name, part, asked, why_not="; ".join(reasons))
    config = make_config(f"part {name}", **values, conditions=wanted)
    is_there(make_plan(config, never_read, load))
    return PlannedPart(name, part, asked, config)


@dataclass(frozen=True, slots=True)
class _Alone:
    """Runs of one condition each."""

    where: str
    values: Mapping[str, Any]
    load: Load

    def plan(self, condition: str) -> RunPlan:
        """Raises BadInput, and NothingAsked where the target takes no such media."""
        return make_plan(make_config(self.where, **self.values, conditions=[condition]), never_read, self.load)

    def plan_or_why(self, condition: str, *, brought: bool) -> RunPlan | str:
        """Or why there can be none; where the user has `brought` what it needs, that has to be right."""
        try:
            return self.plan(condition)
        except SafeBenchError as error:
            if brought and not isinstance(error, NothingAsked):
                raise
            return _line(error).removeprefix(f"condition {condition}: ")


def _asked(setting: Setting, alone: _Alone, *, brought: bool) -> AskedSetting:
    """The first of its conditions that can be asked here, or what stands in for them."""
    reasons = []
    for condition in setting.conditions:
        planned = alone.plan_or_why(condition, brought=brought)
        if not isinstance(planned, str):
            note = "" if _is_brought(planned) else setting.anew
            return AskedSetting(setting, condition, note=note, items=planned.items_per_condition())
        reasons.append(planned)
    stand_in = alone.plan_or_why(setting.instead, brought=brought) if setting.instead else ""
    if not isinstance(stand_in, str):
        why = f"not what the paper asked, {setting.conditions[-1]}, which cannot be made: {'; '.join(reasons)}"
        return AskedSetting(setting, setting.instead, why, items=stand_in.items_per_condition())
    return AskedSetting(setting, None, "; ".join([*reasons, *filter(None, [setting.lacking])]))


def _line(error: SafeBenchError) -> str:
    return " ".join(str(error).split())


def _is_brought(plan: RunPlan) -> bool:
    """Whether the data bring what is asked."""
    return all(one.recipe in plan.data.whole.recipes.get(one.medium, {}) for one in plan.data.conditions)


def printed_names(study: Study) -> set[str]:
    """Of all models in the tables and texts of the paper."""
    rows = (row.labels[0] for part in study.parts.values() if part.published for row in part.published.rows)
    return {*map(model_in, rows), *(name for part in study.parts.values() for name in part.figures)}


def model_in(label: str) -> str:
    """The model's name in the label of a printed row, which may say, too, what it was sent."""
    return label.removesuffix(" (A)").removesuffix(" (A+T)")


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
