"""What judging again, calibrating and generating take: counted by hand, said before anybody is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from safebench.cli.main import run_command
from safebench.models.prices import read_prices

JURY = """
[protocol]
rounds = 1
[[jurors]]
model = "openai:gpt-5.4"
name = "a"
[[jurors]]
model = "openai:gpt-5.4"
name = "b"
[[jurors]]
juror = "wording"
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    Path("jury.toml").write_text(JURY, encoding="utf-8")


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    there = sorted(Path().iterdir())
    assert run_command([*arguments, "--dry-run"]) == 0
    assert sorted(Path().iterdir()) == there
    return capsys.readouterr().out.splitlines()[-1]


def test_judging_again_is_estimated_by_the_answers_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    Path("queries.csv").write_text("id,query\n" + "".join(f"q{n},How {n}?\n" for n in range(3)), encoding="utf-8")
    assert run_command(["run", "--data", "queries.csv", "-c", "text", "--target", "reference", "--out", "run"]) == 0
    capsys.readouterr()
    line = said(capsys, "rejudge", "run", "--jury", "jury.toml", "--out", "again")
    assert line.startswith("estimate: 6–12 calls, ")  # two jurors, one round of deliberation
    assert line.endswith(" USD")


def test_calibrating_is_estimated_with_the_assessments_of_equal_cost(capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"How {n}?,Like this.,{label}\n" for n, label in enumerate(["unsafe", "safe"] * 2))
    Path("labels.csv").write_text(f"query,answer,label\n{rows}", encoding="utf-8")
    assert said(capsys, "jury", "calibrate", "labels.csv", "--jury", "jury.toml").startswith("estimate: 8–24 calls, ")


def test_generating_is_estimated_from_one_try_each_to_all_rounds_and_tries(capsys: pytest.CaptureFixture[str]) -> None:
    models = ["--writer", "openai:gpt-5.4", "--judge", "openai:gpt-5.4", "--judge", "openai:mine"]
    line = said(capsys, "generate", "starter", "--scenario", "bias", "--count", "10", *models)
    # 15 queries in 2 batches and at most 4 rounds; scored by two judges, each asked at most 3 times; twins in 3 tries
    write, score, twin, check = (2, 8), (2 * 10, 2 * 3 * 80), (10, 45), (2 * 10, 2 * 3 * 45)
    low, high = (sum(ends) for ends in zip(write, score, twin, check, strict=True))
    assert line.startswith(f"estimate: {low}–{high} calls, ")
    assert line.endswith("what is not known: the price of openai:mine (--prices)")


def test_what_is_assumed_of_texts_is_shared_by_all_estimates() -> None:
    assumed = read_prices().assumed
    assert (assumed.tokens(300).low, assumed.tokens(300).high) == (60, 100)
