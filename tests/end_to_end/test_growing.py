"""A pilot grows in its folder: more queries, conditions and repeats, and nothing is asked or rendered twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from safebench.cli.main import run_command
from safebench.files import read_toml
from safebench.runs import run as running
from safebench.runs.quickstart import quickstart_config
from safebench.store.store import Store
from safebench.testing.server import Call, Reply, ScriptedServer, error
from tests.end_to_end.scripted import answer, command, summary_of
from tests.fixture_types import Serve, WriteJsonl

EACH = 4  # calls for an item: of the target, and of three jurors
LABELS = ["vote unsafe 1", "vote refused 5", "vote safe 4"]
ROWS = [{"id": f"q{n}", "query": f"say {LABELS[n % 3]} number {n}"} for n in range(24)]
DEALT = """
[image.either]
among = ["typographic", "tall"]
[image.tall]
steps = [{ use = "typographic", max_font_size = 30 }]
"""

Start = Callable[..., int]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pilot"


@pytest.fixture
def options(world: ScriptedServer, jury_file: Path) -> list[str]:
    told = ["--target", "openai:tested", "--base-url", world.url, "--jury", str(jury_file), "--concurrency", "4"]
    return [*told, "--max-open", "1", "--allow-unproven", "--no-preflight", "--check-share", "0.25"]


@pytest.fixture
def start(folder: Path, options: list[str], write_jsonl: WriteJsonl) -> Start:
    """The run in the folder, of these rows under these conditions; its exit status."""

    def start(*more: str, rows: Sequence[dict[str, Any]] = ROWS, conditions: Sequence[str] = ("text",)) -> int:
        named = [option for condition in conditions for option in ("-c", condition)]
        return run_command(["run", "--data", str(write_jsonl(rows)), *named, *options, "--out", str(folder), *more])

    return start


def bodies(world: ScriptedServer) -> Counter[str]:
    return Counter(json.dumps(call.body, sort_keys=True) for call in world.calls)


def asked(world: ScriptedServer) -> int:
    """How often the target was."""
    return sum(call.model == "tested" for call in world.calls)


def revisions(folder: Path) -> list[dict[str, Any]]:
    return read_toml(folder / "run.toml")["revisions"]  # type: ignore[no-any-return]


def renderings(folder: Path) -> dict[tuple[str, str], str]:
    """By query and condition the key of the first item's rendering."""
    sql = "SELECT query, condition, rendering FROM items WHERE repeat = 0 AND rendering IS NOT NULL"
    with Store(folder, readonly=True) as store:
        return {(row[0], row[1]): row[2] for row in store.rows(sql)}


def test_a_pilot_grows_by_queries_conditions_and_repeats_and_pays_nothing_twice(
    start: Start, folder: Path, world: ScriptedServer
) -> None:
    both = ("text", "image:typographic")
    assert start("--limit", "4") == 0
    assert (asked(world), len(world.calls)) == (4, 4 * EACH)
    first = revisions(folder)
    assert start("--limit", "10") == 0
    assert (asked(world), len(world.calls)) == (10, 10 * EACH)
    assert start("--limit", "10", conditions=both) == 0
    assert asked(world) == 20
    assert start("--limit", "10", "--repeats", "2", conditions=both) == 0
    assert asked(world) == 40
    assert start("--repeats", "2", conditions=both) == 0
    assert asked(world) == 96
    assert revisions(folder)[:1] == first
    told = summary_of(folder)["run"]["revisions"]
    assert [(one["queries"], one["repeats"], one["items"]) for one in told] == [
        (4, 1, 4),
        (10, 1, 6),
        (10, 1, 10),
        (10, 2, 20),
        (24, 2, 56),
    ]
    items = parquet.read_table(folder / "items.parquet").to_pylist()
    assert Counter(item["revision"] for item in items) == {1: 4, 2: 6, 3: 10, 4: 20, 5: 56}
    assert {item["query_id"] for item in items if item["revision"] == 1} == {"q0", "q1", "q2", "q3"}
    calls = len(world.calls)
    assert run_command(["run", str(folder / "run.toml")]) == 0
    assert (len(world.calls), len(revisions(folder))) == (calls, 5)


def test_the_report_says_what_came_when(start: Start, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start("--limit", "2")
    assert "revisions" not in capsys.readouterr().out
    start("--limit", "5")
    told = "grown in 2 revisions. 1: 2 items (2 queries, text); 2: 3 items (5 queries, text)"
    assert told in capsys.readouterr().out.replace("\n", " ")
    assert run_command(["report", str(folder), "--html"]) == 0
    assert told[1:] in (folder / "report.html").read_text(encoding="utf-8")


def test_that_a_run_grows_is_said_before_it_does(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    start("--limit", "4")
    assert "grown" not in capsys.readouterr().err
    start("--limit", "6")
    told = " ".join(capsys.readouterr().err.split())
    assert "grown in 2 revisions. 1: 4 items (4 queries, text); 2: 2 items (6 queries, text)" in told


def test_in_which_order_the_queries_came_makes_no_other_run(
    start: Start, folder: Path, tmp_path: Path, write_jsonl: WriteJsonl
) -> None:
    start(rows=[ROWS[0], ROWS[2]])
    start(rows=ROWS[:4])
    start("--out", str(tmp_path / "at-once"), rows=ROWS[:4])
    assert run_command(["compare", str(folder), str(tmp_path / "at-once")]) == 0


def test_a_larger_data_set_continues_where_the_old_one_is_a_part_of_it(
    start: Start, folder: Path, world: ScriptedServer
) -> None:
    assert start(rows=ROWS[2:6]) == 0
    assert start(rows=[*ROWS[:8]]) == 0
    assert len(world.calls) == 8 * EACH
    with Store(folder, readonly=True) as store:
        order = [row[0] for row in store.rows("SELECT id FROM queries ORDER BY position")]
    assert order == ["q2", "q3", "q4", "q5", "q0", "q1", "q6", "q7"]
    assert [one["queries"] for one in revisions(folder)] == [4, 8]


def test_what_was_dealt_stays_dealt_and_is_rendered_once(start: Start, folder: Path, tmp_path: Path) -> None:
    recipes = tmp_path / "recipes.toml"
    recipes.write_text(DEALT, encoding="utf-8")
    told = ("--recipes", str(recipes))
    twins = [{**row, "twin": f"q{n ^ 1}", "intent": ("harmful", "benign")[n % 2]} for n, row in enumerate(ROWS[:12])]
    assert start(*told, "--limit", "3", rows=twins, conditions=["image:either"]) < 2  # the twin of one comes later
    before = renderings(folder)
    assert start(*told, "--repeats", "2", rows=twins, conditions=["image:either", "image:tall"]) < 2
    after = renderings(folder)
    assert {key: after[key] for key in before} == before
    with Store(folder, readonly=True) as store:
        sql = (
            "SELECT i.query, count(DISTINCT i.rendering), min(json_extract(r.rendering, '$.recipe'))"
            " FROM items i JOIN renderings r ON r.key = i.rendering WHERE condition = 'image:either' GROUP BY i.query"
        )
        dealt = {row[0]: row[2] for row in store.rows(sql) if row[1] == 1}
        pairs = {(row[0], row[1]) for row in store.rows("SELECT id, twin FROM queries")}
    assert len(dealt) == 12
    assert pairs == {(f"q{n}", f"q{n ^ 1}") for n in range(12)}
    assert all(dealt[a] == dealt[b] for a, b in pairs)
    assert Counter(dealt.values()) == {"typographic": 6, "tall": 6}


@pytest.mark.parametrize(
    ("more", "rows", "conditions", "told"),
    [
        (("--limit", "2"), ROWS, ("text", "image"), "has 4 queries already, and what is there only grows: --limit 4"),
        (("--limit", "9"), ROWS, ("text",), "holds a run under image:typographic as well, and a run only grows"),
        (("--limit", "9", "--repeats", "1"), ROWS, ("text", "image"), "with 2 repeats, and a run only grows"),
        ((), ROWS[2:], ("text", "image"), "of the 4 queries that are there already the data lack 2"),
        ((), [{**ROWS[0], "query": "say something else"}, *ROWS[1:]], ("text", "image"), "something else of them (q0)"),
        (("--target", "openai:other"), ROWS, ("text", "image"), "it differs in its target: target (there"),
        (("--jury", "embedded"), ROWS, ("text", "image"), "it differs in its jury: jury."),
        (("--seed", "3"), ROWS, ("text", "image"), "it differs in seed: seed (there 0, here 3)"),
    ],
)
def test_what_is_another_run_is_said_in_words_before_anybody_is_called(
    start: Start, folder: Path, world: ScriptedServer, capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...], rows: Sequence[dict[str, Any]], conditions: Sequence[str], told: str,
) -> None:  # fmt: skip
    assert start("--limit", "4", "--repeats", "2", conditions=["text", "image"]) == 0
    calls, file = len(world.calls), (folder / "run.toml").read_text(encoding="utf-8")
    options = more if "--repeats" in more else (*more, "--repeats", "2")
    assert start(*options, rows=rows, conditions=conditions) == 2
    assert told in " ".join(capsys.readouterr().err.split())
    assert (len(world.calls), (folder / "run.toml").read_text(encoding="utf-8")) == (calls, file)


def test_another_recipe_of_the_same_name_is_another_run(
    start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipes = tmp_path / "recipes.toml"
    for size in (40, 41):
        recipes.write_text(
            f'[image.mine]\nsteps = [{{ use = "typographic", max_font_size = {size} }}]\n', encoding="utf-8"
        )
        status = start("--recipes", str(recipes), "--limit", str(size - 38), conditions=["image:mine"])
        assert (status == 2) is (size == 41)
    assert "it differs in its recipes: resolved.recipes.image.mine" in " ".join(capsys.readouterr().err.split())


def test_one_that_is_killed_while_it_grows_goes_on(
    serve: Serve, folder: Path, jury_file: Path, write_jsonl: WriteJsonl
) -> None:
    world = serve(lambda call: replace(answer(call), delay=0.03))
    told = ["run", "--data", write_jsonl(ROWS), "-c", "text", "--target", "openai:tested", "--base-url", world.url]
    told += ["--jury", jury_file, "--concurrency", 4, "--max-open", 1, "--allow-unproven", "--out", folder]
    assert run_command([*map(str, told), "--limit", "4"]) == 0
    for more in (3, 9):
        until = len(world.calls) + more
        process = subprocess.Popen(command(*told), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while len(world.calls) < until and process.poll() is None:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(0.1)  # calls that were in flight end
    assert run_command([*map(str, told)]) == 0
    made = bodies(world)
    assert len(world.calls) - len(made) <= 2 * 4
    assert sum(summary_of(folder)["conditions"][0]["counts"]["harmful"].values()) == 24
    assert [one["queries"] for one in revisions(folder)] == [4, 24]


def test_one_that_dies_between_the_file_and_the_plan_goes_on(
    start: Start, folder: Path, world: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    assert start("--limit", "4") == 0
    with monkeypatch.context() as patched:
        patched.setattr(Store, "plan", dies)
        start("--limit", "8")
    assert [one["queries"] for one in revisions(folder)] == [4, 8]
    assert start("--limit", "12") == 0  # and not even with the same command
    assert [one["items"] for one in summary_of(folder)["run"]["revisions"]] == [4, 0, 8]
    assert len(world.calls) == 12 * EACH


def test_a_medium_that_does_not_arrive_leaves_the_run_as_it_was(
    start: Start, folder: Path, options: list[str], world: ScriptedServer
) -> None:
    def blind(call: Call) -> Reply:
        return error(400, "no pictures") if "image_url" in json.dumps(call.body) else answer(call)

    assert start("--limit", "2") == 0
    file = (folder / "run.toml").read_text(encoding="utf-8")
    options.remove("--no-preflight")
    world.answer = blind
    assert start("--limit", "2", conditions=["text", "image"]) == 2
    assert (folder / "run.toml").read_text(encoding="utf-8") == file


def test_a_quickstart_after_a_plugin_was_installed_goes_on(tmp_path: Path) -> None:
    """Such a plug-in brings conditions of its own."""
    small, larger = (quickstart_config(c, tmp_path / "quick") for c in (["text"], ["text", "image:typographic"]))
    assert running.run(small).exit_status == 0
    assert running.run(larger).exit_status == 0
    assert len(revisions(tmp_path / "quick")) == 2


def test_a_rejudged_run_is_of_the_run_as_it_was(
    start: Start, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ["rejudge", str(folder), "--jury", "embedded", "--out", str(tmp_path / "again"), "--allow-unproven"]
    start("--limit", "2")
    run_command(told)
    start("--limit", "3")
    assert run_command(told) == 2
    assert "it differs in what is asked" in " ".join(capsys.readouterr().err.split())
