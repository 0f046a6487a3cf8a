"""`safebench generate` against writers and judges played by a local server, which write and score by their prompts."""

from __future__ import annotations

import errno
import itertools
import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from safebench.cli.main import run_command
from safebench.datasets.card import read_card
from safebench.datasets.load import load_dataset
from safebench.store.store import Store
from safebench.taxonomy import FILE
from safebench.testing.server import Call, Reply, ScriptedServer, error
from safebench.types import Intent, Response
from tests.end_to_end.scripted import command
from tests.fixture_types import Serve, WriteJsonl
from tests.own_taxonomy import own_taxonomy
from tests.safebench.generation.scripted import REFUSAL, answer, fenced

WRITERS, JUDGES = ("writer-a", "writer-b"), ("judge-a", "judge-b")
Run = Callable[..., int]


@pytest.fixture
def world(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> ScriptedServer:
    server = serve(answer)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path_factory.mktemp("no-certificates")))  # a tenth of a second a model
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    return server


@pytest.fixture
def generate(tmp_path: Path, world: ScriptedServer) -> Run:
    """Run a plan, small where it says nothing else, into `tmp_path / out`."""

    def run(out: str = "set", until: str = "package", *flags: str, **told: Any) -> int:
        plan = str(plan_file(tmp_path, **told))
        return run_command(["generate", plan, "--out", str(tmp_path / out), "--until", until, *flags])

    return run


def plan_file(folder: Path, writers: tuple[str, ...] = WRITERS, judges: tuple[str, ...] = JUDGES, **told: Any) -> Path:
    roles = {"writers": writers, "judges": judges}
    models = {role: [f"openai:{name}" for name in names] for role, names in roles.items()}
    plan = {"title": "A test", "count": 3, "scenarios": ["hate_speech", "bias"], "surplus": 2, **models, **told}
    file = folder / "mine.toml"
    file.write_text(tomli_w.dumps(plan), encoding="utf-8")
    return file


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines()]


def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def kept(folder: Path) -> list[str]:
    return [row["query"] for row in rows(folder, "5-twins.jsonl") if row.get("status", "kept") == "kept"]


# --- all goes well


def test_a_plan_becomes_a_data_set_with_twins_a_card_and_its_provenance(generate: Run, tmp_path: Path) -> None:
    assert generate(language="Spanish", format="jsonl") == 0
    folder = tmp_path / "set" / "dataset"
    dataset = load_dataset(str(folder))
    assert Counter((q.scenario, q.intent) for q in dataset.queries) == {
        (scenario, intent): 3 for scenario in ("hate_speech", "bias") for intent in Intent
    }
    by_id = {query.id: query for query in dataset.queries}
    assert all(by_id[query.twin or ""].twin == query.id for query in dataset.queries)
    harmful = [query for query in dataset.queries if query.intent is Intent.HARMFUL]
    assert all("Spanish request about" in query.text for query in harmful)
    assert all((query.scenario or "").replace("_", " ") in query.text for query in harmful)

    canary = read_card(str(folder)).canary
    assert {row["canary"] for row in rows(folder, "queries.jsonl")} == {canary}
    told = {row["id"]: row for row in rows(folder, "provenance.jsonl")}
    assert told.keys() == {query.id for query in harmful}
    for row in told.values():
        assert row["writer"].startswith("openai:writer-")
        assert row["scores"].keys() == row["harmlessness"].keys() == {"openai:judge-a", "openai:judge-b"}
        assert 1 <= row["rank"] <= 6
    card = (folder / "README.md").read_text(encoding="utf-8")
    for expected in (canary, "Notice.", "Intended use", "Krippendorff", "distinct-1", "`openai:writer-a`", "Spanish"):
        assert expected in card


def test_the_same_again_asks_nothing_and_changes_nothing(generate: Run, tmp_path: Path, world: ScriptedServer) -> None:
    assert generate() == 0
    before = contents(tmp_path / "set")
    world.calls.clear()
    assert generate() == 0
    assert world.calls == []
    assert contents(tmp_path / "set") == before


def test_a_set_that_was_moved_goes_on_where_it_is(generate: Run, tmp_path: Path, world: ScriptedServer) -> None:
    assert generate(until="score") == 0
    (tmp_path / "elsewhere").mkdir()
    moved = (tmp_path / "set").rename(tmp_path / "elsewhere" / "renamed")
    asked = bodies(world)
    assert run_command(["generate", str(moved / "plan.toml")]) == 0
    assert not (tmp_path / "set").exists()
    assert (moved / "dataset").is_dir()
    assert max(bodies(world)[body] for body in asked) == 1  # nothing was asked again


def contents(folder: Path) -> dict[str, bytes]:
    files = [*folder.glob("*.jsonl"), *(folder / "dataset").glob("*")]
    return {path.name: path.read_bytes() for path in files}


def test_writers_are_asked_for_the_scenario_language_and_number_and_shown_what_there_is(
    generate: Run, world: ScriptedServer
) -> None:
    generate(writers=("writer-a", "writer-repeats"), batch=2, language="French", until="write")
    asked = [call.text() for call in world.calls if "Number of requests" in call.text()]
    assert {fenced(text, "SCENARIO").splitlines()[0] for text in asked} == {"Hate speech", "Bias"}
    assert all(
        "Language: French" in text and re.search("Number of requests: [12]$", text, re.MULTILINE) for text in asked
    )
    later = [text for text in asked if " REQUESTS\n" in text]
    assert later
    assert all("Simulated French request" in text.partition(" REQUESTS\n")[2] for text in later)


def test_models_propose_scenarios_which_are_merged_and_voted_on(generate: Run, tmp_path: Path) -> None:
    own = [{"id": "noise", "name": "Noise", "description": "Simulated risk of noise."}]
    assert generate(scenarios=[], scenario=own, propose={"count": 1}, count=2) == 0
    told = {row["name"]: row for row in rows(tmp_path / "set", "1-scenarios.jsonl")}
    assert told["Simulated weather scares"]["proposed_by"] == ["openai:writer-a", "openai:writer-b"]
    assert told["Simulated weather scares"]["votes"] == {"openai:judge-a": 9, "openai:judge-b": 9}
    assert [name for name, row in told.items() if "status" not in row] == ["Noise", "Simulated weather scares"]
    dataset = tmp_path / "set" / "dataset"
    loaded = load_dataset(str(dataset))
    assert {query.scenario for query in loaded.queries} == {"noise", "simulated_weather_scares"}
    assert [(one.id, one.name) for one in loaded.taxonomy.categories] == [
        ("noise", "Noise"), ("public_alarm", "Public alarm")
    ]  # fmt: skip
    scares = loaded.taxonomy.scenario("simulated_weather_scares")
    assert (scares.description, scares.severity) == ("Simulated risk of warnings about weather that never comes.", 3)
    card = (dataset / "README.md").read_text(encoding="utf-8")
    assert "`noise`, Noise (from the plan)" in card
    assert "`simulated_weather_scares`, Simulated weather scares (proposed by a model)" in card


def test_a_set_for_a_taxonomy_of_ones_own_brings_it(generate: Run, tmp_path: Path) -> None:
    known = own_taxonomy(tmp_path / "own")
    assert generate(taxonomy=str(tmp_path / "own" / FILE), scenarios="all", count=2) == 0
    dataset = load_dataset(str(tmp_path / "set" / "dataset"))
    assert dataset.taxonomy == known
    assert dict.fromkeys(query.scenario for query in dataset.queries).keys() == known.scenarios.keys()


@pytest.mark.parametrize("scenarios", [["hate_speech"], ["bias"]])
def test_a_proposal_that_the_taxonomy_has_already_is_dropped(
    generate: Run, tmp_path: Path, scenarios: list[str]
) -> None:
    assert generate(until="propose", propose={"count": 1}, scenarios=scenarios) == 0
    told = {row["name"]: row for row in rows(tmp_path / "set", "1-scenarios.jsonl") if row["source"] == "proposed"}
    assert told["Hate speech"]["why"] == "known: hate_speech covers it"


# --- writers that do badly


def test_a_writer_that_declines_is_counted_and_another_one_is_asked(generate: Run, tmp_path: Path) -> None:
    assert generate(writers=("writer-declines", "writer-a")) == 0
    asked = rows(tmp_path / "set", "2-asked.jsonl")
    declined = [row for row in asked if row["outcome"] == "declined"]
    assert {row["writer"] for row in declined} == {"openai:writer-declines"}
    assert all(row["told"] == REFUSAL for row in declined)
    answered = {(row["scenario"], row["round"], row["batch"]) for row in asked if row["outcome"] == "answered"}
    assert {(row["scenario"], row["round"], row["batch"]) for row in declined} <= answered
    by_scenario = Counter(row["scenario"] for row in declined)
    assert by_scenario.total() > 0
    for row in summary(tmp_path / "set")["declined"]:
        assert row["writer"] == "openai:writer-declines"
        assert row["declined"] >= by_scenario[row["scenario"]]


def test_a_writer_that_declines_half_the_time_is_made_up_for(generate: Run, tmp_path: Path) -> None:
    assert generate(writers=("writer-declines-half", "writer-a"), batch=2) == 0
    assert [line["missing"] for line in summary(tmp_path / "set")["lines"]] == [0, 0]


def test_where_everybody_declines_the_shortfall_is_told_and_the_calls_are_bounded(
    generate: Run, tmp_path: Path, world: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate(writers=("writer-declines",), limits={"rounds": 2}) == 1
    assert len(world.calls) == 2 * 2  # scenarios × rounds
    assert [(line["planned"], line["missing"]) for line in summary(tmp_path / "set")["lines"]] == [(3, 3), (3, 3)]
    assert "6 queries are missing" in capsys.readouterr().err
    assert not (tmp_path / "set" / "dataset").exists()


def test_a_writer_that_repeats_itself_does_not_fill_the_set(generate: Run, tmp_path: Path) -> None:
    assert generate(writers=("writer-repeats", "writer-a"), limits={"rounds": 5}, batch=3) == 0
    written = rows(tmp_path / "set", "2-written.jsonl")
    repeated = [row for row in written if row.get("why", "").startswith("duplicate: ")]
    assert {row["writer"] for row in repeated} == {"openai:writer-repeats"}
    texts = [row["query"] for row in written if row.get("status", "kept") == "kept"]
    assert len(set(texts)) == len(texts)


def test_prose_around_the_json_is_read_and_broken_json_is_not(generate: Run, tmp_path: Path) -> None:
    assert generate(writers=("writer-prose", "writer-broken"), judges=("judge-prose", "judge-a")) == 0
    outcomes = {(row["writer"], row["outcome"]) for row in rows(tmp_path / "set", "2-asked.jsonl")}
    assert outcomes == {("openai:writer-prose", "answered"), ("openai:writer-broken", "unreadable")}
    assert {row["writer"] for row in rows(tmp_path / "set", "2-written.jsonl")} == {"openai:writer-prose"}


def test_what_breaks_a_rule_is_dropped_and_told_by_rule(generate: Run, tmp_path: Path) -> None:
    generate(writers=("writer-breaks-rules", "writer-a"), scenarios=["bias"], count=5, until="write")
    dropped = summary(tmp_path / "set")["dropped"]
    assert dropped.keys() >= {"one_sentence", "link", "mail", "phone", "code", "steps", "too_long"}


def test_a_query_of_a_compared_set_does_not_come_again(generate: Run, tmp_path: Path, write_jsonl: WriteJsonl) -> None:
    assert generate("first", until="write") == 0
    known = rows(tmp_path / "first", "2-written.jsonl")[0]
    other = write_jsonl([{"id": "known", "query": known["query"].upper()}], "other.jsonl")
    assert generate("second", until="write", compare_with=[str(other)]) == 0
    again = next(row for row in rows(tmp_path / "second", "2-written.jsonl") if row["query"] == known["query"])
    assert again["why"] == f"duplicate: similarity 1.00 to known of {other}"


# --- judges that do badly


def test_another_judge_chooses_other_queries(generate: Run, tmp_path: Path) -> None:
    told: dict[str, Any] = {"surplus": 4, "selection": {"diversity": 0.1}, "thresholds": {"harmfulness": 0}}
    assert generate("good", judges=("judge-a", "judge-b"), **told) == 0
    assert generate("bad", judges=("judge-inverted", "judge-b"), **told) == 0
    good, bad = (kept(tmp_path / name) for name in ("good", "bad"))
    assert set(good) != set(bad)
    assert summary(tmp_path / "good")["agreement"]["harmfulness"] == pytest.approx(1)
    assert summary(tmp_path / "bad")["agreement"]["harmfulness"] < 0


def test_a_judge_that_scores_everything_nine_is_named(generate: Run, tmp_path: Path) -> None:
    assert generate(judges=("judge-nine", "judge-a")) == 0
    assert summary(tmp_path / "set")["constant_judges"] == ["openai:judge-nine"]
    card = (tmp_path / "set" / "dataset" / "README.md").read_text(encoding="utf-8")
    assert "`openai:judge-nine` gave every query the same scores" in card


def test_a_judge_that_cannot_be_read_is_asked_twice_more_and_abstains(
    generate: Run, tmp_path: Path, world: ScriptedServer
) -> None:
    assert generate(judges=("judge-a", "judge-b", "judge-broken"), twins={"wanted": False}) == 0
    asked = Counter(call.model for call in world.calls)
    assert asked["judge-broken"] == 3 * asked["judge-a"]
    scored = [row for row in rows(tmp_path / "set", "3-scored.jsonl") if "scores" in row]
    assert all(row["scores"].keys() == {"openai:judge-a", "openai:judge-b"} for row in scored)
    assert all("asked 3 times" in row["abstained"]["openai:judge-broken"] for row in scored)


@pytest.mark.parametrize("judge", ["judge-broken", "judge-fails"])
def test_a_query_with_too_few_scores_is_dropped(generate: Run, tmp_path: Path, judge: str) -> None:
    assert generate(judges=("judge-a", judge), scenarios=["bias"], count=1) == 1
    found = summary(tmp_path / "set")
    assert found["dropped"] == {"few_scores": 2}
    assert not (tmp_path / "set" / "dataset").exists()


VETOES = ["operational_detail", "real_person", "minors"]


@pytest.mark.parametrize("rule", VETOES)
def test_a_query_that_one_judge_finds_to_break_a_rule_is_dropped_and_counted(
    generate: Run, tmp_path: Path, rule: str
) -> None:
    judge = f"judge-finds-{rule}"
    assert generate(judges=("judge-a", "judge-b", judge), surplus=4) == 0
    scored = rows(tmp_path / "set", "3-scored.jsonl")
    broken = [row for row in scored if " in tone nine" in row["query"]]
    assert broken
    assert all(row["status"] == "dropped" and row["why"] == f"{rule}: so openai:{judge}" for row in broken)
    assert summary(tmp_path / "set")["dropped"][rule] == len(broken)
    dataset = tmp_path / "set" / "dataset"
    assert not any(" in tone nine" in query.text for query in load_dataset(str(dataset)).queries)
    assert f"| {rule} | " in (dataset / "README.md").read_text(encoding="utf-8")


# --- twins


@pytest.mark.parametrize("rule", VETOES)
def test_a_twin_that_one_judge_finds_to_break_a_rule_is_tried_again(generate: Run, tmp_path: Path, rule: str) -> None:
    judge = f"judge-finds-{rule}"
    writers = ("writer-named-twin", "writer-a")
    assert generate(writers=writers, judges=("judge-a", "judge-b", judge), surplus=4) == 0
    twins = [row for row in rows(tmp_path / "set", "5-twins.jsonl") if row.get("twin")]
    refused = [row["tries"][0] for row in twins if len(row["tries"]) > 1]
    assert refused
    for told in refused:
        assert told["outcome"] == f"{rule}: so openai:{judge}"
        assert told["breaks"] == {f"openai:{judge}": rule}
    assert not any("named" in row["twin"] for row in twins)


def test_a_query_whose_twins_all_break_a_rule_is_dropped(generate: Run, tmp_path: Path) -> None:
    judges = ("judge-a", "judge-b", "judge-finds-minors")
    assert generate(writers=("writer-named-twin",), judges=judges, scenarios=["bias"], twins={"tries": 2}) == 1
    tried = [row for row in rows(tmp_path / "set", "5-twins.jsonl") if row.get("tries")]
    assert {row["why"] for row in tried} == {"no_twin: minors: so openai:judge-finds-minors"}
    assert summary(tmp_path / "set")["dropped"]["no_twin"] == len(tried)
    assert not (tmp_path / "set" / "dataset").exists()


@pytest.mark.parametrize(
    ("writer", "why"),
    [("writer-same-twin", "same"), ("writer-far-twin", "too_far"), ("writer-harmful-twin", "harmful_twin")],
)
def test_a_bad_twin_is_tried_again_with_another_writer(generate: Run, tmp_path: Path, writer: str, why: str) -> None:
    assert generate(writers=(writer, "writer-a")) == 0
    twins = [row for row in rows(tmp_path / "set", "5-twins.jsonl") if row.get("twin")]
    tried_again = [row for row in twins if len(row["tries"]) > 1]
    assert tried_again
    for row in tried_again:
        assert row["tries"][0]["outcome"].startswith(f"{why}: ")
        assert row["twin_writer"] == "openai:writer-a"


def test_queries_without_a_twin_are_replaced_from_the_reserve_and_then_missing(
    generate: Run, tmp_path: Path, world: ScriptedServer
) -> None:
    assert generate(writers=("writer-harmful-twin",), scenarios=["bias"], twins={"tries": 2}) == 1
    found = rows(tmp_path / "set", "5-twins.jsonl")
    tried = [row for row in found if row.get("tries")]
    assert len(tried) > 3
    assert all(row["why"].startswith("no_twin: harmful_twin") and len(row["tries"]) == 2 for row in tried)
    assert summary(tmp_path / "set")["lines"][0]["missing"] == 3


# --- stopped and continued


def test_a_full_disk_stops_the_work_and_the_same_command_goes_on(
    generate: Run, tmp_path: Path, world: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate("whole") == 0
    needed = len(world.calls)
    world.calls.clear()
    keep, kept_calls = Store.keep_exchange, itertools.count()

    def full(self: Store, *told: Any) -> Response:
        if next(kept_calls) >= 5:
            raise OSError(errno.ENOSPC, "no space left")
        return keep(self, *told)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "keep_exchange", full)
        assert generate() == 2
    assert "no space left\neverything so far is kept" in capsys.readouterr().err
    assert not (tmp_path / "set" / "dataset").exists()
    assert generate() == 0
    assert kept(tmp_path / "set") == kept(tmp_path / "whole")
    assert needed <= len(world.calls) < 2 * needed


def test_a_private_set_can_be_read_by_its_owner_alone(generate: Run, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        assert generate("set", "package", "--private") == 0
    finally:
        os.umask(before)
    made = [tmp_path / "set", *(tmp_path / "set").rglob("*")]
    assert len(made) > 5
    assert [path for path in made if path.stat().st_mode & 0o077] == []


def slow(call: Call) -> Reply:
    reply = answer(call)
    return Reply(reply.body, reply.status, reply.headers, delay=0.02)


def arguments(folder: Path, out: str) -> list[object]:
    return ["generate", plan_file(folder, count=4, batch=2, concurrency=4), "--out", out]


def stop_after(calls: int, told: list[object], world: ScriptedServer, number: signal.Signals) -> tuple[int, str]:
    """Start the command, send it a signal after so many more calls; its exit status and what it said."""
    until = len(world.calls) + calls
    process = subprocess.Popen(command(*told), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while len(world.calls) < until and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    return process.returncode, said


def bodies(world: ScriptedServer) -> Counter[str]:
    return Counter(json.dumps(call.body, sort_keys=True) for call in world.calls)


def test_killed_twice_and_continued_the_set_is_that_of_an_uninterrupted_run(
    tmp_path: Path, world: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    world.answer = slow
    assert run_command([str(one) for one in arguments(tmp_path, "whole")]) == 0
    needed = bodies(world)
    world.calls.clear()
    for moment in (7, 30):
        status, told = stop_after(moment, arguments(tmp_path, "killed"), world, signal.SIGKILL)
        assert status == -signal.SIGKILL, told
        time.sleep(0.1)
    assert run_command([str(one) for one in arguments(tmp_path, "killed")]) == 0
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    made = bodies(world)
    assert set(made) == set(needed)
    assert (made - needed).total() <= 2 * 4  # two kills, four calls in flight


def test_ctrl_c_says_how_to_continue_and_loses_no_call(
    tmp_path: Path, world: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    world.answer = slow
    status, told = stop_after(20, arguments(tmp_path, "set"), world, signal.SIGINT)
    assert status == 130, told
    assert "safebench generate set/plan.toml --out set" in told
    assert run_command(["generate", "set/plan.toml", "--out", "set"]) == 0
    assert set(bodies(world).values()) == {1}


def test_the_budget_stops_with_a_summary_and_a_higher_one_goes_on(
    generate: Run, tmp_path: Path, world: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate("whole") == 0
    needed = len(world.calls)
    world.calls.clear()
    assert generate(limits={"calls": 10}) == 1
    assert len(world.calls) == 10
    assert "the budget of 10 calls is spent; raise limits.calls" in capsys.readouterr().err
    assert summary(tmp_path / "set")["stage"] == "write"
    assert generate(limits={"tokens": 40}) == 1
    assert len(world.calls) < needed
    assert generate(limits={"calls": needed}) == 0
    assert len(world.calls) == needed
    assert contents(tmp_path / "set") == contents(tmp_path / "whole")


def test_failed_calls_are_asked_again_when_told_to(
    generate: Run, tmp_path: Path, world: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate("whole") == 0
    world.answer = lambda call: error(400, "down") if call.model == "judge-b" else answer(call)
    assert generate() == 1
    assert "calls failed: --retry-failed asks again" in capsys.readouterr().out
    assert summary(tmp_path / "set")["calls"]["openai:judge-b"]["failed"] > 0
    world.answer = answer
    assert generate() == 1
    again = ["generate", str(tmp_path / "set" / "plan.toml"), "--out", str(tmp_path / "set"), "--retry-failed"]
    world.calls.clear()
    assert run_command(again) == 0
    assert contents(tmp_path / "set") == contents(tmp_path / "whole")
    scored = [call for call in world.calls if "feasibility" in call.text()]
    assert {call.model for call in scored} == {"judge-b"}


# --- edited between the stages


def edit(path: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    told = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    change(told)
    path.write_text("".join(json.dumps(row) + "\n" for row in told), encoding="utf-8")


def test_an_edited_file_is_honoured_and_the_card_says_so(generate: Run, tmp_path: Path, world: ScriptedServer) -> None:
    mine = "Simulated request of my own about bias in tone nine with granite and velvet."
    assert generate(until="write") == 0
    edit(tmp_path / "set" / "2-written.jsonl", lambda told: told[-1].update(query=mine, writer="me"))
    assert generate() == 0
    assert mine in [query.text for query in load_dataset(str(tmp_path / "set" / "dataset")).queries]
    card = (tmp_path / "set" / "dataset" / "README.md").read_text(encoding="utf-8")
    assert "**Edited by hand** between the stages, and used as edited: `2-written.jsonl`" in card


def test_an_edit_after_all_is_done_makes_what_follows_anew_with_the_recorded_calls(
    generate: Run, tmp_path: Path, world: ScriptedServer
) -> None:
    assert generate() == 0
    gone = kept(tmp_path / "set")[0]
    world.calls.clear()

    def drop(told: list[dict[str, Any]]) -> None:
        next(row for row in told if row["query"] == gone).update(status="dropped")

    edit(tmp_path / "set" / "4-selected.jsonl", drop)
    assert generate() == 0
    assert gone not in kept(tmp_path / "set")
    assert summary(tmp_path / "set")["dropped"]["by_hand"] == 1
    assert {call.model for call in world.calls} <= {*WRITERS, *JUDGES}
    assert len(world.calls) == 3  # a twin for the one from the reserve, and two judges


@pytest.mark.parametrize(
    ("stage", "change", "told"),
    [
        ("write", {"query": "One. Two three four."}, "2-written.jsonl, line 2: one_sentence: more than one sentence"),
        ("write", {"status": "keep"}, "2-written.jsonl, line 2: status: Input should be"),
        ("write", {"sccore": 1}, "2-written.jsonl, line 2: sccore: Extra inputs"),
        ("write", {"scenario": "cooking"}, "2-written.jsonl, line 2: scenario 'cooking' is none that is kept"),
        ("write", {"id": "hate_speech-0001"}, "2-written.jsonl, line 2: id 'hate_speech-0001' is taken"),
        ("score", {"score": None}, "3-scored.jsonl, line 2: a query that is kept needs 'score'"),
        ("select", {"rank": "first"}, "4-selected.jsonl, line 2: rank: Input should be"),
        ("propose", {"count": 0}, "1-scenarios.jsonl, line 2: count: Input should be"),
    ],
)  # fmt: skip
def test_a_bad_edit_is_told_with_its_line_before_anything_is_asked(
    generate: Run, tmp_path: Path, world: ScriptedServer, capsys: pytest.CaptureFixture[str],
    stage: str, change: dict[str, Any], told: str,
) -> None:  # fmt: skip
    assert generate(until=stage) == 0
    file = next((tmp_path / "set").glob(f"{told.partition(',')[0]}"))
    edit(file, lambda rows: rows[1].update({"status": "kept", **change}))
    world.calls.clear()
    assert generate() == 2
    assert told in " ".join(capsys.readouterr().err.split())
    assert world.calls == []


def test_two_edits_of_which_one_would_be_lost_are_refused(
    generate: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate(until="select") == 0
    for name in ("2-written.jsonl", "4-selected.jsonl"):
        edit(tmp_path / "set" / name, lambda told: told[0].update(why="I changed this"))
    assert generate() == 2
    assert "4-selected.jsonl was edited by hand, and so was a file before it: delete" in " ".join(
        capsys.readouterr().err.split()
    )


# --- bad input


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ({"scenarios": ["hate_speach"]}, "unknown scenario 'hate_speach'; did you mean hate_speech"),
        ({"writers": ()}, "no writers: name models in `writers`, or with --writer"),
        ({"judges": ("judge-a",)}, "1 judges, and thresholds.judges = 2 of them are needed"),
        ({"thresholds": {"harmfulness": 10}}, "thresholds.harmfulness = 10"),
        ({"treshold": {}}, "unknown key 'treshold' in"),
        ({"counts": {"bais": 3}}, "unknown scenario 'bais' in counts; did you mean bias"),
        ({"scenarios": []}, "no scenario: name some"),
        ({"scenario": [{"id": "bias", "name": "x", "description": "y"}]}, "scenario 'bias' is in the taxonomy already"),
        ({"compare_with": ["nowhere.jsonl"]}, "no such file or folder"),
        ({"defaults": {"base_uri": "x"}}, "unknown key 'base_uri'"),
        ({"length": {"shortest": 50}}, "length.shortest = 50 is more than length.longest = 40"),
    ],
)  # fmt: skip
def test_bad_input_is_one_clear_line_and_writes_nothing(
    generate: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], plan: dict[str, Any], told: str
) -> None:
    assert generate(**plan) == 2
    assert told in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "set").exists()


def test_a_folder_of_another_plan_or_of_something_else_is_refused(
    generate: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate(until="propose") == 0
    assert generate(until="propose", count=5) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "holds a set of another plan: it differs in count (there 3, here 5)" in said
    assert generate(until="propose", concurrency=2, limits={"calls": 7}) == 0
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("hello")
    assert generate("other") == 2
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["letter.txt"]


def test_the_shipped_plan_takes_models_and_numbers_from_the_command_line(
    tmp_path: Path, world: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    models = ["--writer", "openai:writer-a", "--judge", "openai:judge-a", "--judge", "openai:judge-b"]
    told = ["generate", "starter", *models, "--count", "1", "--scenario", "bias", "--out", str(tmp_path / "set")]
    assert run_command(told) == 0
    assert len(load_dataset(str(tmp_path / "set" / "dataset")).queries) == 2
    assert run_command(["generate", "startre", "--out", str(tmp_path / "x")]) == 2
    assert "did you mean starter" in capsys.readouterr().err
