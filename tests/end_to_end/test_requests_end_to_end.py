"""A run whose calls go through files of a batch service ends as the run that was asked over HTTP."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from safebench.cli.main import run_command
from safebench.testing.server import Call, Reply, ScriptedServer, chat, error
from tests.end_to_end.batches import RunFile, recorded, replied, reported, rows, unanswered, write
from tests.end_to_end.scripted import answer


def exported(run: Path, out: Path, *more: str, status: int = 0) -> list[dict[str, Any]]:
    assert run_command(["requests", "export", str(run), "--out", str(out), *more]) == status
    return list(rows(out))


def imported(run: Path, folder: Path, status: int = 0) -> None:
    assert run_command(["requests", "import", str(run), str(folder)]) == status


def to_the_end(run: Path, folder: Path) -> int:
    """Export, answer and import until nothing is to be asked; the number of rounds."""
    for number in range(20):
        asked = exported(run, folder / str(number))
        if not asked:
            return number
        imported(run, write(folder / f"{number}.replies" / "out.jsonl", [replied(row, answer) for row in asked]))
    raise AssertionError("no end")


def test_a_run_by_files_is_the_run_over_http(run_file: RunFile, tmp_path: Path, world: ScriptedServer) -> None:
    assert run_command(["run", str(run_file("plain"))]) == 0
    calls = len(world.calls)
    assert to_the_end(run_file("filed"), tmp_path / "requests") >= 3
    assert len(world.calls) == calls
    assert recorded(tmp_path / "filed") == recorded(tmp_path / "plain")
    assert reported(tmp_path / "filed") == reported(tmp_path / "plain")


def test_what_is_no_answer_stays_open_with_its_reason_and_is_exported_again(
    run_file: RunFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_file("filed")
    asked = exported(run, tmp_path / "first")
    assert len(asked) == 40
    expired, missing, busy, broken, empty, differing, *good = asked
    other = {**replied(differing, answer), "id": "another"}
    other["response"] = {"status_code": 200, "body": json.loads(chat("another answer").body)}
    write(
        tmp_path / "back" / "errors.jsonl",
        [
            unanswered(expired),
            replied(busy, lambda _: error(429, "slow down")),
            replied(broken, lambda _: error(500, "I cannot help with that")),
            {"id": "r", "custom_id": empty["custom_id"], "response": None, "error": None},
            replied({**expired, "custom_id": "of-another-run"}, answer),
        ],
    )
    answers = [replied(row, answer) for row in good]
    out = write(tmp_path / "back" / "output.jsonl", [*answers, answers[0], replied(differing, answer), other])
    with out.open("a", encoding="utf-8") as file:
        file.write(json.dumps(replied(missing, answer))[:-40])
    imported(run, tmp_path / "back", status=1)
    told = capsys.readouterr()
    said = " ".join((told.out + told.err).split())
    assert f"{len(good)} calls recorded" in said
    assert "1 rows that say what others say" in said
    for reason in (
        "1 to be asked again: batch_expired: This request could not be executed before the completion window expired.",
        "1 to be asked again: openai:tested: HTTP 429: slow down",
        "1 to be asked again: openai:tested: HTTP 500: I cannot help with that",
        "1 to be asked again: no response",
        "output.jsonl, line 38 is left out",
        "of-another-run is of no call that this run waits for",
        f"{differing['custom_id']} has two replies that differ (output.jsonl, line 36; output.jsonl, line 37)",
    ):
        assert reason in said
    keys = Counter(row["custom_id"] for row in exported(run, tmp_path / "again"))
    open_ones = {row["custom_id"] for row in (expired, missing, busy, broken, empty, differing)}
    assert open_ones <= set(keys)
    assert set(keys.values()) == {1}
    assert not {row["custom_id"] for row in good} & set(keys)


def test_the_same_replies_again_change_nothing(run_file: RunFile, tmp_path: Path) -> None:
    run = run_file("filed")
    asked = exported(run, tmp_path / "first")
    write(tmp_path / "first" / "out.jsonl", [replied(row, answer) for row in reversed(asked)])  # beside the requests
    imported(run, tmp_path / "first")
    once = recorded(tmp_path / "filed")
    imported(run, tmp_path / "first")
    assert recorded(tmp_path / "filed") == once
    assert len(once) == 40


def test_a_run_by_files_goes_on_over_http(run_file: RunFile, tmp_path: Path, world: ScriptedServer) -> None:
    assert run_command(["run", str(run_file("plain"))]) == 0
    calls = len(world.calls)
    run = run_file("filed")
    asked = exported(run, tmp_path / "first")
    imported(run, write(tmp_path / "back.jsonl", [replied(row, answer) for row in asked[:30]]))
    exported(tmp_path / "filed", tmp_path / "second")
    assert run_command(["run", str(tmp_path / "filed" / "run.toml")]) == 0
    assert len(world.calls) == 2 * calls - 30
    assert reported(tmp_path / "filed") == reported(tmp_path / "plain")


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "OF_ANOTHER_ACCOUNT_TOKEN"])
def test_nobody_has_to_be_there_and_no_key_is_written(
    variable: str, run_file: RunFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "sk-very-secret")
    run = run_file("filed", base_url="https://nowhere.invalid/v1", repeats=1)
    asked = exported(run, tmp_path / "first")
    leaks = [unanswered(asked[0], {"code": "invalid_api_key", "message": "Incorrect API key: sk-very-secret"})]
    leaks += [replied(row, lambda _: error(400, "no such thing for sk-very-secret")) for row in asked[1:]]
    imported(run, write(tmp_path / "back" / "out.jsonl", leaks))
    for file in (path for path in tmp_path.rglob("*") if path.is_file() and path.name != "out.jsonl"):
        assert b"sk-very-secret" not in file.read_bytes()
    assert Counter(status for status, _ in recorded(tmp_path / "filed").values()) == {"failed": 19}
    monkeypatch.delenv(variable)
    assert len(exported(run, tmp_path / "second", "--retry-failed")) == 20


def test_media_are_tried_before_the_first_item(
    run_file: RunFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def counting(tokens: int) -> Callable[[Call], Reply]:
        def seen(call: Call) -> Reply:
            body = json.loads(chat("I do not repeat.").body)
            media = "image_url" in json.dumps(call.body)
            return Reply(
                json.dumps(
                    {**body, "usage": {"prompt_tokens": 10 + media * tokens + len(call.text().split())}}
                ).encode()
            )

        return seen

    asked: dict[str, list[dict[str, Any]]] = {}
    for name, tokens in (("gets", 100), ("drops", 0)):
        run = run_file(name, preflight=True, conditions=["image:typographic"], repeats=1, limit=2)
        asked[name] = exported(run, tmp_path / f"{name}.1")
        assert len(asked[name]) == 2
        back = write(tmp_path / f"{name}.jsonl", [replied(row, counting(tokens)) for row in asked[name]])
        if name == "gets":
            imported(run, back)
            assert len(exported(run, tmp_path / f"{name}.2")) == 2
    imported(run, back)
    (longer,) = exported(run, tmp_path / "drops.2")
    imported(run, write(tmp_path / "longer.jsonl", [replied(longer, counting(0))]), status=2)
    assert "the target does not get image" in capsys.readouterr().err


def test_a_guard_is_tried_before_the_first_item(
    run_file: RunFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    guard = tmp_path / "guards.toml"
    guard.write_text('[[jurors]]\nguard = "llama-guard-3"\nmodel = "openai:g"\nbase_url = "http://127.0.0.1:9/v1"\n')
    run = run_file("filed", jury=str(guard))
    asked = exported(run, tmp_path / "first")
    assert [row["body"]["model"] for row in asked] == ["g", "g"]
    imported(run, write(tmp_path / "back.jsonl", [replied(row, lambda _: chat("Sure!")) for row in asked]), status=2)
    assert "guard llama-guard-3: the model answered 'Sure!'" in " ".join(capsys.readouterr().err.split())


def test_limits_hold(run_file: RunFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_file("filed", max_calls=5)
    asked = exported(run, tmp_path / "first", status=1)
    assert len(asked) == 5
    assert "the budget of 5 calls is spent" in capsys.readouterr().err
    imported(run, write(tmp_path / "back.jsonl", [replied(row, answer) for row in asked]))
    assert run_command(["requests", "export", str(run), "--out", str(tmp_path / "none")]) == 1
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"target": "reference", "base_url": None}, "no model of this run is behind an endpoint"),
        (
            {"target": "openai:gpt-4o", "max_cost": 0.01},
            "--max-cost 0.01: what a batch service has cannot be",
        ),
    ],
)
def test_what_cannot_go_by_files_is_one_line(
    more: dict[str, Any], why: str, run_file: RunFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported(run_file("filed", jury="embedded", **more), tmp_path / "first", status=2)
    assert why in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "first").exists()
