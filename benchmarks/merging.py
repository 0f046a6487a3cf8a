"""Shards of a run put together: time and memory, by how many there are.

    python benchmarks/merging.py merge [--size 100]

`--size` shards of 1,000 items each, with six calls and five ballots an item, as a run records them. `items` are
those of the whole. Goal: 100 shards in less than a minute, in memory that does not grow with them. Smoke: --size 2.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from measuring import arguments, measuring, peak_mib
from store import REQUEST, RESPONSE, TOLD, ballots, keys

from safebench.files import write_toml
from safebench.runs.merge import merge
from safebench.store.store import Store
from safebench.types import TEXT, Condition, Item, Outcome, Purpose, Query

ITEMS = 1000  # of a shard


def run_file(shards: int, number: int) -> dict[str, object]:
    return {
        "data": "made", "target": "reference", "conditions": [TEXT], "seed": 0, "repeats": 1,
        "shard": f"{number}/{shards}", "jury": {"jurors": []},
        "resolved": {"safebench": "0", "data_sha256": "0", "queries": shards * ITEMS},
    }  # fmt: skip


def shard(folder: Path, shards: int, number: int) -> Path:
    """The folder of a finished shard."""
    text = REQUEST.messages[0].parts[0].text
    queries = [Query(f"q{n}", text) for n in range(shards * ITEMS)]
    mine = {query.id for query in queries[number - 1 :: shards]}
    with Store(folder) as store:
        items = [Item(query, Condition(TEXT)) for query in queries]
        store.plan(queries, {}, items, mine=mine)
        for item, query in enumerate(queries, start=1):
            if query.id in mine:
                for call, key in enumerate(keys(item)):
                    store.keep_exchange(key, item, Purpose("jury", number=call), TOLD, RESPONSE)
                store.keep_outcome(item, Outcome.SAFE, "the jury agrees", 5, None, keys(item)[0], ballots(item))
    write_toml(folder / "run.toml", run_file(shards, number))
    return folder


def main() -> None:
    options = arguments(__doc__, ["merge"], 100).parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        folders = [shard(place / str(number), options.size, number) for number in range(1, options.size + 1)]
        with measuring(options.size * ITEMS) as more:
            more["start_mib"] = peak_mib()
            merge(place / "whole", folders)
            more["peak_mib"] = peak_mib()


if __name__ == "__main__":
    main()
