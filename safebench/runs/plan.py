"""The stage *plan*: what will be asked, checked as a whole before anything is written or sent.

In three steps: the data, how they are rendered, and who is asked and who judges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safebench import registry
from safebench.datasets.load import load_dataset
from safebench.datasets.plan import DataPlan, Load, limits_of, plan_data, plan_settings
from safebench.datasets.renderings import ConvertedRenderings
from safebench.errors import BadInput
from safebench.files import read_toml
from safebench.jury.calibration.file import bind, check_bound, read_calibration
from safebench.jury.files import JuryTable, build_jury, jury_tables, jury_versions, read_jury
from safebench.jury.protocol import Jury
from safebench.models.calls import CallLimits
from safebench.models.catalogue import model_of
from safebench.models.opening import open_target
from safebench.plugins import Target
from safebench.registry import Recognise
from safebench.rendering.assignment import Assignment, Stages, recipes_of
from safebench.rendering.conditions import Carrier, carrier_of
from safebench.rendering.estimating import models_asked
from safebench.rendering.frozen import check_frozen
from safebench.rendering.recipes import Recipe, Recipes, load_recipes
from safebench.rendering.renderer import RenderSettings
from safebench.runs.config import RESOLVED, RUN_FILE, RunConfig
from safebench.runs.preflight import choose_trials
from safebench.store.items import planned_stages
from safebench.store.store import Store
from safebench.types import TEXT, Condition, Item, Media


@dataclass(frozen=True, slots=True)
class RenderingPlan:
    """What is rendered by what, and what the data set brings."""

    settings: RenderSettings
    assignments: Mapping[Condition, Assignment]  # with the fingerprints by which media that are brought were made
    made: ConvertedRenderings | None  # media that the data set brings
    to_render: tuple[Recipe, ...]  # what has to be rendered all the same


@dataclass(frozen=True, slots=True)
class AskingPlan:
    """Who is asked, what cannot be put to it, and who judges."""

    target: Target
    skipped: Mapping[Condition, str]  # condition -> why the target cannot be asked so
    trials: Mapping[str, Recipe]  # by medium: what the preflight tries
    jury_table: JuryTable
    jury: Jury


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A run that can begin: everything is loaded, opened and found to fit together."""

    config: RunConfig
    data: DataPlan
    rendering: RenderingPlan
    asking: AskingPlan

    @property
    def folder(self) -> Path:
        return Path(self.config.out)

    def recipe(self, item: Item) -> Recipe | None:
        """The recipe that renders this item; None when nothing is rendered."""
        assignment = self.rendering.assignments.get(item.condition)
        return assignment.recipe(item.query) if assignment else None

    def carrier(self, item: Item) -> Carrier:
        """What is written for this item."""
        return carrier_of(item.condition, self.recipe(item), self.data.wordings)

    def items(self) -> Iterator[Item]:
        """Those that are asked, in the order of the whole."""
        mine = self.data.mine
        return (item for item in self.whole_items() if mine is None or item.query.id in mine)

    def whole_items(self) -> Iterator[Item]:
        """Query by query, so that the conditions of one query are asked at about the same time."""
        for query in self.data.dataset.queries:
            for condition in self.data.conditions:
                if condition not in self.asking.skipped:
                    for repeat in range(self.config.repeats):
                        yield Item(query, condition, repeat)

    def limits(self) -> CallLimits:
        """What the user allows; of a shard its part."""
        return limits_of(self.config, self.data.shard)

    def recognisers(self) -> Iterator[str]:
        """NAME[:ARGUMENT]: those that the user chose for renderings and answers, and those that the target reads by."""
        yield from self.rendering.settings.recognisers.values()
        yield from self.asking.target.recognisers.values()

    def asked_for_media(self) -> set[str]:
        """NAME:ARGUMENT of the models that render, refine, read back or transcribe."""
        return models_asked(self.rendering.to_render, self.recognisers())

    def items_per_condition(self) -> int:
        """As many as a skipped one would have had."""
        return len(self.data.queries) * self.config.repeats


class NothingAsked(BadInput):
    """The target can be asked under none of the conditions."""


def make_plan(config: RunConfig, recognise: Recognise | None = None, load: Load = load_dataset) -> RunPlan:
    """Raises BadInput for anything that cannot work, NothingAsked where it is the target that takes none of the media.

    Nothing is written and nobody is called. `load`: what reads the data.
    """
    if config.shard and config.probe and config.probe_form == "auto":  # each shard would find out by itself
        raise BadInput("--shard with --probe: say --probe-form repeat or choose, the same for all shards")
    before = resolved_before(Path(config.out))
    data = plan_data(config, before, stages_before(config), load)
    _check_controls(data.assignments)
    data.check_carriers()
    rendering = plan_rendering(config, data, before)
    return RunPlan(config, data, rendering, plan_asking(config, data, rendering, recognise))


async def never_read(recogniser: str, media: Media) -> str:
    """For a plan of which nothing is asked: so a target that reads media by recognisers says which it takes."""
    raise AssertionError(f"{recogniser} reads nothing for a mere plan")


# --- how the data are rendered


def resolved_before(out: Path) -> Mapping[str, Any]:
    """What the run in a folder was resolved to; empty where there is none yet."""
    file = out / RUN_FILE
    resolved: dict[str, Any] = read_toml(file).get(RESOLVED, {}) if file.is_file() else {}
    check_frozen(resolved, file)
    return resolved


def stages_before(config: RunConfig) -> Stages:
    """The queries of the run in its folder, as they were at each stage that it has grown by; a shard never grows."""
    out = Path(config.out)
    if config.shard or not ((out / RUN_FILE).is_file() and Store.is_begun(out)):
        return ()
    with Store(out, readonly=True) as store:
        return tuple(planned_stages(store))


def plan_rendering(config: RunConfig, data: DataPlan, before: Mapping[str, Any]) -> RenderingPlan:
    """Raises BadInput for a recipe that cannot work, and for one that is not that of the media of its name."""
    made = ConvertedRenderings(data.dataset.folder) if data.dataset.folder else None
    to_render = _to_render(data, made)
    for recipe in to_render:
        recipe.check()
    assignments = data.assignments
    if made:
        _check_made(made, to_render, data.known, load_recipes(brought=data.dataset.recipes))
        assignments = {
            condition: replace(assignment, recipes=tuple(map(made.recorded, assignment.recipes)))
            for condition, assignment in assignments.items()
        }
    return RenderingPlan(plan_settings(config, data, before), assignments, made, to_render)


def _check_controls(assignments: Mapping[Condition, Assignment]) -> None:
    """Raises BadInput where a control would be sent without the query."""
    problems = [
        f"condition {condition}: a control does not carry the query, so nothing would be asked: "
        f"write {replace(condition, with_text=True)}"
        for condition, assignment in assignments.items()
        if not condition.with_text and any(recipe.control for recipe in assignment.recipes)
    ]
    if problems:
        raise BadInput(*problems)


def _to_render(data: DataPlan, made: ConvertedRenderings | None) -> tuple[Recipe, ...]:
    """The recipes of which the data set does not bring the media of every query."""
    if made is None:
        return tuple(recipes_of(data.assignments.values()))
    lacking = (
        assignment.recipe(query)
        for assignment in data.assignments.values()
        for query in data.dataset.queries
        if not made.holds(assignment.recipe(query), query)
    )
    return tuple({(recipe.medium, recipe.name): recipe for recipe in lacking}.values())


def _check_made(made: ConvertedRenderings, to_render: Sequence[Recipe], known: Recipes, brought: Recipes) -> None:
    """Raises BadInput where a folder's media were made by another recipe than the one that the run would name."""
    for key, fingerprint in made.fingerprints.items():
        name, theirs = ".".join(key), brought.get(key)
        if theirs is not None and known[key].definition() != theirs.definition():
            raise BadInput(
                f"recipe {name} is not the one by which the media in {made.folder} were made: give yours another name"
            )
        if any((r.medium, r.name) == key and r.fingerprint() != fingerprint for r in to_render):
            raise BadInput(
                f"{made.folder} lacks renderings of some queries by {name}, and that recipe would make others now: "
                "convert the data again, or give the seed with which they were converted"
            )


# --- who is asked and who judges


def plan_asking(
    config: RunConfig, data: DataPlan, rendering: RenderingPlan, recognise: Recognise | None = None
) -> AskingPlan:
    """Raises BadInput for a target, a jury or a calibration that cannot work, and where nothing at all can be asked."""
    target = open_target(config.target, config.target_options(), recognise)
    table = read_jury(config.jury, config.jury_models)
    skipped = _skipped(config, data.conditions, target)
    jury = build_jury(table, config.seed if config.jury_seed is None else config.jury_seed)
    if config.calibration:
        versions = jury_versions(jury, data.dataset.taxonomy)
        check_bound(read_calibration(Path(config.calibration)), bind(jury_tables(table), versions))
    asked = {c: assignment for c, assignment in rendering.assignments.items() if c not in skipped}
    return AskingPlan(target, skipped, choose_trials(asked, data.known), table, jury)


def _skipped(config: RunConfig, conditions: Sequence[Condition], target: Target) -> dict[Condition, str]:
    """The conditions that the target cannot be asked under, and why. Raises NothingAsked where these are all."""
    model = model_of(config.target)
    accepted = _accepted(target, config.accepts or (model.accepts if model else None))
    skipped = {c: why for c in conditions if (why := _why_skipped(c, accepted, target, config.target)) is not None}
    if len(skipped) == len(conditions):
        raise NothingAsked(*(f"condition {condition}: {why}" for condition, why in skipped.items()))
    return skipped


def _accepted(target: Target, named: tuple[str, ...] | None) -> frozenset[str]:
    """What the target takes, narrowed to what the user says it takes. Raises BadInput for an unknown medium."""
    for medium in named or ():
        registry.modality(medium)
    return target.accepts if named is None else target.accepts & frozenset(named)


def _why_skipped(condition: Condition, accepted: frozenset[str], target: Target, spec: str) -> str | None:
    wanted = {condition.medium} | ({TEXT} if condition.with_text or condition.wording else set())
    missing = sorted(wanted - accepted)
    if not missing:
        return None
    remedies = [remedy for medium in missing if (remedy := target.why_not(medium)) is not None]
    takes = f"it takes {', '.join(sorted(accepted))}"
    return f"target {spec!r} takes no {' and no '.join(missing)}; {'; '.join(remedies) or takes}"
