"""What a run will cost: counted by hand from its plan and the published prices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from safebench.cli.main import run_command
from safebench.models.prices import Range, RoleEstimate, estimate_line, read_prices
from safebench.runs.config import make_config
from safebench.runs.estimate import estimate
from safebench.runs.plan import make_plan, never_read

JURY = {"protocol": {"rounds": 2}, "writer": {"model": "openai:gpt-5-mini"}, "jurors": [
    {"model": "openai:gpt-5.4", "name": "a"}, {"model": "openai:gpt-5.4", "name": "b"}, {"juror": "wording"},
]}  # fmt: skip
TEXT = "x" * 300
PRICES = read_prices()


@pytest.fixture(autouse=True)
def queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("queries.csv").write_text("id,query\n" + "".join(f"q{n},{TEXT}\n" for n in range(10)), encoding="utf-8")


def rows(pending: dict[str, int] | None = None, **options: Any) -> dict[tuple[str, str], RoleEstimate]:
    asked = {"conditions": ["text"], "target": "openai:gpt-4o", "jury": JURY, "out": "out"} | options
    plan = make_plan(make_config("test", data="queries.csv", **asked), never_read)
    return {(one.condition, one.role): one for one in estimate(plan, PRICES, pending)}


def test_a_text_is_counted_by_its_length() -> None:
    target = rows(repeats=2)["text", "target"]
    assert target.calls == Range(20, 20)
    assert target.tokens == Range(20 * (60 + 20), 20 * (100 + 800))
    low, high = 20 * (60 * 2.5 + 20 * 10) / 1e6, 20 * (100 * 2.5 + 800 * 10) / 1e6
    assert target.cost == Range(pytest.approx(low), pytest.approx(high))


def test_the_users_limit_on_answers_is_the_most_that_is_answered() -> None:
    assert rows(parameters={"max_tokens": 50})["text", "target"].tokens == Range(10 * 80, 10 * 150)


def test_jurors_vote_at_least_once_and_at_most_in_every_round() -> None:
    found = rows()
    assert set(found) == {("text", "target"), ("text", "a"), ("text", "b"), ("text", "writer")}  # rules cost nothing
    assert found["text", "a"].calls == Range(10, 30)
    assert found["text", "writer"].calls == Range(10, 10)


def test_pictures_are_counted_by_the_providers_rule() -> None:
    found = rows(conditions=["image:typographic"], probe=0.5)
    picture = found["image:typographic", "target"]
    assert picture.tokens == Range(10 * (255 + 20), 10 * (1445 + 100 + 800))
    assert found["image:typographic", "probe"].calls == Range(5, 10)


def test_speech_is_counted_by_its_seconds() -> None:
    spoken = rows(conditions=["audio:female"], target="openai:gemini-2.5-flash")["audio:female", "target"]
    assert spoken.seconds == Range(pytest.approx(10 * 300 / 18), pytest.approx(10 * 300 / 11))
    assert spoken.cost.low == pytest.approx(10 * (300 / 18 * 32 * 1 + 20 * 2.5) / 1e6)


def test_who_reads_for_a_cascade_on_this_machine_costs_nothing_and_its_text_target_its_tokens() -> None:
    asked = {"conditions": ["image:typographic"], "target": "cascade:openai:gpt-4o"}
    read = rows(**asked, options={"recognisers": {"image": "rapidocr"}}, probe=0.5)
    assert read["image:typographic", "probe"].calls == Range(5, 10)
    assert not [role for _, role in read if role == "media"]
    low, high = 10 * (60 * 2.5 + 20 * 10) / 1e6, 10 * (100 * 2.5 + 800 * 10) / 1e6
    assert read["image:typographic", "target"].cost == Range(pytest.approx(low), pytest.approx(high))


def test_models_that_render_and_read_back_are_counted_once_a_query(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    Path("recipes.toml").write_text(
        '[audio.said]\ntries = 2\n[[audio.said.steps]]\nuse = "openai-speech"\nmodel = "tts-1"\nvoice = "nova"\n'
        '[image.drawn]\n[[image.drawn.steps]]\nuse = "openai-images"\nmodel = "painter"\n',
        encoding="utf-8",
    )
    options: dict[str, Any] = {"conditions": ["audio:said", "image:drawn"], "recipes": "recipes.toml", "repeats": 3}
    options |= {"recognisers": ["openai-transcriptions:whisper-1", "none"], "accepts": ["audio", "image", "text"]}
    config = make_config("test", data="queries.csv", target="openai:gpt-audio", jury=JURY, out="out", **options)
    found = {(one.condition, one.model): one for one in estimate(make_plan(config), PRICES) if one.role == "media"}
    said, heard = found["audio:said", "openai:tts-1"], found["audio:said", "openai:whisper-1"]
    assert (said.calls, heard.calls) == (Range(10, 20), Range(10, 50))  # 30 answers that may be spoken
    assert said.cost == Range(pytest.approx(10 * 300 * 15e-6), pytest.approx(20 * 300 * 15e-6))
    assert heard.cost is not None
    assert heard.cost.low == pytest.approx(10 * 300 / 18 * 0.006 / 60)
    drawn = found["image:drawn", "openai:painter"]
    assert (drawn.calls, drawn.tokens, drawn.cost) == (Range(10, 10), None, None)


def test_what_is_not_known_is_said_and_never_nothing() -> None:
    found = rows(target="openai:mine", conditions=["text"])
    assert found["text", "target"].cost is None
    assert found["text", "target"].tokens == rows()["text", "target"].tokens  # of a text the length tells
    assert "USD and what is not known: the price of openai:mine (--prices)" in estimate_line(found.values())
    picture = rows(target="openai:gpt-5", conditions=["image:typographic"])["image:typographic", "target"]
    assert (picture.tokens, picture.cost) == (None, None)  # priced, but nobody says how its pictures count


def test_a_medium_without_a_price_is_named_where_the_model_has_one() -> None:
    spoken = rows(conditions=["audio:female"], accepts=["audio", "text"])
    line = estimate_line(spoken.values())
    assert line.endswith("USD and what is not known: the price of openai:gpt-4o for audio (--prices)")


def test_what_runs_on_this_machine_costs_nothing() -> None:
    line = estimate_line(rows(target="reference", jury="embedded").values())
    assert line.startswith("estimate: 10 calls, ")
    assert line.endswith(", 0.00 USD")


def test_only_what_is_still_to_be_asked_is_counted() -> None:
    assert rows({"text": 3})["text", "target"].calls == Range(3, 3)


@pytest.mark.parametrize("given", [["estimate"], ["run", "--dry-run"]])
def test_the_command_says_it_and_does_nothing(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--data", "queries.csv", "-c", "text", "--target", "reference", "--out", "out"]
    assert run_command([*given, *options]) == 0
    assert "estimate: 10 calls" in capsys.readouterr().out
    assert not Path("out").exists()


def test_an_estimate_needs_no_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["estimate", "--data", "queries.csv", "-c", "text", "--target", "reference"]) == 0
    assert "estimate: 10 calls" in capsys.readouterr().out
    assert not Path("runs").exists()


def test_a_run_says_it_before_it_begins(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--data", "queries.csv", "-c", "text", "--target", "reference", "--out", "out"]
    assert run_command(["run", *options]) == 0
    assert "estimate: 10 calls" in capsys.readouterr().err
    assert run_command(["run", *options]) == 0
    assert "estimate: 0 calls" in capsys.readouterr().err
