"""The folder of a run: claimed, and the run file in it that says what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safebench import __version__, registry
from safebench.datasets.plan import RECOGNISERS
from safebench.errors import BadInput
from safebench.files import is_claimed, read_toml, write_toml
from safebench.jury.files import JurorTable, JuryTable, jury_tables, jury_versions
from safebench.rendering.assignment import recipes_of
from safebench.rendering.frozen import check_frozen
from safebench.rendering.recipes import Recipe
from safebench.resources import prompt
from safebench.runs.config import CHANGEABLE, RESOLVED, REVISIONS, RUN_FILE, TAXONOMY, WORDING, RunConfig, taxonomy_in
from safebench.runs.plan import RunPlan, stages_before
from safebench.runs.revisions import check_grown, is_more, revision_of
from safebench.serialisation import plain_tables
from safebench.store.schema import DATABASE
from safebench.taxonomy import Taxonomy, paper
from safebench.types import Condition

WRITTEN: Mapping[str, type] = {  # in the file of every run
    "data": str, "target": str, "conditions": list, "jury": dict, "seed": int, "repeats": int, RESOLVED: dict,
}  # fmt: skip


class _WrittenJury(JuryTable):
    """In the file of a run, whose jurors may have been nobody."""

    jurors: tuple[JurorTable, ...]


def is_there(plan: RunPlan) -> bool:
    """Whether the folder holds this run already, or one that it grows from. Raises BadInput when it holds another."""
    folder, wanted = plan.folder, run_file(plan)
    return is_claimed(folder, RUN_FILE, "run folder", lambda _: check_grown(folder, read_run_file(folder), wanted))


def claim_folder(plan: RunPlan) -> None:
    """Make the folder of a new run, or check that it holds one that this run grows from."""
    if not is_there(plan):
        wanted = run_file(plan)
        plan.folder.mkdir(parents=True, exist_ok=True)
        write_toml(plan.folder / RUN_FILE, {**wanted, REVISIONS: [revision_of(wanted)]})


def keep_revision(plan: RunPlan) -> int:
    """The number of the revision that the plan is. The run file tells what the run grows by, and what is free to change
    as this start has it: its budget and its largest share of open items are those that count now.

    Raises BadInput where another process has grown the run since this one was planned.
    """
    if stages_before(plan.config) != plan.data.before or not is_there(plan):
        raise BadInput(f"the run in {plan.folder} has grown meanwhile: start the same command again")
    there, wanted = read_run_file(plan.folder), run_file(plan)
    free = {key: wanted[key] for key in sorted(CHANGEABLE) if key in wanted}
    written = {**{key: value for key, value in there.items() if key not in CHANGEABLE}, **free}
    revisions = [*there.get(REVISIONS, [])]
    if not revisions or is_more(revision_of(wanted), revisions[-1]):
        revisions.append(revision_of(wanted))
        resolved = {**there[RESOLVED], **wanted[RESOLVED]}
        written = {**wanted, RESOLVED: resolved, REVISIONS: revisions}
    if written != there:
        write_toml(plan.folder / RUN_FILE, written)
    return len(revisions)


def is_run_folder(file: Path) -> bool:
    """Whether a run file is the one that a run wrote into its folder."""
    return file.name == RUN_FILE and (file.parent / DATABASE).is_file()


def run_file(plan: RunPlan) -> dict[str, Any]:
    """What was asked, in the form that `safebench run FILE` takes, and what it was resolved to."""
    said_elsewhere = {RESOLVED, REVISIONS, "jury_models", "wordings"}
    asked = plan.config.model_dump(mode="json", exclude_none=True, exclude=said_elsewhere)
    data = Path(plan.config.data)
    asked["data"] = str(data.resolve()) if data.exists() else plan.config.data
    asked["out"] = str(plan.folder.resolve())
    asked["conditions"] = [str(condition) for condition in plan.data.conditions]
    asked[WORDING] = {name: wording.table() for name, wording in plan.data.named_wordings().items()}
    asked["jury"] = jury_tables(plan.asking.jury_table)
    asked |= {key: str(Path(asked[key]).resolve()) for key in ("calibration", "prices") if asked.get(key)}
    return {**asked, RESOLVED: resolved(plan)}


def resolved(plan: RunPlan) -> dict[str, Any]:
    """Versions and hashes of all that the results depend on."""
    rendering = plan.rendering
    recipes, media = recipes_of(rendering.assignments.values()), rendering.made.media if rendering.made else {}
    known = plan.data.dataset.taxonomy
    brought = {f"{r.medium}.{r.name}": media[r.medium, r.name] for r in recipes if (r.medium, r.name) in media}
    return {
        "safebench": __version__,
        "data_sha256": plan.data.dataset.sha256,
        **({"media": brought} if brought else {}),
        "queries": len(plan.data.dataset.queries),
        "target": plain_tables(plan.asking.target.describe()),
        RECOGNISERS: rendering.settings.read_by(),
        **plan.data.chosen(),
        **plan.data.told_by(),
        **({TAXONOMY: known.tables()} if known != paper() else {}),
        **jury_versions(plan.asking.jury, known),
        "recipes": {f"{recipe.medium}.{recipe.name}": recipe.fingerprint() for recipe in recipes},
        **plan.data.dealing(),
        "written": _written(plan),
    }


def _written(plan: RunPlan) -> dict[str, str]:
    """Hashes of what the target is shown in writing: by condition, and recipe where that deals; and by prompt."""
    hashes = {_place(condition, recipe): carrier.fingerprint() for condition, recipe, carrier in plan.data.carriers()}
    forms = ("choose", "repeat", "sentences") if plan.config.probe else ()
    prompts = [prompt(f"comprehension.{form}") for form in forms]
    return hashes | {prompt.id: prompt.fingerprint() for prompt in prompts}


def _place(condition: Condition, recipe: Recipe | None) -> str:
    return str(condition) if recipe is None or recipe.name == condition.recipe else f"{condition} by {recipe.name}"


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
    return _as_written(asked, file)


def _as_written(asked: dict[str, Any], file: Path) -> dict[str, Any]:
    """The same with each value of the type that it has in a run. Raises BadInput for what no run would have written."""
    check_frozen(asked[RESOLVED], file)
    known = {key: asked[key] for key in RunConfig.model_fields if key in asked}
    config = registry.validated(RunConfig, str(file), {"out": str(file.parent), **known})
    registry.validated(_WrittenJury, f"{file}: jury", asked["jury"])
    typed = config.model_dump(mode="json", include=set(known), exclude_none=True)
    return {**asked, **typed}


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def taxonomy_of_run(folder: Path) -> Taxonomy:
    """That of a run's data; the paper's where its file is gone. Raises BadInput for one that cannot be read."""
    file = folder / RUN_FILE
    return taxonomy_in(read_toml(file).get(RESOLVED, {})) if file.is_file() else paper()
