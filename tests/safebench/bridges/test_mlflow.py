"""With the real package and a database in a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from safebench.bridges.exporting import export
from safebench.bridges.mlflow import named
from safebench.cli.main import run_command
from safebench.errors import BadInput
from safebench.testing.contracts import ExporterContract

mlflow = pytest.importorskip("mlflow")


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One database for all, as it takes seconds to be made; each test has an experiment of its own."""
    place = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)  # artefacts lie in ./mlruns
        yield f"sqlite:///{place}/mlflow.db"


@pytest.fixture
def options(uri: str, request: pytest.FixtureRequest) -> dict[str, str]:
    return {"argument": uri, "experiment": request.node.name}


def runs(options: Mapping[str, Any]) -> list[Any]:
    client = mlflow.MlflowClient(options["argument"])
    experiment = client.get_experiment_by_name(options["experiment"])
    return list(client.search_runs([experiment.experiment_id]))


class TestMLflow(ExporterContract):
    name = "mlflow"

    @pytest.fixture
    def options(self, uri: str, request: pytest.FixtureRequest) -> Mapping[str, Any]:
        self.chosen = {"argument": uri, "experiment": request.node.name}
        return self.chosen

    def exported(self) -> str:
        held = [(run.info.run_id, run.data.to_dictionary(), texts(run)) for run in runs(self.chosen)]
        return json.dumps(held, sort_keys=True)


def texts(run: Any) -> dict[str, str]:
    return {file.name: file.read_text(encoding="utf-8") for file in Path(run.info.artifact_uri).iterdir()}


def test_rates_are_metrics_with_their_intervals(small_runs: Mapping[str, Path], options: dict[str, str]) -> None:
    export(small_runs["whole"], "mlflow", options=options)
    (run,) = runs(options)
    assert run.data.metrics["over_refusal/text"] == 0
    assert run.data.metrics["over_refusal_ci95_high/text"] == pytest.approx(0.3903, abs=1e-4)  # Wilson, 0 of 6
    assert run.data.metrics["items/text"] == 12
    assert "asr/text" not in run.data.metrics  # the embedded jury knows no harm
    assert run.data.metrics["compliance_ci95_low/text"] < run.data.metrics["compliance/text"]
    assert run.data.tags["concludable/text"] == "yes"
    assert run.data.tags["safebench.stand_in"].startswith("yes")
    assert run.data.tags["safebench.knows_harm"].startswith("no")
    assert run.data.params["target"] == "reference"
    assert run.info.status == "FINISHED"
    assert sorted(texts(run)) == ["report.md", "summary.json"]


def test_what_is_not_concludable_is_no_metric(small_runs: Mapping[str, Path], options: dict[str, str]) -> None:
    export(small_runs["doubted"], "mlflow", options=options)
    (run,) = runs(options)
    rates = {"items/text", "open/text", "harmful_decided/text", "over_refusal_bound_low/text"}
    rates |= {"over_refusal_bound_high/text", "compliance_bound_low/text", "compliance_bound_high/text"}
    assert set(run.data.metrics) == rates
    assert run.data.metrics["compliance_bound_high/text"] == 1
    assert run.data.tags["concludable/text"].startswith("no, so its rates are no metrics")


def test_what_has_changed_replaces_what_was_there(small_runs: Mapping[str, Path], options: dict[str, str]) -> None:
    export(small_runs["whole"], "mlflow", options=options)
    (first,) = runs(options)
    told = export(small_runs["whole"], "mlflow", options=options, with_texts=True)
    (second,) = runs(options)
    assert f"in place of {first.info.run_id}" in told
    assert second.info.run_id != first.info.run_id
    assert (Path(second.info.artifact_uri) / "items.parquet").exists()
    assert "unchanged" in export(small_runs["whole"], "mlflow", options=options, with_texts=True)


def test_nothing_half_done_stays(
    small_runs: Mapping[str, Path], options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("mlflow.MlflowClient.log_artifact", fails)
    with pytest.raises(BadInput, match="disk full"):
        export(small_runs["whole"], "mlflow", options=options)
    assert runs(options) == []


def test_a_server_that_does_not_answer_is_one_clear_line(
    small_runs: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    where = "mlflow:http://someone:password@127.0.0.1:1"
    assert run_command(["export", str(small_runs["whole"]), "--to", where]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: MLflow at http://127.0.0.1:1: ")
    assert told.count("\n") == 1
    assert "password" not in told


def test_mlflow_has_to_be_named(small_runs: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(BadInput, match=r"sqlite:///mlflow\.db"):
        export(small_runs["whole"], "mlflow")


def test_a_condition_is_named_as_mlflow_allows() -> None:
    assert named("audio+text:female") == "audio and text:female"
    assert named("image:my[1]") == "image:my 1 "
