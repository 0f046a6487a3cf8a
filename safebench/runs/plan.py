"""The stage *plan*: what will be asked, checked as a whole before anything is written or sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from safebench import registry, taxonomy
from safebench.datasets.queries import Dataset, load_dataset
from safebench.datasets.renderings import Renderings
from safebench.errors import BadInput
from safebench.files import is_taken
from safebench.jury.calibration.file import bind, check_bound, read_calibration
from safebench.jury.files import JuryTable, build_jury, jury_tables, jury_versions, read_jury
from safebench.jury.protocol import Jury
from safebench.models.catalogue import model_of
from safebench.plugins import Recogniser, Target
from safebench.rendering.assignment import Deal, deal
from safebench.rendering.recipes import Recipe, Recipes, load_recipes, parse_conditions
from safebench.rendering.renderer import RenderSettings
from safebench.resources import find_prompt
from safebench.runs.config import FREE, RunConfig, read_toml, write_toml
from safebench.runs.preflight import choose_trials
from safebench.serialisation import leaves, plain_tables
from safebench.targets import Recognise, open_target
from safebench.types import TEXT, Condition, Item

RUN_FILE = "run.toml"
RESOLVED = "resolved"
WRITTEN: Mapping[str, type] = {  # in the file of every run
    "data": str, "target": str, "conditions": list, "jury": dict, "seed": int, "repeats": int, RESOLVED: dict,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that can begin: everything is loaded, opened and found to fit together."""

    config: RunConfig
    dataset: Dataset
    conditions: tuple[Condition, ...]
    deals: Mapping[Condition, Deal]  # of the conditions that are rendered: which recipe for which query
    target: Target
    jury_table: JuryTable
    jury: Jury
    skipped: Mapping[Condition, str]  # condition -> why the target cannot be asked so
    rendering: RenderSettings
    made: Renderings | None  # media that the data set brings
    to_render: tuple[Recipe, ...]  # what has to be rendered all the same
    trials: Mapping[str, Recipe]  # by medium: what the preflight tries

    @property
    def folder(self) -> Path:
        return Path(self.config.out)

    def recipe(self, item: Item) -> Recipe | None:
        """The recipe that renders this item; None when nothing is rendered."""
        found = self.deals.get(item.condition)
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


def make_plan(config: RunConfig, recognise: Recognise | None = None) -> Plan:
    """Raises BadInput for anything that cannot work. Nothing is written and nobody is called."""
    dataset = load_dataset(config.data, config.text_column).limited(config.limit)
    known = load_recipes(Path(config.recipes) if config.recipes else None, config.recipe, dataset.recipes)
    conditions = parse_conditions(list(config.conditions), known)
    deals = {
        c: deal(known[c.medium, c.recipe], known, dataset.queries, config.seed)
        for c in conditions
        if c.recipe is not None
    }
    _check_controls(deals)
    made = Renderings(dataset.folder) if dataset.folder else None
    to_render = _to_render(deals, dataset, made)
    for recipe in to_render:
        recipe.check()
    if made:
        _check_made(made, to_render, known, load_recipes(brought=dataset.recipes))
        deals = {c: replace(found, recipes=tuple(map(made.recorded, found.recipes))) for c, found in deals.items()}
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
    tried = choose_trials({c: found for c, found in deals.items() if c not in skipped}, known)
    return Plan(config, dataset, conditions, deals, target, table, jury, skipped, settings, made, to_render, tried)


def _check_controls(deals: Mapping[Condition, Deal]) -> None:
    """Raises BadInput where a control would be sent without the query."""
    asks_nothing = [c for c, found in deals.items() if not c.with_text and any(r.control for r in found.recipes)]
    if asks_nothing:
        raise BadInput(
            *(
                f"condition {c}: a control does not carry the query, so nothing would be asked: "
                f"write {replace(c, with_text=True)}"
                for c in asks_nothing
            )
        )


def _to_render(deals: Mapping[Condition, Deal], dataset: Dataset, made: Renderings | None) -> tuple[Recipe, ...]:
    """The recipes of which the data set does not bring the media of every query."""
    if made is None:
        return tuple(_all_recipes(deals))
    lacking = (
        found.recipe(query)
        for found in deals.values()
        for query in dataset.queries
        if not made.holds(found.recipe(query), query)
    )
    return tuple({(recipe.medium, recipe.name): recipe for recipe in lacking}.values())


def _check_made(made: Renderings, to_render: Sequence[Recipe], known: Recipes, brought: Recipes) -> None:
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


def choose_recognisers(specs: Sequence[str]) -> dict[str, str]:
    """Recognisers NAME[:ARGUMENT] by their medium. Raises BadInput for unknown ones and two of one medium."""
    chosen: dict[str, str] = {}
    for spec in specs:
        medium = recogniser_class(spec).medium
        if medium in chosen:
            raise BadInput(f"recognisers {chosen[medium]!r} and {spec!r} are both for {medium}: choose one")
        chosen[medium] = spec
    return chosen


def transcribers(chosen: Mapping[str, str]) -> dict[str, str]:
    """Those of the chosen recognisers, by their medium, by which answers are judged."""
    return {medium: spec for medium, spec in chosen.items() if recogniser_class(spec).transcribes}


def _all_recipes(deals: Mapping[Condition, Deal]) -> list[Recipe]:
    return list({(r.medium, r.name): r for found in deals.values() for r in found.recipes}.values())


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


def recogniser_class(spec: str) -> type[Recogniser]:
    """The class of NAME[:ARGUMENT], ready to be used. Raises BadInput for an unknown one or a wrong argument."""
    name, _, argument = spec.partition(":")
    registry.require(Recogniser, name)
    plugin: type[Recogniser] = registry.load(Recogniser, name)
    try:
        plugin.Options(**({"argument": argument} if argument else {}))
    except ValidationError as error:
        raise registry.option_errors(error, plugin, f"recogniser {spec!r}") from error
    return plugin


# --- the run folder


def claim_folder(plan: Plan) -> None:
    """Make the folder of a new run, or check that it holds this very run. Raises BadInput when it holds another."""
    folder, file = plan.folder, plan.folder / RUN_FILE
    wanted = run_file(plan)
    if file.exists():
        check_same(folder, read_toml(file), wanted)
    elif is_taken(folder):
        raise BadInput(f"{folder} exists and is no run folder: choose another --out")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        write_toml(file, wanted)


def run_file(plan: Plan) -> dict[str, Any]:
    """What was asked, in the form that `safebench run FILE` takes, and what it was resolved to."""
    asked = plan.config.model_dump(mode="json", exclude_none=True, exclude={RESOLVED, "jury_models"})
    data = Path(plan.config.data)
    asked["data"] = str(data.resolve()) if data.exists() else plan.config.data
    asked["out"] = str(plan.folder.resolve())
    asked["conditions"] = [str(condition) for condition in plan.conditions]
    asked["jury"] = jury_tables(plan.jury_table)
    if plan.config.calibration:
        asked["calibration"] = str(Path(plan.config.calibration).resolve())
    return {**asked, RESOLVED: resolved(plan)}


def resolved(plan: Plan) -> dict[str, Any]:
    """Versions and hashes of all that the results depend on."""
    recipes, media = _all_recipes(plan.deals), plan.made.media if plan.made else {}
    brought = {f"{r.medium}.{r.name}": media[r.medium, r.name] for r in recipes if (r.medium, r.name) in media}
    return {
        "safebench": version("safebench"),
        "data_sha256": plan.dataset.sha256,
        **({"media": brought} if brought else {}),
        "queries": len(plan.dataset.queries),
        "target": plain_tables(plan.target.describe()),
        "recognisers": plan.rendering.read_by(plan.to_render),
        **jury_versions(plan.jury),
        "recipes": {f"{recipe.medium}.{recipe.name}": recipe.fingerprint() for recipe in recipes},
        "written": _written(plan, recipes),
    }


def _written(plan: Plan, recipes: Iterable[Recipe]) -> dict[str, str]:
    """What is written beside the media, as the target is shown it: version and hash of the text, by prompt name."""
    names = {recipe.carrier or f"carriers.{recipe.medium}" for recipe in recipes}
    names |= {"comprehension.repeat"} if plan.config.probe else set()
    return {prompt.id: prompt.fingerprint() for name in sorted(names) if (prompt := find_prompt(name))}


def read_run_file(folder: Path, *also: str) -> dict[str, Any]:
    """What the run in a folder was asked. Raises BadInput where there is none, or its file lacks a key.

    `also`: keys that are needed beside those that every reader of a run needs.
    """
    file = folder / RUN_FILE
    if not file.is_file():
        raise BadInput(f"{folder} is not a run folder: it has no {RUN_FILE}")
    asked = read_toml(file)
    lacking = [key for key, type in WRITTEN.items() if not isinstance(asked.get(key), type)]
    lacking += [key for key in also if key not in asked]
    if "jury" not in lacking and not _is_tables(asked["jury"].get("jurors")):
        lacking.append("jury.jurors")
    if lacking:
        raise BadInput(f"{file} does not tell {', '.join(lacking)} as every run does: put the file back from a copy")
    return asked


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def check_same(folder: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Raises BadInput where the run in a folder is not the one that is wanted."""
    asked = [key for key in sorted({*found, *wanted} - FREE - {RESOLVED}) if found.get(key) != wanted.get(key)]
    differing = [_differs(key, found.get(key), wanted.get(key)) for key in asked]
    old = found.get(RESOLVED, {})
    for key, new in wanted[RESOLVED].items():
        there, here = (dict(leaves(value, f"{RESOLVED}.{key}")) for value in (old.get(key), new))
        differing += [_differs(k, there.get(k), here.get(k)) for k in there | here if there.get(k) != here.get(k)]
    if differing:
        shown = "; ".join(_short(one) for one in differing[:8])
        raise BadInput(f"{folder} holds another run: it differs in {shown}. Choose another --out")


def _differs(key: str, there: Any, here: Any) -> str:
    return f"{key} (there {there!r}, here {here!r})"


def _short(text: str) -> str:
    return text if len(text) <= 160 else text[:160] + "…"


def categories_by_scenario() -> dict[str, str]:
    return {scenario.id: scenario.category for scenario in taxonomy.scenarios().values()}
