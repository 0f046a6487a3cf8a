"""A run grows in its folder: more queries, conditions or repeats. What makes it another run is said in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safebench.datasets.cutting import KEY
from safebench.datasets.plan import RECOGNISERS, TOLD_BY
from safebench.errors import BadInput
from safebench.runs.config import CHANGEABLE, RESOLVED, REVISIONS, TAXONOMY, WORDING, taxonomy_in
from safebench.serialisation import differences
from safebench.store.items import items_by_revision
from safebench.store.store import Store
from safebench.taxonomy import check_agree

GROWING = ("data", "minibench", "intent", "limit", "conditions", "repeats")  # what is asked
COUNTED = ("data_sha256", "queries")  # what that is resolved to
GAINING = ("recipes", "dealing", "media", "chosen", RECOGNISERS, "written")  # tables there that gain keys
WHAT = {  # by the key of a run file, or of what is resolved there
    **dict.fromkeys(("target", "family", "base_url", "api_key_env", "accepts", "parameters", "options"), "its target"),
    **dict.fromkeys(("jury", "jury_seed", "jurors", "prompts", "writer"), "its jury"),
    **dict.fromkeys(("recipes", "recipe", "dealing", "media"), "its recipes"),
    **dict.fromkeys((*GROWING, *COUNTED, REVISIONS), "what is asked"),
    "chosen": "what its recipes stand for",
    RECOGNISERS: "who reads media back",
    TAXONOMY: "its scenarios",
    **dict.fromkeys(("written", WORDING), "what is written"),
    TOLD_BY: "who tells languages",
    "safebench": "the version of SafeBench",
    KEY: "what part of it is asked",
}
PROMPTS, SCENARIOS = "prompts", "scenarios"  # what verdicts depend on, and a hash there
SHOWN, LONGEST = 8, 160


@dataclass(frozen=True, slots=True)
class RunRevision:
    """What a run asked for from some command on, by which version, and how many `items` came with it."""

    number: int
    safebench: str
    data: str
    queries: int
    conditions: list[str]
    repeats: int
    items: int


def revisions_of(asked: Mapping[str, Any], store: Store) -> list[RunRevision]:
    """From a run file; empty for a log of Inspect's, which does not grow."""
    items = items_by_revision(store)
    keys = ("safebench", "data", "queries", "conditions", "repeats")
    return [
        RunRevision(number, **{key: revision[key] for key in keys}, items=items.get(number, 0))
        for number, revision in enumerate(asked.get(REVISIONS, []), start=1)
    ]


def revisions_line(revisions: Sequence[RunRevision]) -> str | None:
    """Which items came with which; None for a run that has not grown."""
    if len(revisions) < 2:
        return None
    parts = (f"{r.number}: {r.items} items ({r.queries} queries, {', '.join(r.conditions)})" for r in revisions)
    return f"grown in {len(revisions)} revisions. {'; '.join(parts)}"


def revision_of(run: Mapping[str, Any]) -> dict[str, Any]:
    """What a run file asks for that may grow, and by which version."""
    asked = {key: run[key] for key in GROWING if key in run}
    return {"safebench": run[RESOLVED]["safebench"], **asked, **{key: run[RESOLVED][key] for key in COUNTED}}


def is_more(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    """Whether a revision asks for other items than the one before, in whatever order its conditions are named."""
    return any(_counted(wanted[key]) != _counted(there[key]) for key in ("conditions", "repeats", *COUNTED))


def _counted(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


def check_grown(folder: Path, there: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raises BadInput where the run in a folder is neither the one that is wanted nor one that it grows from.

    That the queries of the one are a part of those of the other is seen when the data are planned.
    """
    conditions, repeats = there["conditions"], there["repeats"]
    check_agree(taxonomy_in(there[RESOLVED]), folder, taxonomy_in(wanted[RESOLVED]), wanted["data"])
    if there.get(KEY) and is_more(revision_of(wanted), revision_of(there)):
        raise BadInput(
            f"{folder} holds shard {there[KEY]} of a run, and a shard does not grow: merge the shards and let the whole"
            " grow, or choose another --out"
        )
    lost = [condition for condition in conditions if condition not in wanted["conditions"]]
    if lost:
        raise BadInput(
            f"{folder} holds a run under {', '.join(lost)} as well, and a run only grows: name all its conditions"
            f" ({', '.join(conditions)}), or choose another --out"
        )
    if repeats > wanted["repeats"]:
        raise BadInput(
            f"{folder} holds a run with {repeats} repeats, and a run only grows: --repeats {repeats} or more, or choose"
            " another --out"
        )
    check_same(folder, _fixed(there, there), _fixed(wanted, there))


def _fixed(run: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
    """Of a run file what does not grow: of tables that gain keys those that the run in the folder has."""
    kept = there[RESOLVED]
    resolved = _with_scenarios_of(kept, run[RESOLVED])
    for key in COUNTED:
        resolved.pop(key, None)
    for key in GAINING:
        table, names = resolved.get(key, {}), kept.get(key)
        resolved[key] = _of_those_there(table, names)
    if TOLD_BY not in kept:
        resolved.pop(TOLD_BY, None)
    wordings = {WORDING: _of_those_there(run.get(WORDING, {}), there.get(WORDING, {}))}
    asked = {key: value for key, value in run.items() if key not in (*GROWING, REVISIONS)}
    return {**asked, **wordings, RESOLVED: resolved}


def _with_scenarios_of(kept: Mapping[str, Any], resolved: Mapping[str, Any]) -> dict[str, Any]:
    """What a run is resolved to, with the taxonomy of the one that is there, where its own only has more scenarios.

    That these say the same is checked before. Jurors are shown the scenario of each query, and so see the same as well.
    """
    if not taxonomy_in(kept).scenarios.keys() < taxonomy_in(resolved).scenarios.keys():
        return dict(resolved)
    scenarios = {SCENARIOS: kept[PROMPTS][SCENARIOS]}
    own = {key: value for key, value in resolved.items() if key != TAXONOMY}
    return {**own, PROMPTS: {**own[PROMPTS], **scenarios}, **({TAXONOMY: kept[TAXONOMY]} if TAXONOMY in kept else {})}


def _of_those_there(table: Any, names: Any) -> Any:
    """Of a table that gains keys, those that the run in the folder has."""
    names = names if isinstance(names, dict) else {}
    return {n: v for n, v in table.items() if n in names} if isinstance(table, dict) else table


def check_same(folder: Path, there: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raises BadInput where the run in a folder is not the one that is wanted."""
    if differing := differing_in(there, wanted):
        raise BadInput(f"{folder} holds another run: it differs in {differing}. Choose another --out")


def differing_in(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """In words, then key by key; empty where two run files say the same."""
    old = {key: there.get(RESOLVED, {}).get(key) for key in wanted[RESOLVED]}
    differing = differences(_asked(there), _asked(wanted))
    differing += differences({RESOLVED: old}, {RESOLVED: wanted[RESOLVED]})
    what = " and ".join(dict.fromkeys(map(_in_words, differing)))
    shown = "; ".join(one if len(one) <= LONGEST else f"{one[:LONGEST]}…" for one in differing[:SHOWN])
    return f"{what}: {shown}" if differing else ""


def _asked(run: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a run this run and no other."""
    return {key: value for key, value in run.items() if key not in CHANGEABLE and key != RESOLVED}


def _in_words(difference: str) -> str:
    key = difference.removeprefix(f"{RESOLVED}.").split(" ")[0].split(".")[0]
    return WHAT.get(key, key)
