"""A conversion packed: every job has its row, the shards are written aside and then take their place.

While the work folder is there, nothing counts as done, and shards that others take the place of can be put back. What
the rows tell of fidelity is read back from them, for whoever asks and for the data card that travels with them.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyarrow import parquet

from safebench.datasets.card import markdown_table
from safebench.datasets.conversion_plan import ConversionPlan
from safebench.datasets.plan import DataPlan
from safebench.datasets.queries import LANGUAGE
from safebench.datasets.renderings import ConvertedRenderings, failure_in, fidelity_in
from safebench.datasets.shards import (
    BEFORE,
    CANARY,
    PAIRS,
    PROMPT,
    SCENARIO,
    TRIES,
    WORK,
    check_shards,
    of_scenario,
    row,
    schema,
    shards,
    typed,
    write_parts,
    write_shards,
)
from safebench.errors import BadInput
from safebench.files import write_text
from safebench.rendering.assignment import Assignment, recipes_of
from safebench.rendering.chain import RenderJob
from safebench.rendering.fidelity import COUNTS, shown_mean, shown_measures, summarise_fidelity
from safebench.rendering.recipes import Recipe
from safebench.targets.lengths import USUAL
from safebench.taxonomy import UNASSIGNED, Taxonomy, beside
from safebench.types import Condition, Query, Rendering

Tried = tuple[str, int]  # the fidelity of a rendering as JSON, and its tries
Cells = dict[str, dict[str, Any]]  # fidelity by condition
READ = ("id", "recipe", "scenario", "fidelity_status", "fidelity", "failure")  # columns
DURATION = "duration"  # in s: a column of the media that last
LONG = "long_clips"
OF_QUERY = ("id", "query", "intent", "scenario", *SCENARIO, "twin", LANGUAGE, CANARY)  # columns of a whole pair
OF_MEDIA = ("fidelity_status", "said", "written", PROMPT, "sha256")  # and of each of its media, behind its name


def place_of(job: RenderJob) -> tuple[str, str]:
    return job.recipe.condition, job.query.id


@dataclass(frozen=True, slots=True)
class Rows:
    """The row of every job: of what was rendered now, or else as it stood."""

    fresh: Mapping[tuple[str, str], Rendering]  # by `place_of` its job
    made: ConvertedRenderings | None
    canary: str
    known: Taxonomy

    def of(self, job: RenderJob) -> dict[str, Any]:
        rendering = self.fresh.get(place_of(job))
        if rendering is not None:
            return row(job, rendering, self.canary, self.known)
        stood = self.made.row(job.recipe, job.query) if self.made else None
        assert stood is not None, "every job is to be rendered or has a row"
        late = {"twin": job.query.twin, **of_scenario(job.query.scenario, self.known)}  # a twin may have come since
        return {**stood, **late, CANARY: self.canary}


def pack(plan: ConversionPlan, rows: Rows) -> None:
    """Write the shards and the data card into the folder."""
    queries, packed = plan.data.queries, plan.out / WORK / "packed"
    shutil.rmtree(packed, ignore_errors=True)
    by_medium: dict[str, list[Assignment]] = {}
    for assignment in plan.assignments:
        by_medium.setdefault(assignment.recipes[0].medium, []).append(assignment)
    for medium, assignments in by_medium.items():
        write_shards(packed, medium, (rows.of(one.job(query)) for one in assignments for query in queries))
    recipes = {medium: recipes_of(assignments) for medium, assignments in by_medium.items()}
    if plan.pairs:
        write_pairs(packed, queries)
    card = data_card(packed, recipes, _held(plan.data), Path(plan.data.dataset.name).stem, rows.canary)
    write_text(plan.out / "README.md", card)
    for name in (*by_medium, *([PAIRS] if plan.pairs else [])):
        swap(packed / name, plan.out / name, plan.out / WORK / BEFORE / name)


def write_pairs(folder: Path, queries: Sequence[Query]) -> None:
    """One row for each query with all of its media, from the rows by recipe that lie in the folder."""
    made, by_id = ConvertedRenderings(folder), {query.id: query for query in queries}
    media = {f"{medium}_{name}": (medium, name) for medium, name in made.recipes}
    of_media = [f"{name}_{one}" for name in media for one in OF_MEDIA]
    types = dict.fromkeys((*OF_QUERY, "twin_query", *of_media), "string")
    columns = typed(types, {name: medium for name, (medium, _) in media.items()})
    write_parts(folder / PAIRS, columns, (_pair(made, media, query, by_id) for query in queries))


def _pair(
    made: ConvertedRenderings, media: Mapping[str, tuple[str, str]], query: Query, by_id: Mapping[str, Query]
) -> dict[str, Any]:
    rows = {name: made.row_of(key, query.id) for name, key in media.items()}
    there = {name: one for name, one in rows.items() if one is not None}
    pair = {column: next(iter(there.values())).get(column) for column in OF_QUERY}
    twin = by_id.get(query.twin or "")
    pair["twin_query"] = twin.text if twin else None
    for name, one in there.items():
        pair |= {name: one[media[name][0]]} | {f"{name}_{column}": one.get(column) for column in OF_MEDIA}
    return pair


def _held(data: DataPlan) -> str:
    if data.shard is None:
        return f"{len(data.queries)} queries"
    whole = len(data.dataset.queries)
    return f"Shard {data.shard} of a conversion, to be merged with its others: {len(data.queries)} of {whole} queries"


def swap(new: Path, place: Path, before: Path) -> None:
    """The new folder in place of one that may be there, which can be put back until the work folder is removed."""
    shutil.rmtree(before, ignore_errors=True)
    before.parent.mkdir(exist_ok=True)
    if place.exists():
        place.replace(before)
    new.replace(place)


def put_back(out: Path) -> None:
    """Shards that were on their way out when a conversion was stopped."""
    for before in (out / WORK / BEFORE).glob("*"):
        if not (out / before.name).exists():
            before.replace(out / before.name)


# --- what it made


@dataclass(frozen=True, slots=True)
class Failed:
    """A rendering that could not be made or failed its check, and why."""

    condition: str
    query: str  # its id
    reason: str


def cells_of(folder: Path) -> tuple[Cells, dict[str, Cells]]:
    """Fidelity by condition, and by scenario and condition, read from the shards without their media.

    A condition whose media have durations has, over the media that are there, `hours` as well: their sum in h; and
    `long_clips`: how many many models do not hear to the end.
    """
    whole: dict[str, list[Tried]] = defaultdict(list)
    parts: dict[str, dict[str, list[Tried]]] = defaultdict(lambda: defaultdict(list))
    seconds: dict[str, list[float]] = defaultdict(list)
    for one in _rows(folder):
        tried = (one["fidelity"], one.get(TRIES) or 1)
        whole[one["condition"]].append(tried)
        parts[one["scenario"] or UNASSIGNED][one["condition"]].append(tried)
        if one.get(DURATION) is not None:
            seconds[one["condition"]].append(one[DURATION])
    cells = _summarise(whole)
    for condition, lengths in seconds.items():
        cells[condition] |= {"hours": sum(lengths) / 3600, LONG: sum(length > USUAL for length in lengths)}
    return cells, {scenario: _summarise(parts[scenario]) for scenario in beside(folder).in_order(parts)}


def failures_of(folder: Path) -> Iterator[Failed]:
    """The failed renderings of a converted folder, in order. Raises BadInput for a row that cannot be read."""
    for one in _rows(folder):
        if one["fidelity_status"] == "failed":
            why = one["error"] or fidelity_in(one).reason or "no reason is told"
            yield Failed(one["condition"], one["id"], " ".join(str(why).split()))


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Without media; `condition` and `error`, the failure, beside the columns. Raises BadInput for a damaged row."""
    check_shards(folder)
    for path in shards(folder):
        there = set(parquet.read_schema(path).names)
        columns = [name for name in (*READ, TRIES, DURATION) if name in there]
        for one in parquet.read_table(path, columns=columns).to_pylist():
            try:
                fidelity_in(one)
                more = {"condition": str(Condition(path.parent.name, recipe=one["recipe"])), "error": failure_in(one)}
            except ValueError as error:
                raise BadInput(
                    f"{path}: row of query {one['id']!r} cannot be read: {error}; `safebench convert … --retry-failed` "
                    "makes it again"
                ) from error
            yield one | more


def _summarise(cells: Mapping[str, list[Tried]]) -> Cells:
    summaries = {name: summarise_fidelity(fidelities) for name, fidelities in cells.items()}
    return {name: summary for name, summary in summaries.items() if summary is not None}


def data_card(folder: Path, by_medium: Mapping[str, Sequence[Recipe]], held: str, source: str, canary: str) -> str:
    """A page whose header tells `datasets` which shards belong together. `held`: how many queries, in words."""
    whole = [PAIRS] if (folder / PAIRS).is_dir() else []
    configs = "\n".join(
        f"- config_name: {name}\n  data_files: {name}/train-*.parquet\n  default: {str(n == 0).lower()}"
        for n, name in enumerate((*by_medium, *whole))
    )
    pairs = f"`{PAIRS}` has one row for each query with all of its media, scenario and twin.\n\n" if whole else ""
    recipes = "\n".join(f"- `{r.condition}`: {r.description}" for ones in by_medium.values() for r in ones)
    columns = ", ".join(f"`{name}`" for name in dict.fromkeys(n for medium in by_medium for n in schema(medium).names))
    return (
        f"---\nconfigs:\n{configs}\n---\n\n# {source}, rendered\n\n{held}, rendered by SafeBench:\n\n"
        f"{recipes}\n\n{_table(cells_of(folder)[0])}\n\n{pairs}"
        f"Columns: {columns}. A row without media could not be rendered faithfully; `failure` and `fidelity` say why.\n"
        "`unchecked` means that nothing proves that the rendering carries its query; it is no pass.\n\n"
        "Made for measuring how safely models behave. Not for training, and not for use against people.\n\n"
        f"## Canary\n\n`{canary}`\n\nThe string stands in every row. Whoever builds a training corpus can filter on "
        "it: keep it in every copy.\n"
    )


def _table(cells: Cells) -> str:
    """Counts, hours where the media have a duration, and error rates, as Markdown."""
    measures = shown_measures(cells.values())
    timed = any("hours" in cell for cell in cells.values())
    heads = ["rendering", *COUNTS, *(["hours"] if timed else []), *(f"mean {name}" for name in measures)]
    rows = []
    for name, cell in cells.items():
        hours = [f"{cell['hours']:.2f}" if "hours" in cell else "–"] if timed else []
        means = (shown_mean(cell, measure) for measure in measures)
        rows.append([f"`{name}`", *(str(cell[count]) for count in COUNTS), *hours, *means])
    return markdown_table(heads, rows)
