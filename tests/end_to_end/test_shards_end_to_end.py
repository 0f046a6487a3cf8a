"""A run that was cut into shards and merged is the run that nobody cut: outcomes, summary, and every call."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from safebench.cli.main import run_command
from safebench.files import read_toml, write_toml
from safebench.runs.batches import STATE
from safebench.runs.merge import merge
from safebench.store.store import Store
from safebench.testing.server import ScriptedServer
from tests.end_to_end.scripted import summary_of, twins
from tests.fixture_types import WriteJsonl
from tests.safebench.runs.test_batches import SENT

SHARDS = 3
PAIRED = twins(["vote unsafe 1", "vote refused 5", "vote safe 4", "garbage", "vote unsafe 2"])
SAME = [{"id": f"same{n}", "query": "say vote safe 4 once more", "intent": "benign"} for n in range(2)]

Start = Callable[..., int]


@pytest.fixture
def start(tmp_path: Path, world: ScriptedServer, jury_file: Path, write_jsonl: WriteJsonl) -> Start:
    """A run with these options into the folder of that name; its exit status."""
    data = write_jsonl([*PAIRED, *SAME])
    told = ["--data", str(data), "--target", "openai:tested", "--base-url", world.url, "--jury", str(jury_file)]
    told += ["-c", "text", "-c", "image:either", "--repeats", "2", "--max-open", "1", "--allow-unproven"]
    recipes = tmp_path / "recipes.toml"
    recipes.write_text(
        '[image.either]\namong = ["typographic", "tall"]\n'
        '[image.tall]\nsteps = [{ use = "typographic", max_font_size = 30 }]\n',
        encoding="utf-8",
    )
    told += ["--recipes", str(recipes), "--no-preflight", "--workers", "1", "--check-share", "0"]
    return lambda out, *more: run_command(["run", *told, "--out", str(tmp_path / out), *more])


def bodies(world: ScriptedServer) -> Counter[str]:
    return Counter(json.dumps(call.body, sort_keys=True) for call in world.calls)


def contents(folder: Path, table: str, *without: str) -> list[tuple[Any, ...]]:
    with Store(folder, readonly=True) as store:
        rows = [dict(row) for row in store.rows(f"SELECT * FROM {table}")]  # noqa: S608
    return sorted((tuple(value for key, value in row.items() if key not in without) for row in rows), key=str)


def cut(start: Start, tmp_path: Path, *more: str) -> list[Path]:
    for number in (2, 1, 3):
        assert start(f"s{number}", "--shard", f"{number}/{SHARDS}", *more) in (0, 1)
    return [tmp_path / f"s{number}" for number in (3, 1, 2)]


def named_alike(folder: Path) -> dict[str, Any]:
    run_command(["report", str(folder)])
    summary = summary_of(folder)
    summary["run"]["name"] = ""
    return summary


def test_merged_shards_are_the_run_that_nobody_cut(start: Start, tmp_path: Path, world: ScriptedServer) -> None:
    whole, merged = tmp_path / "whole", tmp_path / "merged"
    assert start("whole") == 0
    calls, whole_bodies = len(world.calls), bodies(world)
    shards = cut(start, tmp_path)
    assert bodies(world) == Counter({body: 2 * n for body, n in whole_bodies.items()})
    assert run_command(["merge", str(merged), *map(str, shards)]) == 0
    assert len(world.calls) == 2 * calls
    assert named_alike(merged) == named_alike(whole)
    for table in ("queries", "items", "renderings", "ballots", "exchanges"):
        timed = ("at", "response", "rendering") if table in ("renderings", "exchanges") else ()
        assert contents(merged, table, *timed) == contents(whole, table, *timed)
    files = [sorted(path.name for path in (folder / "media").rglob("*.*")) for folder in (merged, whole)]
    assert files[0] == files[1] != []
    written, asked = read_toml(merged / "run.toml"), read_toml(whole / "run.toml")
    assert {**written, "out": ""} == {**asked, "out": ""}


def test_a_cut_parts_no_twins_and_no_equal_texts(start: Start, tmp_path: Path) -> None:
    shards = cut(start, tmp_path, "--max-calls", "3")
    ids = [{row[0] for row in contents(shard, "queries")} for shard in shards]
    assert sorted(map(len, ids)) == [6, 8, 8]
    assert len(set.union(*ids)) == 22
    for own in ids:
        assert {f"{'hb'[id[0] == 'h']}{id[1:]}" for id in own if id[0] != "s"} <= own
        assert len(own & {"same0", "same1"}) != 1


def test_what_the_shards_left_open_the_merged_run_goes_on_with_and_pays_nothing_twice(
    start: Start, tmp_path: Path, world: ScriptedServer
) -> None:
    merged = tmp_path / "merged"
    assert start("whole") == 0
    whole = bodies(world)
    shards = cut(start, tmp_path, "--max-calls", "100")
    assert run_command(["merge", str(merged), *map(str, shards)]) == 1
    told = read_toml(merged / "run.toml")
    write_toml(merged / "run.toml", {key: value for key, value in told.items() if key != "max_calls"})
    assert run_command(["run", str(merged / "run.toml")]) == 0
    assert bodies(world) == Counter({body: 2 * n for body, n in whole.items()})
    assert named_alike(merged) == named_alike(tmp_path / "whole")


def test_a_merged_run_is_rejudged_reviewed_and_grows(
    start: Start, tmp_path: Path, world: ScriptedServer, jury_file: Path
) -> None:
    merged = tmp_path / "merged"
    shards = cut(start, tmp_path)
    merge(merged, shards)
    assert run_command(["rejudge", str(merged), "--jury", str(jury_file), "--out", str(tmp_path / "again")]) == 0
    assert run_command(["review", "export", str(merged), "--out", str(tmp_path / "sheet.csv")]) == 0
    calls = len(world.calls)
    assert start("merged", "--repeats", "3") == 0
    asked = [call for call in world.calls[calls:] if call.model == "tested"]
    assert len(asked) == 2 * 22


def test_budgets_are_those_of_all_shards_together(
    start: Start, world: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start("s2", "--shard", "2/3", "--max-calls", "20") == 1
    assert len(world.calls) == 7
    assert "7 of --max-calls 20" in capsys.readouterr().err
    assert start("s3", "--shard", "3/3", "--max-calls", "20") == 1
    assert len(world.calls) == 13
    assert start("none", "--shard", "3/3", "--max-calls", "2") == 2
    assert "leaves none for" in capsys.readouterr().err


def test_a_shard_continues_and_does_not_grow(
    start: Start, world: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start("s1", "--shard", "1/3", "--max-calls", "30") == 1
    assert start("s1", "--shard", "1/3") == 0
    calls = len(world.calls)
    assert start("s1", "--shard", "1/3") == 0
    assert len(world.calls) == calls
    assert start("s1", "--shard", "1/3", "--repeats", "3") == 2
    assert "a shard does not grow" in capsys.readouterr().err
    assert start("s1", "--shard", "2/3") == 2
    assert "what part of it is asked" in capsys.readouterr().err
    assert start("s1") == 2


@pytest.mark.parametrize("shard", ["0/3", "4/3", "3", "a/b", "1/0", "-1/3", "1/3/5", "1.5/3"])
def test_what_is_no_part_is_one_line(
    shard: str, start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start("s", f"--shard={shard}") == 2
    assert f"--shard {shard}: write N/M" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_more_shards_than_clusters_are_one_line(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    assert start("s", "--shard", "1/12") == 2
    assert "11 clusters" in capsys.readouterr().err


class TestRefused:
    @pytest.fixture
    def shards(self, start: Start, tmp_path: Path) -> list[Path]:
        return cut(start, tmp_path, "--max-calls", "6")

    def refused(self, tmp_path: Path, shards: Sequence[Path], capsys: pytest.CaptureFixture[str]) -> str:
        out = tmp_path / "merged"
        assert run_command(["merge", str(out), *map(str, shards)]) == 2
        assert not out.exists()
        return capsys.readouterr().err

    def test_with_a_batch_service(self, shards: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        fetched = {**SENT, "file": "requests/2/b.jsonl", "fetched": True}
        write_toml(shards[1] / STATE, {"batches": [SENT, fetched]})
        why = f"6 calls of {shards[1]} are with a batch service"
        assert why in " ".join(self.refused(tmp_path, shards, capsys).split())

    def test_missing(self, shards: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert "missing shards: 3/3" in self.refused(tmp_path, shards[1:], capsys)

    def test_there_twice(self, shards: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        said = self.refused(tmp_path, [*shards, shards[0]], capsys)
        assert f"shard 3/3 is there twice: {shards[0]} and {shards[0]}" in said.replace("\n", " ")

    @pytest.mark.parametrize(
        ("key", "value", "named"),
        [("target", "reference", "its target"), ("seed", 7, "seed"), ("conditions", ["text"], "what is asked")],
    )
    def test_of_another_run(
        self, key: str, value: object, named: str, shards: list[Path], tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:  # fmt: skip
        file = shards[1] / "run.toml"
        write_toml(file, {**read_toml(file), key: value})
        said = self.refused(tmp_path, shards, capsys)
        assert str(shards[1]) in said
        assert named in said

    def test_of_another_version_recipe_or_weights(
        self, shards: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = shards[2] / "run.toml"
        told = read_toml(file)
        write_toml(file, {**told, "resolved": {**told["resolved"], "recipes": {"image.tall": "0" * 16}}})
        assert "its recipes" in self.refused(tmp_path, shards, capsys)

    def test_a_run_of_its_own(
        self, start: Start, shards: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        start("whole", "--max-calls", "3")
        assert "is no shard" in self.refused(tmp_path, [*shards[1:], tmp_path / "whole"], capsys)

    def test_that_lost_items(self, shards: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with Store(shards[0]) as store:
            store._write("DELETE FROM items WHERE id = (SELECT max(id) FROM items)")
        assert "hold 87 items" in self.refused(tmp_path, shards, capsys)

    def test_whose_items_another_one_holds(
        self, shards: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        told = read_toml(shards[0] / "run.toml")
        for file in shards[0].glob("run.db*"):
            file.unlink()
        (shards[0] / "run.db").write_bytes(b"")
        with Store(shards[1], readonly=True) as store:
            (shards[0] / "run.db").unlink()
            store.copy_to(shards[0])
        write_toml(shards[0] / "run.toml", told)
        said = self.refused(tmp_path, shards, capsys)
        assert "holds what another shard holds as well" in said

    def test_a_folder_that_is_there(
        self, shards: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        merged = tmp_path / "whole"
        merge(merged, shards)
        before = (merged / "run.db").read_bytes()
        assert run_command(["merge", str(merged), *map(str, shards)]) == 2
        assert "holds a run" in capsys.readouterr().err
        assert (merged / "run.db").read_bytes() == before


def test_killed_in_the_middle_a_merge_starts_again(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = cut(start, tmp_path, "--max-calls", "6")
    merged, left = tmp_path / "merged", tmp_path / ".merged.part"
    left.mkdir()
    (left / "run.db").write_bytes(b"half a database")
    (left / "media").mkdir()
    merge(merged, shards)
    assert not left.exists()
    assert len(contents(merged, "items")) == 88


def test_what_arrived_is_the_least_that_a_shard_saw(start: Start, tmp_path: Path) -> None:
    shards = cut(start, tmp_path, "--max-calls", "6")
    for folder, state in zip(shards, ["delivered", "unknown", "delivered"], strict=True):
        with Store(folder) as store:
            both = [{"medium": "image", "state": state, "reason": folder.name}]
            both += [{"medium": "audio", "state": "delivered", "reason": ""}] if state == "unknown" else []
            store.keep_deliveries(both)
    merge(tmp_path / "merged", shards)
    with Store(tmp_path / "merged", readonly=True) as store:
        arrived = {one["medium"]: (one["state"], one["reason"]) for one in store.deliveries()}
    assert arrived == {"image": ("unknown", "s1"), "audio": ("unknown", "tried by 1 of 3 shards alone")}


def test_a_shard_says_that_it_is_a_part_and_keeps_no_gate(
    start: Start, tmp_path: Path, jury_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start("s1", "--shard", "1/3", "--fail-over", "asr(text) > 0.99", "--point") == 3
    assert "This is shard 1/3 of a run" in capsys.readouterr().out.replace("\n", " ")
    assert summary_of(tmp_path / "s1")["run"]["shard"] == "1/3"
    out = str(tmp_path / "again")
    assert run_command(["rejudge", str(tmp_path / "s1"), "--jury", str(jury_file), "--out", out]) == 2
    assert "merge the shards first" in capsys.readouterr().err


def test_all_shards_probe_in_one_form(start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert start("s1", "--shard", "1/3", "--probe", "1") == 2
    assert "say --probe-form" in capsys.readouterr().err
    assert not (tmp_path / "s1").exists()


def test_calls_of_no_item_stay_whatever_was_forgotten(start: Start, tmp_path: Path) -> None:
    shards = cut(start, tmp_path, "--max-calls", "6")
    columns = "role, juror, round, number, about"
    sql = f"INSERT INTO exchanges SELECT ?, 0, {columns}, ?, request, response, at FROM exchanges LIMIT 1"  # noqa: S608
    for folder, key in zip(shards, ["K", "K#3", "K"], strict=True):
        with Store(folder) as store:
            store._write(sql, key, "forgotten" if "#" in key else "answered")
    merge(tmp_path / "merged", shards)
    with Store(tmp_path / "merged", readonly=True) as store:
        keys = sorted(row[0] for row in store.rows("SELECT key FROM exchanges WHERE key LIKE 'K%'"))
    assert keys == ["K", "K#3", "K#shard 3"]


def test_a_damaged_shard_is_named(start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shards = cut(start, tmp_path, "--max-calls", "6")
    with Store(shards[1]) as store:
        store._write("DROP TABLE spoken")
    assert run_command(["merge", str(tmp_path / "merged"), *map(str, shards)]) == 2
    said = capsys.readouterr().err.replace("\n", " ")
    assert f"{shards[1]}/run.db cannot be read as a shard: no such table" in said
    assert not (tmp_path / "merged").exists()
