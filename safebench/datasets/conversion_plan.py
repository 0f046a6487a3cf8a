"""What a conversion will make, checked as a whole before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safebench.datasets.card import canary, read_card
from safebench.datasets.config import ConvertConfig
from safebench.datasets.cutting import KEY, PLACES
from safebench.datasets.plan import DEALING, RECOGNISERS, TOLD_BY, DataPlan, limits_of, plan_data, plan_settings
from safebench.datasets.shards import CANARY, CONVERT_FILE, PAIRS, RECIPE, packed_queries, read_convert_file
from safebench.errors import BadInput
from safebench.files import is_claimed
from safebench.models.calls import CallLimits
from safebench.rendering.alternatives import CHOSEN
from safebench.rendering.assignment import Assignment, Stages, assign, recipes_of
from safebench.rendering.chain import RenderJob
from safebench.rendering.recipes import Recipe, Recipes
from safebench.rendering.renderer import RenderSettings
from safebench.serialisation import differences
from safebench.taxonomy import beside, check_agree
from safebench.types import TEXT, Condition, Query

ASKED = "asked"  # key of `convert.toml`: the options with which the same conversion is asked for again
BUDGET = ("max_calls", "max_cost", "prices")  # keys of that table: what the last start might cost
REVISIONS = "revisions"  # key there: what it has grown by; lines are only added
FIXED = {  # keys there that make it this conversion, in words; of tables those that are there already
    "seed": "its seed",
    "check_share": "the share that is checked",
    "recipes": "its recipes",
    DEALING: "its recipes",
    CHOSEN: "what its recipes stand for",
    RECOGNISERS: "who reads media back",
    TOLD_BY: "who tells languages",
}


@dataclass(frozen=True, slots=True)
class ConversionPlan:
    """A conversion that can begin. `asked` is what `convert.toml` says of it."""

    config: ConvertConfig
    data: DataPlan
    assignments: tuple[Assignment, ...]  # of each recipe once, whatever number of conditions name it
    settings: RenderSettings
    asked: Mapping[str, Any]
    rendered: tuple[str, ...]  # the conditions whose media differ

    @property
    def out(self) -> Path:
        return Path(self.config.out)

    @property
    def pairs(self) -> bool:
        """Whether whole pairs are wanted, or are there already and go on with the rest."""
        return self.config.pairs or (self.out / PAIRS).is_dir()

    @property
    def revision(self) -> dict[str, Any]:
        """What is asked for that may grow."""
        return {
            "safebench": version("safebench"),
            "queries": len(self.data.dataset.queries),
            "conditions": list(self.rendered),
            "data_sha256": self.asked["data_sha256"],
        }

    def convert_file(self) -> dict[str, Any]:
        """What `convert.toml` says from now on: where it grows a line more, in place of one that was never packed."""
        packed = len(self.data.before[-1]) if self.data.before else 0
        revisions = [one for one in read_convert_file(self.out).get(REVISIONS, []) if one["queries"] <= packed]
        grown = not revisions or self.grows_from(revisions[-1])
        return {**self.asked, REVISIONS: [*revisions, *([self.revision] if grown else [])]}

    def grows_from(self, last: Mapping[str, Any]) -> bool:
        return any(last.get(key) != value for key, value in self.revision.items() if key != "safebench")

    @property
    def recipes(self) -> list[Recipe]:
        return recipes_of(self.assignments)

    def limits(self) -> CallLimits:
        return limits_of(self.config, self.data.shard)

    def jobs(self) -> list[RenderJob]:
        """Query by query, so that what one query shares is rendered at about the same time."""
        return [assignment.job(query) for query in self.data.queries for assignment in self.assignments]


def plan_conversion(config: ConvertConfig) -> ConversionPlan:
    """Raises BadInput for anything that cannot work, and for a folder that holds anything but this very conversion."""
    before = read_convert_file(Path(config.out))
    if before and before.get(KEY) != config.shard:
        held = f"shard {before[KEY]} of a conversion" if KEY in before else "a whole conversion, and no shard of one"
        raise BadInput(f"{config.out} holds {held}: choose another --out")
    data = plan_data(config, before, () if config.shard else _stages(Path(config.out), before))
    without = [str(c) for c in data.conditions if c.recipe is None or c.medium == TEXT]
    if without:
        raise BadInput(f"condition {', '.join(without)} makes no media: there is nothing to convert")
    if worded := [str(c) for c in data.conditions if c.wording]:
        raise BadInput(f"condition {', '.join(worded)}: a conversion asks nothing, so leave out what follows the ~")
    rendered = _rendered(data, _there(before, data, config.seed))
    assignments = tuple(rendered.values())
    for recipe in recipes_of(assignments):
        recipe.check()
    settings = plan_settings(config, data, before)
    asked = _asked(config, data, recipes_of(assignments), settings)
    plan = ConversionPlan(config, data, assignments, settings, asked, tuple(map(str, rendered)))
    if before:
        check_agree(beside(plan.out), plan.out, data.dataset.taxonomy, config.data)
    is_claimed(plan.out, CONVERT_FILE, "conversion", lambda there: _check_same(plan, there))
    return plan


def _there(before: Mapping[str, Any], data: DataPlan, seed: int) -> dict[Condition, Assignment]:
    """The conditions of which a folder holds the media, but for those whose recipe is another one now."""
    conditions = dict.fromkeys(
        one for line in before.get(REVISIONS, []) for one in map(Condition.parse, line["conditions"])
    )
    made = {}
    for condition in conditions:
        recipe = data.known.get((condition.medium, condition.recipe or ""))
        if condition in data.assignments:
            made[condition] = data.assignments[condition]
        elif recipe and recipe.table() == before.get(RECIPE, {}).get(recipe.medium, {}).get(recipe.name):
            made[condition] = assign(recipe, data.known, data.dataset.queries, seed, before=data.before)
    return made


def _rendered(data: DataPlan, there: Mapping[Condition, Assignment]) -> dict[Condition, Assignment]:
    """The conditions whose media differ: those that only ask otherwise beside the same media need none of their own.

    Of these the one stands that is `there` already, whether or not it is named again, else the first.
    """
    wanted = {_made_by(data, condition, one) for condition, one in data.assignments.items()}
    distinct: dict[tuple[str, ...], Condition] = {}
    every = {**there, **data.assignments}
    for condition, assignment in every.items():
        distinct.setdefault(_made_by(data, condition, assignment), condition)
    return {condition: every[condition] for made_by, condition in distinct.items() if made_by in wanted}


def _made_by(data: DataPlan, condition: Condition, assignment: Assignment) -> tuple[str, ...]:
    """The recipes of its media, by query."""
    return condition.medium, *(assignment.recipe(query).name for query in data.dataset.queries)


def _stages(out: Path, before: Mapping[str, Any]) -> Stages:
    """The queries that are packed in a folder, as they were at each stage that it has grown by."""
    queries = packed_queries(out) if before else ()
    counts = dict.fromkeys(revision["queries"] for revision in before.get(REVISIONS, []))
    return tuple(_stage(queries[:count]) for count in counts if 0 < count <= len(queries))


def _stage(queries: Sequence[Query]) -> tuple[Query, ...]:
    """A twin that came later is none."""
    there = {query.id for query in queries}
    return tuple(query if query.twin in there else replace(query, twin=None) for query in queries)


def asked_before(folder: Path) -> dict[str, Any]:
    """The options that ask again for the conversion in a folder, wherever it lies now.

    Raises BadInput where its file does not tell them.
    """
    there = read_convert_file(folder)
    if not isinstance(there.get(ASKED), dict):
        raise BadInput(
            f"{folder / CONVERT_FILE} does not tell what was asked: give the same command with --out {folder}"
        )
    kept = {key: there[key] for key in ("seed", "check_share", KEY) if key in there}
    recipes = {
        medium: {name: _chosen_again(f"{medium}.{name}", table, there) for name, table in named.items()}
        for medium, named in there.get(RECIPE, {}).items()
    }
    return {**there[ASKED], **kept, RECIPE: recipes, "out": str(folder)}


def _chosen_again(key: str, table: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe as it is asked for: one that was a choice is one again, of nothing but what was chosen."""
    was_chosen = key in there.get(CHOSEN, {})
    return {"first_of" if was_chosen and name == "among" else name: value for name, value in table.items()}


def _options(config: ConvertConfig, data: DataPlan) -> dict[str, Any]:
    """Without the recipes, which stand beside them, and what changes nothing that is made, but for what it may cost."""
    queries = {"text_column", "encoding", "language", "minibench", "intent", "limit"}
    kept = config.model_dump(mode="json", exclude_defaults=True, include={*queries, "pairs", "recognisers", *BUDGET})
    path = Path(config.data)
    paths = {"data": str(path.resolve()) if path.exists() else config.data}
    paths |= {"prices": str(Path(config.prices).resolve())} if config.prices else {}
    return {**kept, **paths, "conditions": [str(condition) for condition in data.conditions]}


def _asked(
    config: ConvertConfig, data: DataPlan, recipes: Sequence[Recipe], settings: RenderSettings
) -> dict[str, Any]:
    return {
        "data": data.dataset.name,
        ASKED: _options(config, data),
        "data_sha256": data.dataset.sha256,
        "seed": settings.seed,
        "check_share": settings.check_share,
        RECOGNISERS: settings.read_by(),
        **data.chosen(),
        **data.dealing(),
        **data.told_by(),
        "recipes": {recipe.condition: recipe.fingerprint() for recipe in recipes},
        RECIPE: _tables(data),
        CANARY: read_card(config.data).canary or canary(data.whole.sha256),
        **_part(data),
    }


def _part(data: DataPlan) -> dict[str, Any]:
    """Of a shard which it is, and where its queries stand in the whole; empty for the whole."""
    mine = data.mine
    if mine is None:
        return {}
    return {KEY: str(data.shard), PLACES: [n for n, query in enumerate(data.dataset.queries) if query.id in mine]}


def _tables(data: DataPlan) -> dict[str, dict[str, Any]]:
    """The recipes and those that they name in turn, as in a recipes file, so that a run of the folder needs none."""
    left = [data.known[c.medium, c.recipe or ""] for c in data.conditions]
    held: Recipes = {}
    while left:
        recipe = left.pop()
        names = (*recipe.among, recipe.another, *recipe.languages.values())
        held[recipe.medium, recipe.name] = recipe
        left += [data.known[recipe.medium, name] for name in names if name and (recipe.medium, name) not in held]
    tables: dict[str, dict[str, Any]] = {}
    for (medium, name), recipe in held.items():
        tables.setdefault(medium, {})[name] = recipe.table()
    return tables


def _check_same(plan: ConversionPlan, there: Mapping[str, Any]) -> None:
    """Raises BadInput where the conversion in the folder is neither the one that is wanted nor one that it grows from.

    That the queries of the one are a part of those of the other is seen when the data are planned.
    """
    if not there.get(REVISIONS):
        raise BadInput(
            f"{plan.out / CONVERT_FILE} has no {REVISIONS}: it was made before conversions grew, and is neither"
            " continued nor grown. Use it as it is, or choose another --out"
        )
    last = there[REVISIONS][-1]
    if plan.data.shard and plan.grows_from(last):
        raise BadInput(
            f"{plan.out} holds shard {plan.data.shard} of a conversion, and a shard does not grow: merge the shards and"
            " let the whole grow, or choose another --out"
        )
    lost = [one for one in last["conditions"] if one not in plan.rendered]
    if lost:
        raise BadInput(
            f"{plan.out} holds a conversion under {', '.join(lost)} as well, and a conversion only grows: name all its"
            f" conditions ({', '.join(last['conditions'])}), or choose another --out"
        )
    differing = {key: lines for key in FIXED if (lines := _differing(key, there, plan.asked))}
    if differing:
        shown = "; ".join(line for lines in differing.values() for line in lines)
        what = " and ".join(dict.fromkeys(FIXED[key] for key in differing))
        raise BadInput(f"{plan.out} holds another conversion: it differs in {what}: {shown}. Choose another --out")


def _differing(key: str, there: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    old, new = there.get(key), wanted.get(key)
    if isinstance(new, Mapping):
        new = {name: value for name, value in new.items() if name in (old or {})}
    return differences({key: old}, {key: new}) if old is not None else []
