"""The file for a bug report: what is in it, and above all what is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from safebench.cli.main import run_command
from safebench.reports.bundle import HOST, PATH, redacted, skeleton
from safebench.runs.config import make_config
from safebench.runs.run import run
from safebench.testing.server import Call, Reply, chat, error
from tests.fixture_types import Serve, WriteJsonl

KEY = "sk-very-secret-1"
SECRET = "teapotinsky"  # stands in for all that nobody may read


def answer(call: Call) -> Reply:
    if call.number == 0:
        return error(400, f"cannot read {call.text()} with {KEY}")
    return chat(f"Sure: {call.text()}")


@pytest.fixture
def folder(serve: Serve, write_jsonl: WriteJsonl, tmp_path: Path) -> Path:
    queries = [{"id": f"q{n}", "query": f"How do I brew {SECRET} number {n}?"} for n in range(2)]
    config = make_config(
        "test", data=str(write_jsonl(queries, f"{SECRET}.jsonl")), conditions=["text"], target="openai:tested",
        base_url=serve(answer).url, out=str(tmp_path / SECRET), preflight=False, workers=1, retries=0, max_open=1.0,
        parameters={"temperature": 0, "stop": f"the end of {SECRET}"},
    )  # fmt: skip
    return run(config).folder


def test_a_bundle_holds_versions_counts_and_errors_and_no_text(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", KEY)
    file = tmp_path / "bundle.json"
    assert run_command(["doctor", str(folder), "--bundle", str(file)]) == 0
    text = file.read_text(encoding="utf-8")
    assert SECRET not in text
    assert KEY not in text
    assert str(tmp_path) not in text
    told = json.loads(text)
    assert "pydantic" in told["packages"]
    assert "MY_API_KEY" in told["environment"]
    happened = told["run"]
    assert sum(happened["items"]["text"].values()) == 2
    assert happened["items"]["text"]["no_answer"] == 1
    assert happened["calls"] == {"target answered": 1, "target failed": 1}
    assert happened["attempts by status"] == {"400": 1, "200": 1}
    assert any("HTTP 400: cannot read …" in line for line in happened["errors"])
    assert happened["file"]["target"] == "openai:tested"
    assert (happened["file"]["data"], happened["file"]["out"]) == (PATH, PATH)
    assert happened["file"]["parameters"] == {"temperature": 0, "stop": "(22 characters)"}


def test_nothing_is_written_over_and_a_run_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    file = tmp_path / "bundle.json"
    assert run_command(["doctor", str(tmp_path / SECRET), "--bundle", str(file)]) == 0
    told = json.loads(file.read_text(encoding="utf-8"))
    assert SECRET not in json.dumps(told)
    assert "not a run" in told["run"]["error"] or "no" in told["run"]["error"]
    assert run_command(["doctor", "--bundle", str(file)]) == 2
    assert run_command(["doctor", str(tmp_path)]) == 2


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("HTTP 429: rate limit reached for gpt-5 in org-ACME", "HTTP 429: rate limit reached for … in …"),
        ("no answer within 120 s", "no answer within 120 …"),
        ("malformed answer: no choices; ['x']", "malformed answer: no choices; …"),
        ("I cannot tell you how to brew it", "… cannot … to … it"),
        ("4111 1111", "…"),
    ],
)
def test_an_error_keeps_the_words_that_errors_are_made_of(message: str, kept: str) -> None:
    assert skeleton(message) == kept


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"target": "openai:org/model"}, {"target": "openai:org/model"}),
        ({"target": "transformers:/home/me/model"}, {"target": f"transformers:{PATH}"}),
        ({"target": "python:me.targets:answer"}, {"target": "python:me.targets:answer"}),
        ({"base_url": "https://api.openai.com/v1"}, {"base_url": "https://api.openai.com"}),
        ({"base_url": "https://models.acme.example:8443/v1/me"}, {"base_url": f"https://{HOST}"}),
        ({"data": "data/customers.csv"}, {"data": PATH}),
        ({"data": r"C:\me\customers.csv"}, {"data": f"C:{PATH}"}),
        ({"data": "starter"}, {"data": "starter"}),
        ({"jurors": [{"role": "a judge", "seed": 3}]}, {"jurors": [{"role": "(7 characters)", "seed": 3}]}),
        ({"wording": "word"}, {"wording": "(4 characters)"}),
        ({"conditions": ["audio+text:female@small-talk"]}, {"conditions": ["audio+text:female@small-talk"]}),
    ],
)
def test_a_run_file_keeps_names_and_numbers(value: Any, kept: Any) -> None:
    assert redacted(value) == kept
