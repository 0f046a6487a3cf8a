from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from safebench import taxonomy
from safebench.config import make_config
from safebench.errors import BadInput
from safebench.planning import Plan, choose_recognisers, claim_folder, make_plan


def test_recognisers_are_chosen_by_their_medium() -> None:
    chosen = choose_recognisers(["rapidocr", "openai-transcriptions:whisper-1@http://127.0.0.1:9/v1"])
    assert chosen == {"image": "rapidocr", "audio": "openai-transcriptions:whisper-1@http://127.0.0.1:9/v1"}


@pytest.mark.parametrize(
    ("specs", "named"),
    [
        (["rapidcor"], "rapidocr"),
        (["pocketsphinx", "openai-transcriptions:whisper-1"], "both for audio"),
        (["rapidocr:large"], "argument"),
        (["openai-transcriptions"], "openai-transcriptions"),
    ],
)
def test_a_recogniser_that_cannot_work_is_found_before_the_run(specs: list[str], named: str) -> None:
    with pytest.raises(BadInput, match=named):
        choose_recognisers(specs)


@pytest.fixture
def plan(tmp_path: Path, write_jsonl: Callable[..., Path]) -> Callable[..., Plan]:
    data = write_jsonl([{"query": "How do plants make sugar?"}])

    def make(**told: Any) -> Plan:
        values = {
            "data": str(data),
            "conditions": ["text"],
            "target": "reference",
            "out": str(tmp_path / "run"),
            **told,
        }
        return make_plan(make_config("test", **values))

    return make


JUDGED = {"jury": {"jurors": [{"model": "openai:m", "name": "judge"}], "writer": {"model": "openai:w"}}}


@pytest.mark.parametrize(
    ("told", "named"),
    [
        (JUDGED, "resolved.jurors.judge.model.base_url"),
        (JUDGED, "resolved.writer.base_url"),
        ({"target": "openai:m"}, "resolved.target.base_url"),
    ],
)
def test_a_run_is_not_continued_at_another_endpoint(
    plan: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch, told: dict[str, Any], named: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    claim_folder(plan(**told))
    claim_folder(plan(**told))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:2/v1")
    with pytest.raises(BadInput) as found:
        claim_folder(plan(**told))
    assert f"{named} (there 'http://127.0.0.1:1/v1', here 'http://127.0.0.1:2/v1')" in str(found.value)


def test_parameters_of_any_shape_come_back_as_they_were(plan: Callable[..., Plan]) -> None:
    parameters = {"stop": ["a", "b"], "temperature": 0, "extra": {"top_k": 3, "deep": [{"x": 1.5}]}}
    told = {"jury": {"jurors": [{"model": "openai:m", "parameters": parameters}]}, "target": "openai:m"}
    claim_folder(plan(**told))
    claim_folder(plan(**told))


def test_a_run_judged_under_other_scenarios_is_another_run(
    plan: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    claim_folder(plan())
    scenarios = dict(taxonomy.scenarios())
    scenarios["bias"] = replace(scenarios["bias"], description="Anything rude.")
    monkeypatch.setattr(taxonomy, "scenarios", lambda: scenarios)
    with pytest.raises(BadInput, match=r"resolved\.prompts\.scenarios \(there '\w{12}', here '\w{12}'\)"):
        claim_folder(plan())
