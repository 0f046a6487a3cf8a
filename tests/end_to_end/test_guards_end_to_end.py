"""Guards as a whole jury: on the starter set, one that is down, a cascade, a rejudging, a calibration."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from safebench.cli.main import run_command
from safebench.store.store import Store
from safebench.testing.server import Call, Reply, chat, error
from tests.end_to_end.scripted import summary_of
from tests.fixture_types import Serve
from tests.safebench.jury.guards import judged, told

FAMILIES = {"lg": "llama-guard-3", "qw": "qwen3guard", "wg": "wildguard"}
HELP = "You can take these steps: first prepare the items, then mix them, and wait for ten minutes."
NO = "I'm sorry, but I can't help with that."


def world(call: Call) -> Reply:
    """A target that helps with every question of an odd length, and declines all others; and every juror."""
    if call.model == "target":
        return chat(HELP if len(call.text()) % 2 else NO)
    harm = HELP in judged(call) or "I will come at night" in judged(call)
    if call.model in FAMILIES:
        return told(FAMILIES[call.model], harm, not harm)
    return chat(json.dumps({"reason": "scripted", "label": "safe" if harm else "refused", "rating": 4}))


@pytest.fixture
def run_on(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, Path]]:
    def run_on(jury: str, models: str, answer: Callable[[Call], Reply] = world, *more: str) -> tuple[int, Path]:
        monkeypatch.setenv("OPENAI_BASE_URL", serve(answer).url)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        out = tmp_path / jury
        named = [option for model in models.split() for option in ("--jury-model", f"openai:{model}")]
        told = ["run", "--data", "starter", "-c", "text", "--target", "openai:target", "--jury", jury]
        return run_command([*told, *named, "--out", str(out), "--allow-unproven", "--max-open", "1", *more]), out

    return run_on


def test_three_guards_judge_200_starter_items_and_every_ballot_is_read(run_on: Callable) -> None:
    code, folder = run_on("guards", "lg qw wg", world, "--limit", "200")
    assert code == 0
    with Store(folder, readonly=True) as store:
        rows = list(
            store.rows("SELECT i.outcome, q.text, q.intent FROM items i JOIN queries q ON q.id = i.query ORDER BY i.id")
        )
        ballots = list(store.rows("SELECT label, absence FROM ballots"))
    assert len(rows) == 200
    assert len(ballots) == 600
    assert {row["absence"] for row in ballots} == {None}
    assert Counter(row["label"] for row in ballots).keys() == {"unsafe", "refused"}
    wrong = [row["text"] for row in rows if row["outcome"] != ("unsafe" if len(row["text"]) % 2 else "refused")]
    assert wrong == []


def test_a_guard_that_is_down_is_named_and_the_others_decide(
    run_on: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    code, folder = run_on("guards", "lg qw wg", down, "--limit", "6")
    assert code == 1
    jurors = {one["name"]: one for one in summary_of(folder)["jury"]["jurors"]}
    assert (jurors["qwen3guard"]["votes"], jurors["qwen3guard"]["why"]) == (0, "call_failed")
    assert jurors["wildguard"]["votes"] == 6
    assert "juror qwen3guard cast no vote" in capsys.readouterr().err


def down(call: Call) -> Reply:
    return error(400, "out of order") if call.model == "qw" else world(call)


def test_a_model_of_no_family_stops_before_the_run(run_on: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    code, folder = run_on("guards", "lg lg wg", world, "--limit", "2")
    assert code == 2
    assert "guard qwen3guard: the model answered" in capsys.readouterr().err
    assert not (folder / "run.db").exists() or not list(Store(folder, readonly=True).rows("SELECT 1 FROM ballots"))


def test_a_cascade_says_what_it_saved(run_on: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """The guard finds harm in half of the answers, and is not believed where the question was benign."""
    code, folder = run_on("cascade-jury", "qw one two three", world, "--limit", "60")
    assert code == 0
    cascade = summary_of(folder)["jury"]["cascade"]
    with Store(folder, readonly=True) as store:
        ((benign_unsafe,),) = store.rows(
            "SELECT count(*) FROM ballots b JOIN items i ON i.id = b.item JOIN queries q ON q.id = i.query"
            " WHERE b.juror = 'guard' AND b.label = 'unsafe' AND q.intent = 'benign'"
        )
        ((asked,),) = store.rows("SELECT count(*) FROM ballots WHERE juror <> 'guard'")
    assert 0 < benign_unsafe < 30
    assert cascade == {"items": 60, "alone": 60 - benign_unsafe, "saved": 3 * (60 - benign_unsafe)}
    assert asked == 3 * benign_unsafe
    assert f"the guards alone judged {60 - benign_unsafe} of 60 answers" in capsys.readouterr().out


def test_the_answers_of_a_run_before_guards(run_on: Callable, tmp_path: Path) -> None:
    _, folder = run_on("embedded", "", world, "--limit", "5")
    out = tmp_path / "again"
    models = ["--jury-model", "openai:qw", "--jury-model", "openai:a", "--jury-model", "openai:b"]
    named = ["rejudge", str(folder), "--jury", "guard+panel", *models, "--jury-model", "openai:c", "--out", str(out)]
    assert run_command([*named, "--allow-unproven", "--max-open", "1"]) == 0
    assert [one["name"] for one in summary_of(out)["jury"]["jurors"]] == ["guard", "first", "second", "third"]


@pytest.mark.parametrize(("jury", "models"), [("guards", "lg qw wg"), ("cascade-jury", "qw one two three")])
def test_a_calibration_measures_guards_like_any_jury(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jury: str, models: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", serve(world).url)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    labels, out = tmp_path / "labels.csv", tmp_path / "calibration.json"
    with labels.open("w", encoding="utf-8", newline="") as file:
        rows = [
            (f"How do I do number {n}?", HELP if n % 2 else NO, "unsafe" if n % 2 else "refused") for n in range(12)
        ]
        csv.writer(file).writerows([("query", "answer", "label"), *rows])
    named = [option for model in models.split() for option in ("--jury-model", f"openai:{model}")]
    told = ["jury", "calibrate", str(labels), "--jury", jury, *named, "--out", str(out), "--draws", "100"]
    assert run_command(told) == 0
    content = json.loads(out.read_text(encoding="utf-8"))
    assert content["verdicts"]["jury"]["counts"]["true_positive"] == 6
    assert content["verdicts"]["jury"]["counts"]["true_negative"] == 6
    assert content["verdicts"]["jury"]["ballots_per_answer"] == (3 if jury == "guards" else 1)
    assert set(content["errors"]) == {
        "correlation_first",
        "correlation_last",
        "effective_size_first",
        "effective_size_last",
    }
