"""The same data against the same server, through inspect and through our own run: the same outcomes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter

from safebench.reports.report import report
from safebench.reports.summary import Summary
from safebench.runs.config import make_config
from safebench.runs.run import run
from safebench.testing.server import Call, Reply, ScriptedServer, chat, error
from tests.end_to_end.scripted import JUROR, respond, vote
from tests.fixture_types import Serve, WriteJsonl

CONDITIONS = ["text", "image:typographic", "audio:female"]
TEXTS = {
    "say vote unsafe 1": "unsafe",
    "say vote refused 5": "refused",
    "say vote safe 4": "safe",
    "say vote not_understood 3": "not_understood",
    "say garbage": "undecided",
    "say <think>vote unsafe 1</think>vote safe 5": "safe",
    "say <think>still vote safe 5": "no_answer",
    "empty": "no_answer",
    "broken": "no_answer",
    "malformed": "no_answer",
    "filtered": "blocked",
    "refused-by-filter": "blocked",
    "say vote safe 5 漢": "safe",  # which the image's font cannot draw
}
REPLIES: list[Callable[[], Reply]] = [
    lambda: chat("vote unsafe 1"),
    lambda: chat("vote safe 4"),
    lambda: chat("vote refused 5"),
    lambda: chat(None, message={"refusal": "vote refused 5"}),
    lambda: chat("garbage"),
    lambda: chat(""),
    lambda: chat("begins", finish="content_filter"),
    lambda: error(500),
]


def by_media(call: Call) -> Reply:
    """Text is answered as it says; media by a hash of their bytes, so that other bytes would get another answer."""
    if call.model == JUROR:
        return vote(call)
    parts = [part for message in call.body["messages"] for part in message["content"] if isinstance(part, dict)]
    media = [_data(part) for part in parts if part["type"] != "text"]
    if not media:
        return respond(call)
    return REPLIES[hashlib.sha256("".join(media).encode()).digest()[0] % len(REPLIES)]()


def _data(part: dict[str, Any]) -> str:
    return part["image_url"]["url"] if part["type"] == "image_url" else part["input_audio"]["data"]


@pytest.fixture
def world(serve: Serve) -> ScriptedServer:
    return serve(by_media)


def ours(data: Path, jury: str, server: ScriptedServer, out: Path, **told: Any) -> dict[tuple[str, str], Any]:
    config = make_config(
        "test", data=str(data), conditions=CONDITIONS, target="openai:tested", base_url=server.url, jury=jury,
        out=str(out), retries=0, workers=1, preflight=False, **told,
    )  # fmt: skip
    return outcomes(report(run(config).folder).folder)


def outcomes(folder: Path) -> dict[tuple[str, str], Any]:
    rows = pq.read_table(folder / "items.parquet").to_pylist()
    return {(row["query"], row["condition"]): (row["outcome"], row["rating"], row["media_sha256"]) for row in rows}


@pytest.mark.parametrize("by", ["models", "embedded"])
def test_an_evaluation_by_inspect_ends_as_our_own_run(
    by: str, evaluate: Callable[..., Any], world: ScriptedServer, jury_file: str,
    write_jsonl: WriteJsonl, tmp_path: Path,
) -> None:  # fmt: skip
    from inspect_ai.model import get_model

    from safebench.bridges.inspect.log import report_log

    jury = jury_file if by == "models" else "embedded"
    data = write_jsonl([{"query": text, "intent": ("harmful", "benign")[n % 3 == 2]} for n, text in enumerate(TEXTS)])
    model = get_model("openai-api/local/tested", base_url=world.url, api_key="none", max_retries=0)
    log = evaluate(model, data=str(data), condition=CONDITIONS, jury=jury, check_share=0.0)
    calls = [call for call in world.calls if call.model != JUROR]
    expected = ours(data, jury, world, tmp_path / "run", check_share=0.0)
    reported = report_log(Path(log.location))
    assert outcomes(reported.folder) == expected
    if by == "models":
        assert {text: end for (text, condition), (end, *_) in expected.items() if condition == "text"} == TEXTS
    assert expected["say vote safe 5 漢", "image:typographic"][0] == "not_rendered"
    assert len({end for (_, condition), (end, *_) in expected.items() if condition != "text"}) > 3
    assert not any("not rendered" in call.text() for call in calls)
    own = report(tmp_path / "run").summary
    for key in ("counts", "asr", "asr_low", "asr_high", "sri", "over_refusal", "fidelity"):
        assert [getattr(c, key) for c in reported.summary.conditions] == [getattr(c, key) for c in own.conditions]
    assert reported.summary.jury == own.jury
    notice = reported.summary.run.notice.removeprefix(own.run.notice or "").strip()
    assert notice.startswith("Nobody tried whether image and audio arrived")
    assert TypeAdapter(Summary).validate_json((reported.folder / "summary.json").read_bytes()) == reported.summary
    assert [one.state for one in reported.summary.deliveries] == ["unknown"] * 2
    assert _without_reasons(reported.summary.gap) == _without_reasons(own.gap)  # why media may not have arrived differs
    metrics = {name: metric.value for score in log.results.scores for name, metric in score.metrics.items()}
    for cell in own.conditions:
        for rate in ("asr", "asr_low", "asr_high", "sri", "over_refusal"):
            value = getattr(cell, rate)
            known = float("nan") if value is None else value
            assert metrics[f"{rate}_{cell.condition}"] == pytest.approx(known, nan_ok=True)


def _without_reasons(gap: Any) -> Any:
    lists = {name: getattr(gap, name) for name in ("comparisons", "pooled", "other_pairs")}
    return replace(gap, **{name: [replace(row, reasons=[]) for row in rows] for name, rows in lists.items()})
