"""A converted folder put together from its shards: the rows of the one that nobody cut, in its order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

from safebench.datasets.conversion_packing import data_card, write_pairs
from safebench.datasets.conversion_plan import ASKED, BUDGET, REVISIONS
from safebench.datasets.cutting import KEY, PLACES, SHOWN, Shard, check_one_whole
from safebench.datasets.shards import (
    CANARY,
    CONVERT_FILE,
    PAIRS,
    RECIPE,
    read_convert_file,
    read_converted,
    rows_of,
    write_shards,
)
from safebench.errors import BadInput
from safebench.files import is_claimed, whole_folder, write_text, write_toml
from safebench.rendering.recipes import Recipe, load_recipes
from safebench.serialisation import differences
from safebench.taxonomy import FILE, beside, check_agree
from safebench.types import Condition

Placed = tuple[tuple[int, int], dict[str, Any]]  # of which condition, the query's place in the whole; the row


@dataclass(frozen=True, slots=True)
class _Part:
    folder: Path
    shard: Shard
    asked: Mapping[str, Any]  # its file
    ids: Sequence[str]  # of its queries, in order
    places: Sequence[int]  # of these in the whole


def merge_conversion(out: Path, shards: Sequence[Path]) -> int:
    """The converted folder that nobody cut, in the folder `out`; the number of its queries.

    Raises BadInput where the shards are not of one conversion, where one is missing, unfinished or there twice, and for
    a folder that holds something. Killed at any point it leaves nothing in the way of the same call.
    """
    parts = sorted(map(_read, shards), key=lambda part: part.shard.number)
    check_one_whole(parts, _differing)
    asked = {key: value for key, value in parts[0].asked.items() if key not in (KEY, PLACES)}
    queries: int = asked[REVISIONS][-1]["queries"]
    _check_queries(parts, queries)
    if is_claimed(out, CONVERT_FILE, "conversion", lambda _: None):
        raise BadInput(f"{out} holds a conversion: choose another folder for the whole")
    recipes = _recipes(asked)
    with whole_folder(out) as folder:
        for medium, count in _counted(asked).items():
            write_shards(folder, medium, _rows(parts, medium, count))
        if any((part.folder / PAIRS).is_dir() for part in parts):
            write_pairs(folder, read_converted(folder).queries)
        card = data_card(folder, recipes, f"{queries} queries", Path(asked["data"]).stem, asked[CANARY])
        write_text(folder / "README.md", card)
        beside(parts[0].folder).write(folder)
        write_toml(folder / CONVERT_FILE, asked)
    return queries


def _read(folder: Path) -> _Part:
    asked = read_convert_file(folder)
    if not asked.get(KEY):
        raise BadInput(f"{folder} is no shard of a conversion: it was not made with `safebench convert --shard`")
    lacking = [key for key in (PLACES, ASKED, "data", "recipes", RECIPE, CANARY) if key not in asked]
    lacking += [] if asked.get(REVISIONS) else [REVISIONS]
    if lacking:
        raise BadInput(f"{folder / CONVERT_FILE} does not tell {', '.join(lacking)}: put it back from a copy")
    ids = tuple(query.id for query in read_converted(folder).queries)
    return _Part(folder, Shard.read(asked[KEY]), asked, ids, asked[PLACES])


def _differing(first: _Part, part: _Part) -> str:
    """Raises BadInput where they contradict each other in what a scenario is."""
    one, another = beside(first.folder), beside(part.folder)
    check_agree(one, first.folder, another, part.folder)
    lines = differences(agreed(first.asked), agreed(part.asked))
    return "; ".join([*lines, *([FILE] if one != another else [])][:SHOWN])


def agreed(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Of the file of a shard what all have to agree on: not where its machine has the data, whose hash is among it,
    nor limits.
    """
    options = {key: value for key, value in asked[ASKED].items() if key not in ("data", *BUDGET)}
    return {key: value for key, value in asked.items() if key not in (KEY, PLACES, "data")} | {ASKED: options}


def _check_queries(parts: Sequence[_Part], wanted: int) -> None:
    """Raises BadInput where a query is missing, or in two shards."""
    held: dict[str, Path] = {}
    for part in parts:
        if len(part.ids) != len(part.places):
            raise BadInput(f"{part.folder} holds {len(part.ids)} queries, and its file {len(part.places)}: {_BACK}")
        if twice := [id for id in part.ids if id in held]:
            raise BadInput(f"{part.folder} holds query {twice[0]!r}, which {held[twice[0]]} holds as well")
        held |= dict.fromkeys(part.ids, part.folder)
    if sorted(chain.from_iterable(part.places for part in parts)) != list(range(wanted)):
        raise BadInput(f"the shards hold {len(held)} queries, and their files ask for {wanted}: {_BACK}")


_BACK = "put it back from a copy"


def _counted(asked: Mapping[str, Any]) -> Counter[str]:
    """How many rows a query has by medium."""
    conditions = [Condition.parse(name) for name in asked[REVISIONS][-1]["conditions"]]
    return Counter(medium for medium, _ in dict.fromkeys((one.medium, one.recipe) for one in conditions))


def _recipes(asked: Mapping[str, Any]) -> dict[str, list[Recipe]]:
    known = load_recipes(brought=asked[RECIPE])
    recipes: dict[str, list[Recipe]] = {}
    for one in map(Condition.parse, asked["recipes"]):
        recipes.setdefault(one.medium, []).append(known[one.medium, one.recipe or ""])
    return recipes


def _rows(parts: Sequence[_Part], medium: str, count: int) -> Iterator[dict[str, Any]]:
    """Of all shards in the order of the whole; of each shard one is in memory at a time."""
    return (row for _, row in merge(*(_placed(part, medium, count) for part in parts), key=itemgetter(0)))


def _placed(part: _Part, medium: str, count: int) -> Iterator[Placed]:
    """Raises BadInput where the rows are not one of each query for each of the `count` conditions."""
    rows, own = rows_of(part.folder, medium), len(part.ids)
    for n in range(count * own):
        row = next(rows, {"id": None})
        if row["id"] != part.ids[n % own]:
            raise BadInput(f"{part.folder / medium} lacks rows, or has them in another order: {_BACK}")
        yield (n // own, part.places[n % own]), row
    if next(rows, None):
        raise BadInput(f"{part.folder / medium} has more rows than queries and conditions: {_BACK}")
