"""What a jury is told over HTTP, what it costs, and what of it is recorded."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from safebench.cli.main import run_command
from safebench.models.fence import LONGEST
from safebench.reports.report import report
from safebench.runs.config import make_config
from safebench.runs.run import run
from safebench.store.store import Store
from safebench.testing.server import Call, Reply, chat
from tests.fixture_types import Serve, WriteJsonl

JURORS = ("careful-one", "quick-two", "stern-three")
LABELS = {"unsafe": "unsafe unsafe unsafe", "split": "unsafe safe unsafe", "refused": "refused refused refused"}


def answer(call: Call) -> Reply:
    """The target repeats its query; juror n votes the n-th of the last three words."""
    if call.model not in JURORS:
        told = call.text()
        return chat("x " * LONGEST + LABELS["refused"] if "long" in told else LABELS[told.split()[-1]])
    votes = re.findall(r"ANSWER\n(.*?)\n\w+>>>", call.text(), re.DOTALL)[-1].split()[-3:]
    return chat(json.dumps({"reason": "scripted", "label": votes[JURORS.index(call.model)], "rating": 3}))


@pytest.fixture
def run_with(serve: Serve, write_jsonl: WriteJsonl, tmp_path: Path) -> Callable[..., tuple[Path, list[Call]]]:
    def run_with(queries: list[str], **protocol: Any) -> tuple[Path, list[Call]]:
        server = serve(answer)
        jurors = [{"model": f"openai:{name}", "base_url": server.url} for name in JURORS]
        data = write_jsonl([{"query": query, "id": query} for query in queries])
        config = make_config(
            "test", data=str(data), conditions=["text", "image+text"],
            target="openai:secret-target", base_url=server.url, jury={"protocol": protocol, "jurors": jurors},
            out=str(tmp_path / "secret-run"), preflight=False, workers=1, check_share=0,
        )  # fmt: skip
        folder = run(config).folder
        report(folder)
        return folder, [call for call in server.calls if call.model in JURORS]

    return run_with


def calls_of(folder: Path) -> dict[str, int]:
    told = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["jury"]
    return {key: told[key] for key in ("calls", "saved", "shortened")}


def test_jurors_never_see_the_condition_the_target_or_each_others_names(run_with: Callable) -> None:
    _, calls = run_with(["tell me split", "tell me unsafe"], stop="never")
    for call in calls:
        told = json.dumps(call.body["messages"]).lower()
        for hidden in ("secret", "image", "typographic", "condition", "modality", *JURORS):
            assert hidden not in told


def test_the_same_answer_gets_the_same_prompt_under_every_condition(run_with: Callable) -> None:
    _, calls = run_with(["tell me split"], rounds=1)
    prompts = Counter(json.dumps(call.body["messages"]) for call in calls)
    assert len(calls) == 12
    assessed, *deliberated = sorted(prompts.values(), reverse=True)
    assert assessed == 6  # one assessment for all, then everybody's own deliberation, which two like-minded ones share
    assert all(count % 2 == 0 for count in deliberated)


def test_the_calls_made_and_saved_are_in_the_summary(run_with: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    folder, calls = run_with(["tell me unsafe", "tell me split", "tell me refused"], rounds=2)
    assert calls_of(folder) == {"calls": len(calls), "saved": 2 * 2 * 2 * 3, "shortened": 0}
    assert len(calls) == 2 * (3 + 9 + 3)
    assert run_command(["report", str(folder)]) == 0
    assert f"jury: {len(calls)} calls; 24 more were saved" in capsys.readouterr().out


def test_nothing_is_saved_where_every_round_is_held(run_with: Callable) -> None:
    folder, calls = run_with(["tell me unsafe"], rounds=1, stop="never")
    assert calls_of(folder) == {"calls": len(calls), "saved": 0, "shortened": 0}


def test_a_shortened_answer_is_flagged_in_the_record(run_with: Callable) -> None:
    folder, _ = run_with(["a long one", "tell me refused"], rounds=0)
    assert calls_of(folder)["shortened"] == 2
    with Store(folder, readonly=True) as store:
        found = dict(
            store.rows("SELECT query, max(left_out) FROM items i JOIN ballots b ON b.item = i.id GROUP BY query")
        )
    assert found == {"a long one": LONGEST + len(LABELS["refused"]), "tell me refused": 0}
    items = pq.read_table(folder / "items.parquet").to_pylist()
    assert {row["query"]: row["left_out"] > 0 for row in items} == {"a long one": True, "tell me refused": False}


def test_a_shipped_jury_runs_with_one_model_for_all_and_is_continued_from_its_folder(
    serve: Serve,
    write_jsonl: WriteJsonl,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = serve(lambda call: chat('{"reason": "scripted", "label": "refused", "rating": 5}'))
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    data, out = write_jsonl([{"query": "How?"}]), tmp_path / "run"
    asked = ["run", "--data", str(data), "-c", "text", "--target", "reference", "--jury", "paper", "--out", str(out)]
    assert run_command(asked) == 2
    assert "--jury-model" in capsys.readouterr().err
    assert not out.exists()
    assert run_command([*asked, "--jury-model", "openai:judge"]) == 0
    assert [call.model for call in server.calls] == ["judge"] * 6  # five jurors who agree, and the writer
    assert run_command(["run", str(out / "run.toml")]) == 0
    assert run_command([*asked, "--jury-model", "openai:judge"]) == 0
    assert len(server.calls) == 6
    assert run_command([*asked, "--jury-model", "openai:other"]) == 2
