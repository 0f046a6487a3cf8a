"""A run put together from its shards: what they hold has to be all of one run, each part once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safebench.datasets.cutting import KEY, SHOWN, Shard, check_one_whole
from safebench.errors import BadInput
from safebench.files import is_claimed, share_files, whole_folder, write_toml
from safebench.runs.batches import check_home
from safebench.runs.config import CHANGEABLE, RESOLVED, REVISIONS, RUN_FILE, taxonomy_in
from safebench.runs.folder import read_run_file
from safebench.runs.revisions import differing_in
from safebench.store.merging import Merged
from safebench.store.store import Store
from safebench.taxonomy import check_agree

PLACES = ("data", "recipes")  # files that may lie elsewhere on each machine: what they hold is compared by its hashes
CERTAINTY = ("dropped", "unknown", "delivered")  # states of a delivery, the one to be believed first


@dataclass(frozen=True, slots=True)
class MergedRun:
    """`pending`: how many of its `items` have no outcome yet."""

    folder: Path
    items: int
    pending: int


@dataclass(frozen=True, slots=True)
class _Part:
    folder: Path
    shard: Shard
    asked: Mapping[str, Any]  # its run file
    is_planned: bool
    deliveries: Sequence[Mapping[str, Any]]


def merge(out: Path, shards: Sequence[Path]) -> MergedRun:
    """The run that nobody cut, in the folder `out`; media are linked where the file system lets them, or copied.

    Raises BadInput where the shards are not of one run, where one is missing or there twice, and for a folder that
    holds something. Killed at any point it leaves nothing in the way of the same call.
    """
    parts = sorted(map(_read, shards), key=lambda part: part.shard.number)
    check_one_whole(parts, _differing)
    check_home(*(part.folder for part in parts))
    _check_begun(parts)
    if is_claimed(out, RUN_FILE, "run folder", lambda _: None):
        raise BadInput(f"{out} holds a run: choose another folder for the whole")
    with whole_folder(out) as folder:
        with Merged(folder) as store:
            for part in parts:
                store.take_in(part.folder, part.shard.number)
                share_files(part.folder / "media", folder / "media")
            store.keep_deliveries(_deliveries(parts))
            counted = store.counts()
        _check_whole(parts[0].asked, counted)
        asked = {key: value for key, value in parts[0].asked.items() if key != KEY}
        write_toml(folder / RUN_FILE, {**asked, "out": str(out.resolve())})
    return MergedRun(out, _items(counted), sum(cell.get(None, 0) for cell in counted.values()))


def _read(folder: Path) -> _Part:
    asked = read_run_file(folder)
    if KEY not in asked:
        raise BadInput(f"{folder} is no shard but a run of its own: it was not made with --shard")
    with Store(folder, readonly=True) as store:
        return _Part(folder, Shard.read(asked[KEY]), asked, bool(store.planned), store.deliveries())


def _differing(first: _Part, part: _Part) -> str:
    """Raises BadInput where they contradict each other in what a scenario is."""
    one, another = (taxonomy_in(each.asked[RESOLVED]) for each in (first, part))
    check_agree(one, first.folder, another, part.folder)
    return differing_in(_whole(first.asked), _whole(part.asked))


def _whole(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Of the file of a shard what all shards have to agree on."""
    return {key: value for key, value in asked.items() if key not in (*CHANGEABLE, *PLACES, KEY, REVISIONS)}


def _check_begun(parts: Sequence[_Part]) -> None:
    """Raises BadInput with a line for each shard that has not begun."""
    problems = [
        f"{part.folder} has no items yet: safebench run {part.folder / RUN_FILE}"
        for part in parts
        if not part.is_planned
    ]
    if problems:
        raise BadInput(*problems[:SHOWN])


def _check_whole(asked: Mapping[str, Any], counted: Mapping[str, Mapping[str | None, int]]) -> None:
    """Raises BadInput where the shards have fewer or more items than what their run files ask for."""
    wanted = asked[RESOLVED]["queries"] * asked["repeats"] * len(counted)
    if (there := _items(counted)) != wanted:
        raise BadInput(f"the shards hold {there} items, and their run files ask for {wanted}: put one back from a copy")


def _items(counted: Mapping[str, Mapping[str | None, int]]) -> int:
    return sum(sum(cell.values()) for cell in counted.values())


def _deliveries(parts: Sequence[_Part]) -> list[Mapping[str, Any]]:
    """By medium what the shards saw of its arrival: where they differ, that which says least, and nothing is known of
    what one of them did not try.
    """
    tried: dict[str, list[Mapping[str, Any]]] = {}
    for one in (delivery for part in parts for delivery in part.deliveries):
        tried.setdefault(one["medium"], []).append(one)
    return [
        min(seen, key=lambda one: CERTAINTY.index(one["state"]))
        if len(seen) == len(parts)
        else {"medium": medium, "state": "unknown", "reason": f"tried by {len(seen)} of {len(parts)} shards alone"}
        for medium, seen in tried.items()
    ]
