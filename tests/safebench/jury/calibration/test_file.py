"""A calibration is of one jury: what its models are and what they are told belongs to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from safebench.errors import BadInput
from safebench.jury.calibration.file import Calibration, bind, check_bound, read_calibration
from safebench.jury.files import build_jury, jury_tables, jury_versions, read_jury
from safebench.taxonomy import Taxonomy, paper
from tests.own_taxonomy import own_taxonomy

ENDPOINT = {"jurors": [{"model": "openai:m", "name": "judge"}]}


def bound(tables: Mapping[str, Any], known: Taxonomy | None = None) -> dict[str, Any]:
    table = read_jury(tables)
    return bind(jury_tables(table), jury_versions(build_jury(table), known or paper()))


def calibrated(tables: Mapping[str, Any]) -> Calibration:
    """As it comes back from its file."""
    content = {"bound_to": bound(tables), "labels": {"positive": "unsafe"}}
    return Calibration("mine.json", "0" * 64, json.loads(json.dumps(content)))


@pytest.fixture
def juror_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """A jury of a Python function whose source is written anew for each name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(name: str) -> dict[str, Any]:
        (tmp_path / f"{name}.py").write_text(f"def answer(messages):\n    return {name!r}\n", encoding="utf-8")
        return {"jurors": [{"model": f"python:{name}:answer", "name": "judge"}]}

    return make


def test_the_same_jury_may_use_its_calibration(juror_of: Callable[[str], dict[str, Any]]) -> None:
    for tables in (ENDPOINT, juror_of("steady_judge"), {"jurors": [{"juror": "wording"}]}):
        check_bound(calibrated(tables), bound(tables))


def test_an_endpoint_that_only_the_environment_names_belongs_to_the_jury(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    calibration = calibrated(ENDPOINT)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:2/v1")
    with pytest.raises(BadInput) as found:
        check_bound(calibration, bound(ENDPOINT))
    told = "jurors.judge.model.base_url (there 'http://127.0.0.1:1/v1', here 'http://127.0.0.1:2/v1')"
    assert told in str(found.value)


def test_the_source_of_a_function_belongs_to_the_jury(
    juror_of: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    tables = juror_of("edited_judge")
    calibration = calibrated(tables)
    (tmp_path / "edited_judge.py").write_text("def answer(messages):\n    return 'safe'\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"jurors\.judge\.model\.source \(there '\w{64}', here '\w{64}'\)"):
        check_bound(calibration, bound(tables))


def test_what_the_scenarios_call_harm_belongs_to_the_jury(tmp_path: Path) -> None:
    calibration = calibrated(ENDPOINT)
    with pytest.raises(BadInput, match=r"prompts\.scenarios \(there '\w{12}', here '\w{12}'\)"):
        check_bound(calibration, bound(ENDPOINT, own_taxonomy(tmp_path)))


def test_a_writer_changes_no_verdict_and_is_not_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    check_bound(calibrated(ENDPOINT), bound({**ENDPOINT, "writer": {"model": "openai:writer"}}))


WHOLE: dict[str, Any] = {
    "calibration_version": 2,
    "bound_to": {},
    "labels": {"name": "l.csv", "sha256": "0", "answers": 4, "positive": "unsafe", "queries": ["a"]}
    | {"by_target": {"model": 4}, "by_condition": {"": 4}},
    "correction": {"true_positive": 1, "false_negative": 0, "false_positive": 0, "true_negative": 1}
    | {"effective_positives": 1.0, "effective_negatives": 1.0},
}


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(WHOLE), encoding="utf-8")
    assert read_calibration(path).content == WHOLE


def test_a_file_of_an_earlier_version_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({**WHOLE, "calibration_version": 1}), encoding="utf-8")
    with pytest.raises(
        BadInput, match="no calibration file of this version: run `safebench jury calibrate` again"
    ) as one:
        read_calibration(path)
    assert len(str(one.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"bound_to": None}, "bound_to"),
        ({"bound_to": []}, "bound_to"),
        ({"labels": {}}, r"labels\.name"),
        ({"labels": {**WHOLE["labels"], "queries": "a"}}, r"labels\.queries"),
        ({"labels": {**WHOLE["labels"], "by_target": {"model": "4"}}}, r"labels\.by_target\.model"),
        ({"correction": {**WHOLE["correction"], "effective_negatives": None}}, r"correction\.effective_negatives"),
        ({"correction": {**WHOLE["correction"], "true_positive": -1}}, r"correction\.true_positive"),
        ({"correction": {**WHOLE["correction"], "true_negative": "1"}}, r"correction\.true_negative"),
    ],
)
def test_a_file_that_lacks_something_is_one_clear_line(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    path = tmp_path / "mine.json"
    content = {key: value for key, value in {**WHOLE, **change}.items() if value is not None}
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(BadInput, match=f"mine.json is no whole calibration file: {named}") as found:
        read_calibration(path)
    assert len(str(found.value).splitlines()) == 1
