"""Shards of a conversion, one of them spoilt: all rows as they stand there, or no whole at all."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from safebench.datasets.shards import CONVERT_FILE, PLAIN, WORK
from safebench.files import read_toml
from tests.fuzz import made
from tests.fuzz.holding import case, command, fuzz
from tests.fuzz.odd import changed, damaged, texts

SHARD = "image/train-00000.parquet"
Rows = list[dict[str, Any]]


@fuzz(45)
@given(st.data(), st.sampled_from([0, 1]), st.sampled_from(["asked", "asked", "bytes", "cell", "column", "work"]))
def test_merged_rows_are_those_of_the_shards(data: st.DataObject, which: int, what: str) -> None:
    whole = made.shards()
    file = whole[which] / (CONVERT_FILE if what == "asked" else SHARD)
    spoilt = b"" if what == "work" else data.draw(_spoilt(file, what))
    with case() as folder:
        shards = [Path(shutil.copytree(shard, folder / shard.name)) for shard in whole]
        if what == "work":
            (shards[which] / WORK / "x").mkdir(parents=True)
        else:
            (shards[which] / file.relative_to(whole[which])).write_bytes(spoilt)
        said = command("merge", folder / "whole", *shards)
        assert (folder / "whole").exists() == (said.status == 0)
        assert said.status == 0 or said.err.startswith("error: ")
        if said.status == 0:
            assert what != "work"
            assert repr(_told(folder / "whole")) == repr(_merged(shards))


def _spoilt(file: Path, what: str) -> st.SearchStrategy[bytes]:
    sound = file.read_bytes()
    if what == "asked":
        tables = changed(read_toml(file)).map(lambda one: tomli_w.dumps(one).encode("utf-8", "replace"))
        return tables | damaged(sound)
    return damaged(sound) if what == "bytes" else _tables(sound, what)


@st.composite
def _tables(draw: st.DrawFn, sound: bytes, what: str) -> bytes:
    """With an odd text in a cell, or a column less or of another type."""
    table = parquet.read_table(io.BytesIO(sound))
    name = draw(st.sampled_from(PLAIN if what == "cell" else table.column_names))
    if what == "cell":
        rows = table.to_pylist()
        rows[0][name] = draw(texts | st.none())
        table = pa.Table.from_pylist(rows, table.schema)
    else:
        at = table.column_names.index(name)
        table, odd = table.remove_column(at), draw(st.none() | st.sampled_from(["x", b"x", 7, 0.5, [1], {"bytes": 1}]))
        table = table if odd is None else table.add_column(at, name, pa.array([odd] * len(table)))
    written = io.BytesIO()
    parquet.write_table(table, written)
    return written.getvalue()


def _merged(shards: list[Path]) -> Rows:
    """The rows of both by the places of the sound ones."""
    places = [place for shard in made.shards() for place in read_toml(shard / CONVERT_FILE)["places"]]
    rows = [row for shard in shards for row in _told(shard)]
    return [row for _, row in sorted(zip(places, rows, strict=True), key=lambda one: one[0])]


def _told(folder: Path) -> Rows:
    """What they say, in a fixed order."""
    rows = parquet.read_table(folder / SHARD).to_pylist()
    return [{key: row[key] for key in sorted(row) if row[key] is not None} for row in rows]
