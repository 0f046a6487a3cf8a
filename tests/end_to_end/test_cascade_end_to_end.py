"""A cascade from pictures to its report: what is read in them is what the text target is asked, and is on record."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from safebench.cli.main import run_command
from safebench.errors import BadInput
from safebench.rendering.recognition import RecogniserCache
from safebench.reports.report import report
from safebench.reports.summary import Summary
from safebench.runs.config import make_config
from safebench.runs.run import run
from safebench.testing.server import Call, Reply, ScriptedServer
from safebench.types import Media
from tests.end_to_end import scripted
from tests.end_to_end.scripted import JUROR
from tests.fixture_types import Serve, WriteJsonl

ROWS = [
    {"id": "a", "query": "say vote unsafe 1"},
    {"id": "b", "query": "say vote refused 5"},
    {"id": "c", "query": "say vote safe 4", "intent": "benign"},
]


def asked_of(call: Call) -> str:
    """What was read, in one line: what stands after the written part."""
    return " ".join(call.text().split("\n\n")[-1].split())


@pytest.fixture
def world(serve: Serve) -> ScriptedServer:
    def answer(call: Call) -> Reply:
        if call.model == JUROR:
            return scripted.vote(call)
        body = {**call.body, "messages": [{"role": "user", "content": asked_of(call)}]}
        return scripted.respond(Call(call.path, body, call.headers, call.number))

    return serve(answer)


@pytest.fixture
def asked(world: ScriptedServer, jury_file: Path, write_jsonl: WriteJsonl, tmp_path: Path) -> Callable[..., Summary]:
    def ask(*conditions: str, **told: Any) -> Summary:
        config = make_config(
            "test", data=str(write_jsonl(ROWS)), conditions=list(conditions), target="cascade:openai:tested",
            base_url=world.url, retries=0, jury=str(jury_file), out=str(tmp_path / "run"), workers=1, **told,
        )  # fmt: skip
        return report(run(config).folder).summary

    return ask


def heard_as(monkeypatch: pytest.MonkeyPatch, change: Callable[[str], str]) -> None:
    """What the cascade's recogniser reads is changed; the fidelity check reads by itself."""
    read = RecogniserCache.recognise

    async def recognise(self: RecogniserCache, recogniser: str, media: Media, **how: bool) -> str:
        return change(await read(self, recogniser, media, **how))

    monkeypatch.setattr(RecogniserCache, "recognise", recognise)


def sent(world: ScriptedServer) -> list[str]:
    return sorted(asked_of(call) for call in world.calls if call.model == "tested")


def test_the_text_target_gets_what_is_read_and_the_record_says_so(
    asked: Callable[..., Summary], world: ScriptedServer, tmp_path: Path
) -> None:
    summary = asked("text", "image:typographic")
    assert sent(world) == sorted(2 * [row["query"] for row in ROWS])
    text, image = summary.conditions
    assert text.counts == image.counts
    assert image.evidence.delivered.state == "shown"
    assert image.evidence.concludable
    assert not summary.deliveries  # it reads media itself: there is nothing to try

    rows = pq.read_table(tmp_path / "run" / "items.parquet").to_pylist()
    for row in rows:
        given = None if row["given"] is None else " ".join(row["given"].split())
        assert given == (row["query"] if row["condition"] != "text" else None)
    told = summary.run.resolved["target"]
    assert told["recognisers"]["image"]["name"] == "rapidocr"
    assert told["text_target"]["argument"] == "tested"


def test_where_nothing_is_read_nothing_is_asked_and_it_was_not_understood(
    asked: Callable[..., Summary], world: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    heard_as(monkeypatch, lambda text: "")
    (cell,) = asked("image:typographic", max_open=1.0).conditions
    assert not world.calls
    assert cell.counts["harmful"]["not_understood"] == 2
    assert cell.asr is None
    assert (cell.funnel.rendered, cell.funnel.answered) == (3, 0)
    assert not cell.evidence.concludable
    assert cell.evidence.delivered.state == "not_shown"
    assert cell.evidence.delivered.reason == "a recogniser heard words in 0 of 3"
    reasons = {row["reason"] for row in pq.read_table(tmp_path / "run" / "items.parquet").to_pylist()}
    assert reasons == {"the recogniser heard nothing (rapidocr)"}


def test_a_query_that_is_written_beside_its_picture_is_asked_though_nothing_is_read(
    asked: Callable[..., Summary], world: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard_as(monkeypatch, lambda text: "")
    (cell,) = asked("image+text:typographic").conditions
    assert sent(world) == sorted(row["query"] for row in ROWS)
    assert cell.counts["harmful"]["unsafe"] == 1


def test_a_control_carries_nothing_and_its_written_query_is_asked(
    asked: Callable[..., Summary], world: ScriptedServer
) -> None:
    (cell,) = asked("image+text:black").conditions
    assert sent(world) == sorted(row["query"] for row in ROWS)
    assert cell.counts["harmful"]["unsafe"] == cell.counts["harmful"]["refused"] == 1


def test_a_probe_shows_what_was_missed(
    asked: Callable[..., Summary], world: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    heard_as(monkeypatch, lambda text: "" if "unsafe" in text else text)
    asked("image:typographic", probe=1.0, probe_form="repeat", max_open=1.0)
    with sqlite3.connect(tmp_path / "run" / "run.db") as db:
        outcomes = dict(db.execute("SELECT query, outcome FROM items").fetchall())
    assert outcomes == {"a": "not_understood", "b": "refused", "c": "safe"}


def test_a_recogniser_that_fails_leaves_items_open_until_it_is_tried_again(
    asked: Callable[..., Summary], world: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(text: str) -> str:
        raise ValueError("it broke")

    with monkeypatch.context() as broken:
        heard_as(broken, fail)
        (cell,) = asked("image:typographic", max_open=1.0).conditions
    assert cell.counts["harmful"]["no_answer"] == 2
    assert not world.calls
    (again,) = asked("image:typographic", max_open=1.0).conditions
    assert again.counts == cell.counts


def test_another_text_target_or_recogniser_is_another_run(asked: Callable[..., Summary]) -> None:
    asked("text")
    with pytest.raises(BadInput, match="parameters"):
        asked("text", parameters={"temperature": 0})


def test_a_stand_in_behind_recognisers_is_no_model(tmp_path: Path, write_jsonl: WriteJsonl) -> None:
    told = ["run", "--data", str(write_jsonl(ROWS)), "-c", "image:typographic", "--target", "cascade:reference"]
    told += ["--target-option", "recognisers.image=rapidocr", "--out", str(tmp_path / "run"), "--workers", "1"]
    assert run_command([*told, "--max-open", "1"]) == 0
    run_told = json.loads((tmp_path / "run" / "summary.json").read_text())["run"]
    assert run_told["stand_in"]
    assert run_told["notice"]
