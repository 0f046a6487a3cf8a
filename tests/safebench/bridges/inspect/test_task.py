"""The task with inspect's mock model: what is sent, how it is scored, and what the log and our report of it say."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.model import ChatCompletionChoice, ChatMessageAssistant, ContentReasoning, ContentText, ModelOutput
from inspect_ai.model import ModelUsage as Usage

from safebench.bridges.inspect.log import report_log
from safebench.bridges.inspect.messages import response_of
from safebench.cli.main import run_command
from safebench.testing.server import ScriptedServer
from tests.fixture_types import WriteJsonl

ROWS = [
    {"id": "h1", "query": "vote unsafe 2", "intent": "harmful", "scenario": "fraudulent_activities"},
    {"id": "h2", "query": "vote refused 5", "intent": "harmful"},
    {"id": "h3", "query": "vote unsafe 1", "intent": "harmful"},
    {"id": "h4", "query": "garbage", "intent": "harmful"},
    {"id": "b1", "query": "vote refused 5", "intent": "benign"},
    {"id": "b2", "query": "vote safe 4", "intent": "benign"},
]


def output(text: str, finish: Any = "stop", **told: Any) -> ModelOutput:
    made = ModelOutput.from_content("mockllm", text, finish)
    return made.model_copy(update={"usage": Usage(input_tokens=1, output_tokens=1, total_tokens=2), **told})


@pytest.fixture
def mock() -> Callable[..., Any]:
    """A model that repeats its last message's text, or answers with what `answer` makes of it."""
    from inspect_ai.model import get_model

    def make(answer: Callable[[str], ModelOutput] = output) -> Any:
        def outputs(messages: Any, *_: Any) -> ModelOutput:
            return answer(messages[-1].text)

        return get_model("mockllm/model", custom_outputs=outputs, memoize=False)

    return make


def rates(log: Any) -> dict[str, float]:
    return {name: metric.value for score in log.results.scores for name, metric in score.metrics.items()}


def test_rates_are_ours_and_open_samples_are_unscored_but_count_for_the_bounds(
    evaluate: Callable[..., Any], mock: Callable[..., Any], jury_file: str, write_jsonl: WriteJsonl
) -> None:
    log = evaluate(mock(), data=str(write_jsonl(ROWS)), jury=jury_file)
    assert log.status == "success"
    assert rates(log) == {
        "asr": pytest.approx(2 / 3), "asr_low": 2 / 4, "asr_high": 1.0, "over_refusal": 1 / 2,
        "sri": pytest.approx(float("nan"), nan_ok=True),  # help with one of two harmless queries shows nothing
    }  # fmt: skip
    jury, outcome = log.results.scores
    assert (jury.scored_samples, jury.unscored_samples, outcome.scored_samples) == (5, 1, 6)
    by_id = {sample.id: sample.scores["jury"] for sample in log.samples}
    assert math.isnan(by_id["h4/text"].value)
    assert by_id["h4/text"].reason == "undecided"
    assert by_id["h1/text"].value == "unsafe"
    assert [ballot["label"] for ballot in by_id["h1/text"].metadata["ballots"]] == ["unsafe"] * 3


def test_each_epoch_is_an_item_of_its_own(
    evaluate: Callable[..., Any], mock: Callable[..., Any], jury_file: str, write_jsonl: WriteJsonl
) -> None:
    turns = iter(["vote unsafe 1", "vote safe 5", "garbage", "vote unsafe 1"])
    log = evaluate(mock(lambda _: output(next(turns))), data=str(write_jsonl(ROWS[:1])), jury=jury_file, epochs=4)
    assert (rates(log)["asr"], rates(log)["asr_low"], rates(log)["asr_high"]) == (pytest.approx(2 / 3), 0.5, 0.75)
    cell = report_log(Path(log.location)).summary.conditions[0]
    assert (cell.asr_low, cell.n, cell.counts["harmful"]["undecided"]) == (0.5, 4, 1)


def test_a_juror_can_be_a_model_of_inspect_and_its_calls_are_in_the_transcript(
    evaluate: Callable[..., Any], mock: Callable[..., Any], world: ScriptedServer, write_jsonl: WriteJsonl,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("LOCAL_BASE_URL", world.url)
    monkeypatch.setenv("LOCAL_API_KEY", "none")
    (tmp_path / "one.toml").write_text("[protocol]\nrounds = 0\n[[jurors]]\n", encoding="utf-8")
    told = {"jury": str(tmp_path / "one.toml"), "jury_model": "inspect:openai-api/local/judge"}
    log = evaluate(mock(), data=str(write_jsonl(ROWS[:2])), **told)
    assert [sample.scores["outcome"].value for sample in log.samples] == ["unsafe", "refused"]
    calls = [event.data for event in log.samples[0].events if event.event == "info" and event.source == "safebench"]
    assert [call["response"]["status"] for call in calls] == ["answered"]
    assert log.samples[0].scores["jury"].metadata["ballots"][0]["exchanges"] == [calls[0]["key"]]
    assert "openai-api/local/judge" in log.stats.model_usage  # a juror's tokens are counted with the others


def test_a_call_that_fails_is_an_open_item(
    evaluate: Callable[..., Any], mock: Callable[..., Any], write_jsonl: WriteJsonl,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def fails(text: str) -> ModelOutput:
        raise RuntimeError("I'm sorry, I can't help with that: the server is down")

    log = evaluate(mock(fails), data=str(write_jsonl(ROWS[:2])))
    assert log.status == "error"  # inspect's own rule: `inspect eval-retry` asks again
    assert rates(log)["asr_high"] == 1
    assert math.isnan(rates(log)["asr"])
    assert [sample.scores["jury"].reason for sample in log.samples] == ["no_answer"] * 2
    capsys.readouterr()
    assert run_command(["report", log.location]) == 0
    told = capsys.readouterr().out
    assert "harmful" in told
    assert "Nobody tried" not in told  # text always arrives
    assert (Path(log.location).with_suffix("") / "items.parquet").is_file()
    counts = report_log(Path(log.location)).summary.conditions[0].counts["harmful"]
    assert counts["no_answer"] == 2


def test_samples_that_are_not_in_the_log_are_pending(
    evaluate: Callable[..., Any], mock: Callable[..., Any], write_jsonl: WriteJsonl
) -> None:
    from inspect_ai.log import write_eval_log

    log = evaluate(mock(), data=str(write_jsonl(ROWS)))
    log.samples, log.status = log.samples[:4], "cancelled"
    write_eval_log(log, log.location)
    summary = report_log(Path(log.location)).summary
    assert (summary.run.pending, summary.conditions[0].n) == (2, 4)


@pytest.mark.parametrize(
    ("changed", "named"),
    [({"condition": "txt"}, "text"), ({"jury": "embeded"}, "embedded"), ({"data": "nowhere.csv"}, "nowhere.csv")],
)
def test_bad_input_is_told_before_anything_is_asked(changed: dict[str, str], named: str) -> None:
    from inspect_ai._util.error import PrerequisiteError

    from safebench.bridges.inspect.task import run

    with pytest.raises(PrerequisiteError, match=named):
        run(**changed)


def test_a_log_of_another_task_and_a_file_that_is_no_log_are_bad_input(
    tmp_path: Path, mock: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    from inspect_ai import Task, eval
    from inspect_ai.dataset import Sample

    (log,) = eval(Task([Sample("hi")]), mock(), display="none", log_dir=str(tmp_path / "logs"), ctl_server=False)
    (tmp_path / "broken.eval").write_bytes(b"nothing")
    for path, named in ((log.location, "not of safebench/run"), (tmp_path / "broken.eval", "broken.eval")):
        assert run_command(["report", str(path)]) == 2
        assert named in capsys.readouterr().err.replace("\n", " ")


# --- what an output becomes


def of(finish: Any, *parts: Any, **told: Any) -> ModelOutput:
    choice = ChatCompletionChoice(message=ChatMessageAssistant(content=list(parts)), stop_reason=finish)
    return ModelOutput(model="m", choices=[choice], **told)


USED = Usage(input_tokens=1, output_tokens=1, total_tokens=2)


@pytest.mark.parametrize(
    ("output", "status", "text"),
    [
        (ModelOutput(model="m"), "failed", ""),
        (of("stop", ContentText(text="yes"), usage=USED), "answered", "yes"),
        (of("max_tokens", ContentText(text="yes")), "answered", "yes"),
        (of("stop", ContentReasoning(reasoning="hm"), ContentText(text="yes")), "answered", "yes"),
        (of("stop", ContentText(text="I won't", refusal=True)), "answered", "I won't"),
        (of("model_length", ContentText(text="yes"), usage=USED), "answered", "yes"),
        (of("model_length", ContentText(text="the prompt is too long")), "failed", ""),
        (of("content_filter", ContentText(text="begins"), usage=USED), "blocked", "begins"),
        (of("content_filter", ContentText(text="the request was blocked")), "blocked", ""),
        (of("unknown", ContentText(text="I can't"), usage=USED), "failed", ""),
        (of("stop", ContentText(text="I can't"), usage=USED, error="moderation is down"), "failed", ""),
    ],
)
def test_an_error_text_is_never_taken_for_an_answer(output: ModelOutput, status: str, text: str) -> None:
    response = response_of(output)
    assert (response.status, response.text) == (status, text)
    assert (response.failure is not None) >= (status == "failed")
