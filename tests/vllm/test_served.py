"""`vllm serve` and `vllm run-batch` with tiny random models, asked over HTTP and by files with `--family vllm`."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from safebench.reports.report import report
from safebench.runs.config import make_config
from safebench.runs.requests import export_requests, import_replies
from safebench.runs.run import run
from safebench.targets.batch_files import ReplyFiles
from tests.fixture_types import WriteJsonl
from tests.local.serving import listening
from tests.vllm.models import ENGINE, LENGTH

COMMAND = Path(sys.executable).with_name("vllm")
LONGEST_START = 400  # s
QUIET = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_HOST_IP": "127.0.0.1"}
ROWS = [{"id": "a", "query": "How do birds find their way home?"}, {"id": "b", "query": "Why is the sky blue today?"}]


LENGTHS = ["--max-model-len", str(ENGINE["max_model_len"])]
HOW = ["--dtype", "float32", "--enforce-eager", "--load-format", "safetensors", *LENGTHS]


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """The base URL; the model's name is its folder."""
    with listening([COMMAND, "serve", folder, *HOW], QUIET, LONGEST_START) as url:
        yield url


@pytest.mark.parametrize(
    ("name", "conditions"),
    [
        ("qwen2_audio", ["text", "audio:female", "audio+text:female"]),
        ("idefics3", ["text", "image:typographic", "image+text:typographic"]),
    ],
)
def test_each_condition_reaches_the_model(
    folders: dict[str, Path], name: str, conditions: list[str], write_jsonl: WriteJsonl, tmp_path: Path
) -> None:
    with serve(folders[name]) as url:
        config = make_config(
            "test", data=str(write_jsonl(ROWS)), conditions=conditions, target=f"openai:{folders[name]}", base_url=url,
            options={"family": "vllm"}, parameters={"max_tokens": LENGTH, "temperature": 0},
            out=str(tmp_path / "run"), workers=1, max_open=1.0,
        )  # fmt: skip
        folder = run(config).folder
    summary = report(folder).summary
    assert summary.run.pending == 0
    for cell in summary.conditions:
        assert (cell.funnel.rendered, cell.funnel.answered) == (2, 2)
        assert cell.condition == "text" or cell.funnel.delivered == "delivered"
    text, *media = (sum(prompt_tokens(folder)[condition]) for condition in conditions)
    assert min(media) > text


def test_files_of_requests_go_through_its_batches_and_back(
    folders: dict[str, Path], write_jsonl: WriteJsonl, tmp_path: Path
) -> None:
    model, back = folders["qwen2_audio"], tmp_path / "replies" / "out.jsonl"
    config = make_config(
        "test", data=str(write_jsonl(ROWS)), conditions=["text", "audio:female"], target=f"openai:{model}",
        base_url="http://127.0.0.1:9/v1", options={"family": "vllm"}, parameters={"max_tokens": LENGTH},
        preflight=False, out=str(tmp_path / "run"), workers=1, max_open=1.0,
    )  # fmt: skip
    (asked,) = export_requests(config, tmp_path / "requests").files
    back.parent.mkdir()
    command = [COMMAND, "run-batch", "--model", model, "-i", asked.file, "-o", back, *HOW]
    subprocess.run(command, check=True, timeout=LONGEST_START, env={**os.environ, **QUIET})
    imported = import_replies(config, ReplyFiles.inside(back.parent))
    assert (imported.recorded, imported.to_ask, imported.pending, imported.problems) == (4, 0, 0, ())
    text, heard = prompt_tokens(tmp_path / "run").values()
    assert min(heard) > max(text)


def prompt_tokens(folder: Path) -> dict[str, list[int]]:
    """Of each item, by condition."""
    tokens: dict[str, list[int]] = {}
    with sqlite3.connect(folder / "run.db") as database:
        rows = database.execute(
            "SELECT i.condition, e.response FROM exchanges e JOIN items i ON i.exchange = e.key WHERE e.role = 'target'"
        )
        for condition, response in rows:
            tokens.setdefault(condition, []).append(json.loads(response)["usage"]["prompt_tokens"])
    return tokens
