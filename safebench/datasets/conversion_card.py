"""What a conversion made: fidelity by recipe and scenario, and the data card that travels with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyarrow import parquet

from safebench.datasets.card import markdown_table
from safebench.datasets.renderings import failure_in, fidelity_in
from safebench.datasets.shards import TRIES, check_shards, schema, shards
from safebench.errors import BadInput
from safebench.rendering.fidelity import COUNTS, shown_mean, shown_measures, summarise_fidelity
from safebench.rendering.recipes import Recipe
from safebench.targets.lengths import USUAL
from safebench.taxonomy import UNASSIGNED, beside
from safebench.types import Condition

Tried = tuple[str, int]  # the fidelity of a rendering as JSON, and its tries
Cells = dict[str, dict[str, Any]]  # fidelity by condition
READ = ("id", "recipe", "scenario", "fidelity_status", "fidelity", "failure")  # columns
DURATION = "duration"  # in s: a column of the media that last
LONG = "long_clips"


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
    configs = "\n".join(
        f"- config_name: {medium}\n  data_files: {medium}/train-*.parquet\n  default: {str(n == 0).lower()}"
        for n, medium in enumerate(by_medium)
    )
    recipes = "\n".join(f"- `{r.condition}`: {r.description}" for ones in by_medium.values() for r in ones)
    columns = ", ".join(f"`{name}`" for name in dict.fromkeys(n for medium in by_medium for n in schema(medium).names))
    return (
        f"---\nconfigs:\n{configs}\n---\n\n# {source}, rendered\n\n{held}, rendered by SafeBench:\n\n"
        f"{recipes}\n\n{_table(cells_of(folder)[0])}\n\n"
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
