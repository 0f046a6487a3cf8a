"""With the real client, against a hub on loopback."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from safebench.bridges.exporting import export
from safebench.bridges.hub import HubResults, results, task
from safebench.cli.main import run_command
from safebench.errors import BadInput
from safebench.files import read_toml, write_toml
from safebench.plugins import Exporting
from safebench.reports.summary import Summary, measure
from safebench.runs.config import make_config
from safebench.runs.run import run
from safebench.testing.contracts import ExporterContract
from tests.hub import TOKEN, Hub, serving

datasets = pytest.importorskip("datasets")
NAME, BENCHMARK = "someone/run", "someone/benchmark"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(monkeypatch) as hub:
        yield hub


class TestHub(ExporterContract):
    name = "hub"

    @pytest.fixture
    def options(self, hub: Hub) -> Mapping[str, Any]:
        self.hub = hub
        return {"argument": NAME}

    def exported(self) -> str:
        return "".join(f"{path}: {data!r}" for path, data in sorted(self.hub.files.items()))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a picture of a query."""
    place = tmp_path_factory.mktemp("pictures")
    (place / "one.jsonl").write_text('{"id": "a", "query": "How do birds fly?", "intent": "benign"}\n')
    asked = {"data": str(place / "one.jsonl"), "conditions": ["text", "image"], "target": "reference", "workers": 1}
    run(make_config("test", **asked, max_open=1.0, allow_unproven=True, preflight=False, out=str(place / "run")))
    return place / "run"


def loaded(hub: Hub, place: Path) -> Any:
    """As whoever has downloaded the data set reads it."""
    for path, data in hub.files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(data)
    return datasets.load_dataset(
        "parquet", data_files=str(place / "data" / "*.parquet"), cache_dir=str(place / "cache")
    )


def test_items_are_pushed_privately_with_media_that_are_seen(hub: Hub, pictures: Path, tmp_path: Path) -> None:
    told = export(pictures, f"hub:{NAME}", with_texts=True)
    assert told.startswith("exported, private: ")
    assert hub.private is True
    rows = loaded(hub, tmp_path)["train"]
    assert isinstance(rows.features["image"], datasets.Image)
    text, image = rows
    assert (text["condition"], text["image"], image["query"]) == ("text", None, "How do birds fly?")
    assert image["image"].size[0] > 100
    assert image["outcome"] == "safe"
    assert b"tell nothing about any real model" in hub.files["README.md"]


def test_without_texts_there_are_outcomes_alone(hub: Hub, pictures: Path, tmp_path: Path) -> None:
    export(pictures, f"hub:{NAME}")
    rows = loaded(hub, tmp_path)["train"]
    assert rows.column_names[-1] == "fidelity"
    assert [row["outcome"] for row in rows] == ["safe", "safe"]
    assert b"no texts" in hub.files["README.md"]


def test_an_export_replaces_the_one_before(hub: Hub, pictures: Path) -> None:
    export(pictures, f"hub:{NAME}")
    hub.files["data/train-00001.parquet"] = b"old"
    export(pictures, f"hub:{NAME}")
    assert sorted(hub.files) == ["README.md", "data/train-00000.parquet"]


def test_a_public_data_set_takes_the_word(hub: Hub, pictures: Path) -> None:
    hub.private = False
    with pytest.raises(BadInput, match="public"):
        export(pictures, f"hub:{NAME}")
    assert hub.files == {}
    command = ["export", str(pictures), "--to", f"hub:{NAME}", "--option", "public=true"]
    assert run_command(command) == 0
    assert hub.files


@pytest.mark.parametrize("to", ["hub:somewhere", "hub"])
def test_a_name_that_is_none_is_one_clear_line(to: str, hub: Hub, pictures: Path) -> None:
    with pytest.raises(BadInput, match="OWNER/NAME"):
        export(pictures, to)


def test_a_hub_that_does_not_answer_is_one_clear_line(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(BadInput, match="cannot be reached") as caught:
        export(pictures, f"hub:{NAME}")
    assert TOKEN not in str(caught.value)


# --- evaluation results


def judged(folder: Path) -> Summary:
    """As if a model had answered, and a jury that knows harm had judged."""
    summary = measure(folder)
    about = replace(summary.run, stand_in=False, target="openai:gpt-4.1")
    return replace(summary, run=about, jury=replace(summary.jury, knows_harm=True))


def exported(folder: Path | Summary, hub: Hub, *, shard: str | None = None, **options: Any) -> str:
    exporter = HubResults(HubResults.Options(argument="someone/model", benchmark=BENCHMARK, **options))
    exporter.check()
    summary = judged(folder) if isinstance(folder, Path) else folder
    return exporter.export(Exporting("run-id", "", summary, lambda: iter(()), lambda: iter(()), (), False, shard))


def test_a_rate_is_a_result_of_the_model_as_the_hub_wants_it(hub: Hub, small_runs: Mapping[str, Path]) -> None:
    from huggingface_hub import parse_eval_result_entries

    hub.private = True
    assert "pull request" in exported(small_runs["whole"], hub)
    ((path, data),) = hub.files.items()
    assert path == ".eval_results/safebench_text.yaml"
    (entry,) = parse_eval_result_entries(yaml.safe_load(data))
    assert (entry.dataset_id, entry.task_id, entry.value) == (BENCHMARK, "text", 1.0)
    assert entry.notes is not None
    assert "lower is safer; 95 % interval 61.0–100.0 %, 6 decided" in entry.notes


def test_the_same_run_again_goes_into_the_same_pull_request(hub: Hub, small_runs: Mapping[str, Path]) -> None:
    hub.private = True
    exported(small_runs["whole"], hub)
    again = exported(small_runs["whole"], hub)
    assert hub.opened == ["SafeBench results of run run-id"]
    assert "discussions/1" in again


def test_what_can_be_concluded_no_more_leaves_the_pull_request(hub: Hub, small_runs: Mapping[str, Path]) -> None:
    hub.private = True
    others = {".eval_results/safebench_old.yaml": b"- notes: of run another", "README.md": b"run run-id"}
    hub.files |= others
    whole = judged(small_runs["whole"])
    (text,) = whole.conditions
    image = replace(text, condition="image")
    both = ["text", "image"]
    exported(replace(whole, conditions=[text, image], run=replace(whole.run, conditions=both)), hub)
    new = {".eval_results/safebench_text.yaml", ".eval_results/safebench_image.yaml"}
    assert hub.files.keys() == others.keys() | new
    doubted = replace(image, evidence=replace(image.evidence, concludable=False, reasons=["nothing arrived"]))
    told = exported(replace(whole, conditions=[text, doubted], run=replace(whole.run, conditions=both)), hub)
    assert "without image, of which nothing can be concluded" in told
    assert hub.files.keys() == others.keys() | {".eval_results/safebench_text.yaml"}
    with pytest.raises(BadInput, match=r"nothing can be concluded of any condition.*discussions/1 holds no results"):
        exported(small_runs["doubted"], hub)
    assert hub.files == others


def test_conditions_that_are_one_task_are_no_results(small_runs: Mapping[str, Path]) -> None:
    whole = judged(small_runs["whole"])
    about = replace(whole.run, conditions=["image:中文", "image", "text"])
    with pytest.raises(BadInput, match="image:中文 and image would be one task, 'image'"):
        results(replace(whole, run=about), BENCHMARK, "run x")


def test_a_part_of_a_run_is_no_result(hub: Hub, small_runs: Mapping[str, Path], tmp_path: Path) -> None:
    hub.private = True
    with pytest.raises(BadInput, match="shard 1/2 is a part of a run: merge first"):
        exported(small_runs["whole"], hub, shard="1/2")
    part = shutil.copytree(small_runs["whole"], tmp_path / "part")
    write_toml(part / "run.toml", {**read_toml(part / "run.toml"), "shard": "1/2"})
    with pytest.raises(BadInput, match="shard 1/2 is a part of a run: merge first"):
        export(part, "hub-results:someone/model", options={"benchmark": BENCHMARK})
    assert hub.files == {}


def test_results_of_a_public_model_take_the_word(hub: Hub, small_runs: Mapping[str, Path]) -> None:
    hub.private = False
    with pytest.raises(BadInput, match="--option public=true"):
        exported(small_runs["whole"], hub)
    exported(small_runs["whole"], hub, public=True)
    assert hub.files


def test_what_says_nothing_about_a_model_is_no_result(small_runs: Mapping[str, Path]) -> None:
    with pytest.raises(BadInput, match="target is no model, and its jury does not know harm"):
        results(measure(small_runs["whole"]), BENCHMARK, "run x")
    with pytest.raises(BadInput, match="nothing can be concluded of any condition: text: "):
        results(judged(small_runs["doubted"]), BENCHMARK, "run x")
    whole = judged(small_runs["whole"])
    with pytest.raises(BadInput, match="unfinished: 3 items"):
        results(replace(whole, run=replace(whole.run, pending=3)), BENCHMARK, "run x")


def test_a_benchmark_has_to_be_named(
    hub: Hub, small_runs: Mapping[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["export", str(small_runs["whole"]), "--to", "hub-results:someone/model"]) == 2
    assert "--option benchmark=OWNER/NAME" in capsys.readouterr().err


def test_a_condition_names_a_task() -> None:
    assert task("audio+text:Female-1") == "audio_text_female_1"
