"""A conversion that was cut into shards and merged is the one that nobody cut: rows, media, files, and how it grows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from safebench.cli.main import run_command
from safebench.datasets.hub import push
from safebench.datasets.merging import merge_conversion
from safebench.datasets.shards import CONVERT_FILE, WORK, read_converted, rows_of, write_shards
from safebench.errors import BadInput
from safebench.files import read_toml, write_toml
from tests.converting import convert
from tests.own_taxonomy import TEXT, own_taxonomy
from tests.safebench.datasets.test_conversion import DEALT, Listening

SHARDS = 3
CONDITIONS = ["image:either", "image:chat", "audio:us-male"]
ROWS = [
    {"id": f"q{n}", "query": f"Count to {n}.", "scenario": "bias", "twin": f"q{(n + 5) % 10}",
     "intent": ["harmful", "benign"][n >= 5]}
    for n in range(10)
] + [{"id": f"r{n}", "query": "Count once more."} for n in range(2)]  # fmt: skip

Start = Callable[..., Path]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Start:
    """A conversion into the folder of that name."""
    place = tmp_path_factory.mktemp("converted")
    recipes, data = place / "recipes.toml", place / "queries.jsonl"
    recipes.write_text(DEALT, encoding="utf-8")
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")

    def converted(out: str | Path, conditions: list[str] = CONDITIONS, **more: object) -> Path:
        asked: dict[str, object] = {"recipes": recipes, "workers": 1, "check_share": 0.0, "recognisers": ("none",)}
        convert(str(data), conditions, place / out, **asked | {"limit": 11} | more)
        return place / out

    return converted


@pytest.fixture(scope="module")
def whole(start: Start) -> Path:
    """Made once; no test changes it."""
    return start("whole")


@pytest.fixture(scope="module")
def made(start: Start) -> list[Path]:
    """The shards in no order, made once; no test changes them."""
    return [start(f"s{number}", shard=f"{number}/{SHARDS}") for number in (3, 1, 2)]


@pytest.fixture
def shards(made: list[Path], tmp_path: Path) -> list[Path]:
    return [Path(shutil.copytree(folder, tmp_path / folder.name)) for folder in made]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_merged_shards_are_the_conversion_that_nobody_cut(
    whole: Path, made: list[Path], start: Start, tmp_path: Path
) -> None:
    merged = tmp_path / "merged"
    for n, shard in zip((3, 1, 2), made, strict=True):
        told = f"hard {n}/3 of a conversion"
        assert told in (shard / "README.md").read_text(encoding="utf-8")
        assert told in read_converted(shard).notes[0]
        with pytest.raises(BadInput, match=f"{told}: merge the shards"):
            push(shard, "someone/questions")
        ids = {query.id for query in read_converted(shard).queries}
        assert {row["twin"] for row in ROWS if row["id"] in ids and "twin" in row} <= ids
    assert run_command(["merge", str(merged), *map(str, made)]) == 0
    assert not read_converted(merged).notes
    assert {row["recipe"] for row in pq.read_table(merged / "image").to_pylist()} == {"typographic", "tall", "chat"}
    assert files(merged) == files(whole)
    grown, progress = Path(shutil.copytree(whole, tmp_path / "grown")), Listening()
    start(merged, progress=progress)
    assert progress.made == []
    start(merged, limit=12, progress=progress)
    assert len(progress.made) == len(CONDITIONS)
    start(grown, limit=12)
    assert files(merged) == files(grown)


def test_a_taxonomy_travels_through_converting_merging_and_growing_and_contradictions_are_told(
    start: Start, tmp_path: Path
) -> None:
    data, merged = tmp_path / "data", tmp_path / "merged"
    known, rows = (
        own_taxonomy(data),
        [{"id": f"q{n}", "query": f"Count to {n}.", "scenario": "cruelty"} for n in range(2)],
    )
    file = data / "queries.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    told: dict[str, Any] = {"conditions": ["image:typographic"], "workers": 1, "recognisers": ("none",)}
    parts = [tmp_path / f"s{n}" for n in (1, 2)]
    for n, part in enumerate(parts, start=1):
        convert(str(file), out=part, shard=f"{n}/2", **told)
    merge_conversion(merged, parts)
    assert read_converted(parts[0]).taxonomy == read_converted(merged).taxonomy == known
    own_taxonomy(parts[1], TEXT.replace("hurt an animal", "eat an animal"))
    with pytest.raises(BadInput) as refused:
        merge_conversion(tmp_path / "other", parts)
    where = f"in {parts[0]} and in {parts[1]}"
    assert refused.value.problems == (f"scenario 'cruelty' is not the same {where}: its description differs",)
    own_taxonomy(data, TEXT.replace("severity = 2", "severity = 1"))
    with pytest.raises(
        BadInput, match=r"scenario 'cruelty' is not the same in .*merged and in .*: its severity differs"
    ):
        convert(str(file), out=merged, **told)


def test_a_shard_continues_and_does_not_grow(whole: Path, shards: list[Path], start: Start) -> None:
    progress, first = Listening(), shards[1]
    start(first, shard="1/3", progress=progress)
    assert run_command(["convert", str(first / CONVERT_FILE), "--quiet"]) == 0
    assert progress.made == []
    with pytest.raises(BadInput, match="a shard does not grow"):
        start(first, CONDITIONS[:2], shard="1/3", limit=12)
    for other in ("2/3", None):
        with pytest.raises(BadInput, match="holds shard 1/3 of a conversion"):
            start(first, shard=other)
    with pytest.raises(BadInput, match="holds a whole conversion"):
        start(whole, shard="1/3")


class TestRefused:
    @pytest.fixture(autouse=True)
    def _in(self, tmp_path: Path) -> None:
        self.out = tmp_path / "merged"

    def refused(self, shards: list[Path], why: str) -> None:
        with pytest.raises(BadInput, match=why):
            merge_conversion(self.out, shards)
        assert not self.out.exists()

    def test_missing_and_there_twice(self, shards: list[Path]) -> None:
        self.refused(shards[1:], "missing shards: 3/3")
        self.refused([*shards, shards[0]], f"shard 3/3 is there twice: {shards[0]} and {shards[0]}")

    @pytest.mark.parametrize(
        ("key", "value"),
        [("seed", 7), ("data_sha256", "0"), ("recipes", {"image:tall": "0"}), ("canary", "other")],
    )
    def test_of_another_conversion(self, shards: list[Path], key: str, value: object) -> None:
        file = shards[1] / CONVERT_FILE
        write_toml(file, {**read_toml(file), key: value})
        self.refused(shards, f"{shards[1]} .*they differ in .*{key}")

    def test_not_for_what_they_might_cost(self, shards: list[Path]) -> None:
        file = shards[1] / CONVERT_FILE
        told = read_toml(file)
        write_toml(file, {**told, "asked": {**told["asked"], "max_calls": 9, "prices": "/elsewhere/prices.toml"}})
        merge_conversion(self.out, shards)

    def test_a_whole_one_an_unfinished_one_and_one_that_tells_nothing(self, shards: list[Path], whole: Path) -> None:
        self.refused([*shards[1:], whole], "is no shard")
        (shards[2] / WORK).mkdir()
        self.refused(shards, "its conversion is unfinished")
        (shards[2] / WORK).rmdir()
        file = shards[2] / CONVERT_FILE
        write_toml(file, {key: value for key, value in read_toml(file).items() if key != "places"})
        self.refused(shards, "does not tell places")

    def test_whose_files_have_all_lost_what_they_grew_by(self, shards: list[Path]) -> None:
        for shard in shards:
            write_toml(shard / CONVERT_FILE, {**read_toml(shard / CONVERT_FILE), "revisions": []})
        self.refused(shards, "does not tell revisions")

    @pytest.mark.parametrize(("key", "value"), [("data", []), ("asked", "all of it")])
    def test_whose_file_is_not_as_it_was_written(self, shards: list[Path], key: str, value: object) -> None:
        file = shards[1] / CONVERT_FILE
        write_toml(file, {**read_toml(file), key: value})
        self.refused(shards, f"{file}: {key} = .* put the file back from a copy")

    def test_that_lost_a_query_or_a_row(self, shards: list[Path]) -> None:
        rows = list(rows_of(shards[0], "image"))
        for kept, why in ((rows[1:], "lacks rows"), ([*rows, rows[0]], "more rows"),
                          ([rows[1], rows[0], *rows[2:]], "another order")):  # fmt: skip
            shutil.rmtree(shards[0] / "image")
            write_shards(shards[0], "image", kept)
            self.refused(shards, why)

    def test_whose_queries_another_one_holds(self, shards: list[Path]) -> None:
        told = read_toml(shards[1] / CONVERT_FILE)
        shutil.rmtree(shards[1])
        shutil.copytree(shards[2], shards[1])
        write_toml(shards[1] / CONVERT_FILE, {**told, "places": read_toml(shards[2] / CONVERT_FILE)["places"]})
        self.refused(shards, f"{shards[2]} holds query '.*', which {shards[1]} holds as well")

    def test_a_folder_that_is_there(self, shards: list[Path], whole: Path) -> None:
        with pytest.raises(BadInput, match="holds a conversion"):
            merge_conversion(whole, shards)


def test_killed_in_the_middle_a_merge_starts_again(shards: list[Path], tmp_path: Path) -> None:
    left = tmp_path / ".merged.part" / "image"
    left.mkdir(parents=True)
    (left / "train-00000.parquet").write_bytes(b"half a file")
    assert merge_conversion(tmp_path / "merged", shards) == 11
    assert not left.parent.exists()
    assert [query.id for query in read_converted(tmp_path / "merged").queries] == [row["id"] for row in ROWS[:11]]


def test_pairs_of_shards_are_those_of_the_whole(start: Start, tmp_path: Path) -> None:
    asked = {"conditions": ["image:chat"], "pairs": True, "limit": 4}
    shards = [start(f"p{number}", shard=f"{number}/2", **asked) for number in (1, 2)]
    whole = start("pairs", **asked)
    merge_conversion(tmp_path / "merged", shards)
    assert files(tmp_path / "merged" / "pairs") == files(whole / "pairs")
