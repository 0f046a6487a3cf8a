"""The stage *plan*: what will be asked, checked as a whole before anything is written or sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from safebench import registry
from safebench.datasets.load import load_dataset
from safebench.datasets.queries import Dataset
from safebench.datasets.renderings import ConvertedRenderings
from safebench.errors import BadInput
from safebench.jury.calibration.file import bind, check_bound, read_calibration
from safebench.jury.files import JuryTable, build_jury, jury_tables, jury_versions, read_jury
from safebench.jury.protocol import Jury
from safebench.models.catalogue import model_of
from safebench.models.opening import open_target
from safebench.plugins import Target
from safebench.registry import Recognise
from safebench.rendering.assignment import Assignment, assign
from safebench.rendering.conditions import resolve_conditions
from safebench.rendering.recipes import Recipe, Recipes, load_recipes
from safebench.rendering.recognition import choose_recognisers
from safebench.rendering.renderer import RenderSettings
from safebench.runs.config import RunConfig
from safebench.runs.preflight import choose_trials
from safebench.types import TEXT, Condition, Item


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A run that can begin: everything is loaded, opened and found to fit together."""

    config: RunConfig
    dataset: Dataset
    conditions: tuple[Condition, ...]
    assignments: Mapping[Condition, Assignment]  # of the conditions that are rendered: which recipe for which query
    target: Target
    jury_table: JuryTable
    jury: Jury
    skipped: Mapping[Condition, str]  # condition -> why the target cannot be asked so
    rendering: RenderSettings
    made: ConvertedRenderings | None  # media that the data set brings
    to_render: tuple[Recipe, ...]  # what has to be rendered all the same
    trials: Mapping[str, Recipe]  # by medium: what the preflight tries

    @property
    def folder(self) -> Path:
        return Path(self.config.out)

    def recipe(self, item: Item) -> Recipe | None:
        """The recipe that renders this item; None when nothing is rendered."""
        found = self.assignments.get(item.condition)
        return found.recipe(item.query) if found else None

    def items(self) -> Iterator[Item]:
        """Query by query, so that the conditions of one query are asked at about the same time."""
        for query in self.dataset.queries:
            for condition in self.conditions:
                if condition not in self.skipped:
                    for repeat in range(self.config.repeats):
                        yield Item(query, condition, repeat)

    def skipped_items(self) -> int:
        """How many items each skipped condition would have had."""
        return len(self.dataset.queries) * self.config.repeats


def make_plan(config: RunConfig, recognise: Recognise | None = None) -> RunPlan:
    """Raises BadInput for anything that cannot work. Nothing is written and nobody is called."""
    dataset = load_dataset(config.data, config.text_column).limited(config.limit)
    known = load_recipes(Path(config.recipes) if config.recipes else None, config.recipe, dataset.recipes)
    conditions = resolve_conditions(list(config.conditions), known)
    assignments = {
        c: assign(known[c.medium, c.recipe], known, dataset.queries, config.seed)
        for c in conditions
        if c.recipe is not None
    }
    _check_controls(assignments)
    made = ConvertedRenderings(dataset.folder) if dataset.folder else None
    to_render = _to_render(assignments, dataset, made)
    for recipe in to_render:
        recipe.check()
    if made:
        _check_made(made, to_render, known, load_recipes(brought=dataset.recipes))
        assignments = {
            c: replace(found, recipes=tuple(map(made.recorded, found.recipes))) for c, found in assignments.items()
        }
    target = open_target(config.target, config.target_options(), recognise)
    table = read_jury(config.jury, config.jury_models)
    model = model_of(config.target)
    accepted = _accepted(target, config.accepts or (model.accepts if model else None))
    skipped = {c: why for c in conditions if (why := _why_skipped(c, accepted, target, config.target)) is not None}
    if len(skipped) == len(conditions):
        raise BadInput(*(f"condition {condition}: {why}" for condition, why in skipped.items()))
    settings = RenderSettings(config.seed, config.check_share, choose_recognisers(config.recognisers))
    jury = build_jury(table, config.seed if config.jury_seed is None else config.jury_seed)
    if config.calibration:
        check_bound(read_calibration(Path(config.calibration)), bind(jury_tables(table), jury_versions(jury)))
    tried = choose_trials({c: found for c, found in assignments.items() if c not in skipped}, known)
    return RunPlan(
        config, dataset, conditions, assignments, target, table, jury, skipped, settings, made, to_render, tried
    )


def _check_controls(assignments: Mapping[Condition, Assignment]) -> None:
    """Raises BadInput where a control would be sent without the query."""
    asks_nothing = [c for c, found in assignments.items() if not c.with_text and any(r.control for r in found.recipes)]
    if asks_nothing:
        raise BadInput(
            *(
                f"condition {c}: a control does not carry the query, so nothing would be asked: "
                f"write {replace(c, with_text=True)}"
                for c in asks_nothing
            )
        )


def _to_render(
    assignments: Mapping[Condition, Assignment], dataset: Dataset, made: ConvertedRenderings | None
) -> tuple[Recipe, ...]:
    """The recipes of which the data set does not bring the media of every query."""
    if made is None:
        return tuple(_all_recipes(assignments))
    lacking = (
        found.recipe(query)
        for found in assignments.values()
        for query in dataset.queries
        if not made.holds(found.recipe(query), query)
    )
    return tuple({(recipe.medium, recipe.name): recipe for recipe in lacking}.values())


def _check_made(made: ConvertedRenderings, to_render: Sequence[Recipe], known: Recipes, brought: Recipes) -> None:
    """Raises BadInput where a folder's media were made by another recipe than the one that the run would name."""
    for key, fingerprint in made.fingerprints.items():
        name, theirs = ".".join(key), brought.get(key)
        if theirs is not None and known[key].told() != theirs.told():
            raise BadInput(
                f"recipe {name} is not the one by which the media in {made.folder} were made: give yours another name"
            )
        if any((r.medium, r.name) == key and r.fingerprint() != fingerprint for r in to_render):
            raise BadInput(
                f"{made.folder} lacks renderings of some queries by {name}, and that recipe would make others now: "
                "convert the data again, or give the seed with which they were converted"
            )


def _all_recipes(assignments: Mapping[Condition, Assignment]) -> list[Recipe]:
    return list({(r.medium, r.name): r for found in assignments.values() for r in found.recipes}.values())


def _accepted(target: Target, named: tuple[str, ...] | None) -> frozenset[str]:
    """What the target takes, narrowed to what the user says it takes. Raises BadInput for an unknown medium."""
    for medium in named or ():
        registry.modality(medium)
    return target.accepts if named is None else target.accepts & frozenset(named)


def _why_skipped(condition: Condition, accepted: frozenset[str], target: Target, spec: str) -> str | None:
    wanted = {condition.medium} | ({TEXT} if condition.with_text else set())
    missing = sorted(wanted - accepted)
    if not missing:
        return None
    remedies = [remedy for medium in missing if (remedy := target.why_not(medium)) is not None]
    takes = f"it takes {', '.join(sorted(accepted))}"
    return f"target {spec!r} takes no {' and no '.join(missing)}; {'; '.join(remedies) or takes}"


# --- the run folder
