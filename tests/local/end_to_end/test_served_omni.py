"""Text and speech conditions on a real model behind a real server: rendered → delivered → understood → outcome."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow import parquet

from safebench.errors import BadInput
from safebench.reports.report import report
from safebench.runs.config import make_config
from safebench.runs.run import run
from tests.fixture_types import WriteJsonl
from tests.local.serving import serve
from tests.local.tiny_omni import build_omni

CONDITIONS = ["text", "audio:female", "audio:male", "audio+text:female", "image"]
ROWS = [{"id": "a", "query": "How do birds find their way home?"}, {"id": "b", "query": "Why is the sky blue today?"}]


@pytest.fixture(scope="module")
def omni(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    folder = build_omni(tmp_path_factory.mktemp("omni") / "omni")
    with serve(folder) as url:
        yield f"openai:{folder}", url


def test_a_run_on_a_served_omni_model_is_complete_and_shows_the_way(
    omni: tuple[str, str], write_jsonl: WriteJsonl, tmp_path: Path
) -> None:
    target, url = omni
    config = make_config(
        "test", data=str(write_jsonl(ROWS)), conditions=CONDITIONS, target=target, base_url=url,
        out=str(tmp_path / "run"), parameters={"max_tokens": 8}, probe=1.0, max_open=1.0, workers=1,
        concurrency=2, recognisers=["pocketsphinx"],
    )  # fmt: skip
    folder = run(config).folder
    summary = report(folder).summary

    assert summary.run.pending == 0
    cells = {cell.condition: cell for cell in summary.conditions}
    assert [cell.n for cell in cells.values()] == [2] * 5
    for condition in CONDITIONS[1:]:
        funnel = cells[condition if ":" in condition else "image:typographic"].funnel
        assert (funnel.items, funnel.rendered, funnel.delivered, funnel.answered) == (2, 2, "delivered", 2)
        assert sum(getattr(funnel.understanding, status) for status in ("understood", "missed", "unknown")) == 2
    assert cells["audio:female"].fidelity["means"]["pick"] == 1.0
    assert_media_reached_the_model(folder)


def assert_media_reached_the_model(folder: Path) -> None:
    """A clip of some seconds takes more prompt tokens than the written query."""
    tokens: dict[str, list[int]] = {}
    with sqlite3.connect(folder / "run.db") as database:
        rows = database.execute(
            "SELECT i.condition, e.response FROM exchanges e JOIN items i ON i.exchange = e.key WHERE e.role = 'target'"
        )
        for condition, response in rows:
            tokens.setdefault(condition, []).append(json.loads(response)["usage"]["prompt_tokens"])
    assert min(tokens["audio:female"]) > 40
    assert min(tokens["audio+text:female"]) > min(tokens["audio:female"])


def test_a_served_vision_model_that_drops_the_clip_is_found_before_the_run(
    write_jsonl: WriteJsonl, tmp_path: Path
) -> None:
    from tests.local.tiny_smolvlm import build_smolvlm

    folder = build_smolvlm(tmp_path / "smolvlm")
    with serve(folder) as url:
        config = make_config(
            "test", data=str(write_jsonl(ROWS)), conditions=["audio"], target=f"openai:{folder}", base_url=url,
            out=str(tmp_path / "run"), parameters={"max_tokens": 8}, workers=1,
        )  # fmt: skip
        with pytest.raises(BadInput, match="does not get audio"):
            run(config)
    assert not (tmp_path / "run").exists()


def test_in_process_and_over_http_a_model_says_the_same(
    omni: tuple[str, str], write_jsonl: WriteJsonl, tmp_path: Path
) -> None:
    target, url = omni
    folder = target.partition(":")[2]
    data, conditions = str(write_jsonl(ROWS)), ["text", "image", "audio:female", "audio+text:female"]
    served = {"target": target, "base_url": url, "parameters": {"max_tokens": 8, "temperature": 0}}
    local = {"target": f"transformers:{folder}", "options": {"max_new_tokens": 8, "device": "cpu", "dtype": "float32"}}
    answers = []
    for name, how in (("served", served), ("local", local)):
        config = make_config(
            "test", data=data, conditions=conditions, out=str(tmp_path / name), workers=1, max_open=1.0, **how
        )  # fmt: skip
        folder = run(config).folder
        report(folder)
        rows = parquet.read_table(folder / "items.parquet").to_pylist()
        answers.append([(row["query_id"], row["condition"], row["answer"], row["outcome"]) for row in rows])
    assert answers[0] == answers[1]
    assert len(answers[0]) == 8
    assert all(answer for _, _, answer, _ in answers[0])
