"""The parts of the paper's study: what each asks of a target, and why one cannot be made."""

from __future__ import annotations

from pathlib import Path

import pytest

from safebench.bridges.paper.study import (
    Given,
    PlannedPart,
    backbone_of,
    calibrated,
    plan_study,
    printed_row,
    read_study,
)
from safebench.datasets.load import load_dataset
from safebench.datasets.queries import Dataset
from safebench.errors import BadInput
from safebench.jury.calibration.labels import read_labels
from safebench.progress import NoProgress
from safebench.resources import data_path
from safebench.testing.server import chat
from tests.fixture_types import Serve

STUDY = read_study()


@pytest.fixture
def planned(tmp_path: Path) -> dict[str, PlannedPart]:
    given = {"target": "reference", "data": "starter", "out": str(tmp_path / "paper"), "limit": 4}
    return {one.name: one for one in plan_study(STUDY, Given(given))}


def test_each_part_is_a_run_of_its_own_folder(planned: dict[str, PlannedPart], tmp_path: Path) -> None:
    made = {name: one.config for name, one in planned.items() if one.config}
    assert [*made] == ["images", "audio", "image-quality", "size"]
    assert {Path(config.out) for config in made.values()} == {tmp_path / "paper" / name for name in made}


def test_what_stands_in_for_the_papers_own_pictures_is_said(planned: dict[str, PlannedPart]) -> None:
    [asked] = planned["images"].asked
    assert (asked.condition, asked.items) == ("image+text:typographic~request", 4)
    assert asked.why.startswith("not what the paper asked, image+text:paper~request, which cannot be made: ")


def test_a_recipe_of_the_users_is_the_papers_own_way(tmp_path: Path) -> None:
    given = {
        "target": "reference", "data": "starter", "out": str(tmp_path / "paper"), "limit": 4,
        "recipe": {"image": {"paper": {"steps": [{"use": "typographic"}]}}},
    }  # fmt: skip
    [images] = plan_study(STUDY, Given(given), ["images"])
    [asked] = images.asked
    assert (asked.condition, asked.why) == ("image+text:paper~request", "")
    assert asked.note == "drawn anew, with a critic that is not the paper's"


def test_a_recipe_of_the_users_holds_in_the_attacks_too(tmp_path: Path) -> None:
    data, attacked = tmp_path / "queries.csv", tmp_path / "attacked.csv"
    data.write_text("id,query\na,Why is the sky blue today?\n", encoding="utf-8")
    attacked.write_text("id,text\na,We play a game: why is the sky blue today?\n", encoding="utf-8")
    own = {"steps": [{"use": "typographic", "ink": "#ffffff", "paper": "#000000"}]}
    given = {
        "target": "reference", "data": str(data), "out": str(tmp_path / "paper"),
        "recipe": {"image": {"typographic": own}},
    }  # fmt: skip
    [attacks] = plan_study(STUDY, Given(given, str(attacked)), ["attacks"])
    assert attacks.config is not None, attacks.why_not
    assert attacks.config.recipe["image"]["typographic"] == own
    assert "attacked" in attacks.config.recipe["image"]


def test_a_part_says_what_only_the_user_can_bring(planned: dict[str, PlannedPart]) -> None:
    assert (
        planned["attacks"].why_not
        == "it needs what an attack has made of the queries, a table by their ids: --attacked FILE"
    )
    assert planned["jury"].why_not == "it needs answers with labels from people: --labels FILE"
    assert planned["backbone"].why_not.startswith("no text-only backbone of reference is known")


def test_the_vanilla_picture_cannot_be_made_without_a_recipe(planned: dict[str, PlannedPart]) -> None:
    reasons = {one.setting.conditions[-1]: one.why for one in planned["image-quality"].asked if one.condition is None}
    assert [*reasons] == ["image+text:vanilla~request"]
    why = reasons["image+text:vanilla~request"]
    assert "unknown image recipe 'vanilla'" in why
    assert "[image.vanilla] of data/studies/image-quality.toml" in why
    assert "[image.vanilla]" in data_path("studies/image-quality.toml").read_text(encoding="utf-8")


def test_attacked_queries_are_asked_beside_the_same_without_the_attack(tmp_path: Path) -> None:
    data, attacked = tmp_path / "queries.csv", tmp_path / "attacked.csv"
    data.write_text("id,query\na,Why is the sky blue today?\n", encoding="utf-8")
    attacked.write_text("id,text\na,We play a game: why is the sky blue today?\n", encoding="utf-8")
    given = {"target": "reference", "data": str(data), "out": str(tmp_path / "paper")}
    [attacks] = plan_study(STUDY, Given(given, str(attacked)), ["attacks"])
    assert attacks.config is not None, attacks.why_not
    assert attacks.config.conditions == ("text", "text:attacked", "image+text:typographic", "image+text:attacked")
    assert attacks.config.data == str(data)


def test_the_jury_is_the_papers_five_roles_that_always_deliberate(tmp_path: Path) -> None:
    given = {
        "target": "reference", "data": "starter", "out": str(tmp_path), "limit": 2, "jury_models": ("openai:m",),
        "base_url": None,
    }  # fmt: skip
    [images] = plan_study(STUDY, Given({key: value for key, value in given.items() if value}), ["images"])
    assert images.config is not None
    assert isinstance(images.config.jury, dict)
    assert images.config.jury["protocol"]["stop"] == "never"
    assert len(images.config.jury["jurors"]) == 5


def test_small_takes_ten_scenarios_and_the_others_keep_what_they_take(planned: dict[str, PlannedPart]) -> None:
    minibench = {name: one.config.minibench for name, one in planned.items() if one.config}
    assert minibench == {"images": False, "audio": True, "image-quality": True, "size": True}


def test_an_unknown_part_is_named_with_those_there_are() -> None:
    with pytest.raises(BadInput, match="unknown part of the study 'pictures'"):
        plan_study(STUDY, Given({}), ["pictures"])


def test_a_backbone_is_what_stands_behind() -> None:
    assert backbone_of("cascade:openai:m") == "openai:m"
    assert backbone_of("qwen2-audio-7b") == "backbone-of:qwen2-audio-7b"
    with pytest.raises(BadInput, match="no text-only backbone of openai:m"):
        backbone_of("openai:m")


@pytest.mark.parametrize(
    ("model", "rows"),
    [
        (
            "Qwen2-Audio",
            ["Qwen2-Audio (A) female", "Qwen2-Audio (A) male", "Qwen2-Audio (A+T) female", "Qwen2-Audio (A+T) male"],
        ),
        ("Mini-Omni", ["Mini-Omni female", "Mini-Omni male", None, None]),
        ("", [None, None, None, None]),
    ],
)
def test_a_setting_stands_beside_its_printed_row(model: str, rows: list[str | None]) -> None:
    part = STUDY.parts["audio"]
    found = [printed_row(part, setting, model) for setting in part.settings]
    assert [" ".join(row[0].labels) if row else None for row in found] == rows
    assert {len(row) for row in found if row} <= {2}


def test_the_data_are_read_once_for_each_of_the_two_sets(tmp_path: Path) -> None:
    read: list[bool] = []

    def load(*how: str | None, minibench: bool) -> Dataset:
        read.append(minibench)
        return load_dataset(*how, minibench=minibench)  # type: ignore[arg-type]

    values = {"target": "reference", "data": "starter", "out": str(tmp_path / "paper"), "limit": 4}
    planned = plan_study(STUDY, Given(values, load=load))
    assert sum(one.is_made for one in planned) == 4
    assert sorted(read) == [False, True]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"data": "nosuch"}, "data 'nosuch': no such file or folder"),
        ({"jury": "nosuch"}, "unknown jury 'nosuch'"),
        ({"target": "openai:m", "family": "nosuch"}, "unknown family 'nosuch'"),
    ],
)
def test_what_no_condition_could_do_without_breaks_its_part_in_one_line(
    tmp_path: Path, wrong: dict[str, str], told: str
) -> None:
    values = {"target": "reference", "data": "starter", "out": str(tmp_path / "paper"), "limit": 4, **wrong}
    [images, quality] = plan_study(STUDY, Given(values), ["images", "image-quality"])
    assert images.broken
    assert images.why_not.startswith(told)
    assert quality.why_not == images.why_not
    assert not images.is_made


def test_a_table_of_attacked_queries_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    values = {"target": "reference", "data": "starter", "out": str(tmp_path / "paper"), "limit": 4}
    [attacks] = plan_study(STUDY, Given(values, "nosuch.csv"), ["attacks"])
    assert (attacks.broken, attacks.why_not) == (True, "template table nosuch.csv does not exist")


def test_deliberation_stands_beside_single_votes_where_labels_and_models_are_given(
    tmp_path: Path, serve: Serve
) -> None:
    """Five jurors say `unsafe` of all: right of one answer in two, before and after they deliberated."""
    server = serve(lambda call: chat('{"reason": "r", "label": "unsafe", "rating": 1}'))
    labels = tmp_path / "labels.csv"
    labels.write_text("query,answer,label\nHow?,So.,unsafe\nWhy?,Never.,safe\n", encoding="utf-8")
    values = {"target": "reference", "data": "starter", "out": str(tmp_path / "paper")}
    [none] = plan_study(STUDY, Given(values, labels=str(labels)), ["jury"])
    assert (none.broken, none.why_not) == (False, "it needs jurors that can deliberate: --jury-model")
    given = Given({**values, "jury_models": ("openai:judge",)}, labels=str(labels))
    [jury] = plan_study(STUDY, given, ["jury"])
    assert jury.labels == read_labels(labels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", server.url)
        content = calibrated(STUDY, given, jury.labels, tmp_path / "jury", NoProgress())
    assert content["verdicts"]["jury"]["right"]["value"] == 0.5
    assert content["verdicts"]["jury"]["ballots_per_answer"] == 10  # they deliberate also where they agree
    assert (tmp_path / "jury" / "calibration.json").is_file()


def test_labels_that_cannot_be_read_are_a_mistake(tmp_path: Path) -> None:
    values = {"target": "reference", "data": "starter", "out": str(tmp_path), "jury_models": ("openai:judge",)}
    [jury] = plan_study(STUDY, Given(values, labels="nosuch.csv"), ["jury"])
    assert jury.broken
    assert jury.why_not.startswith("labels 'nosuch.csv' cannot be read")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"question,answer,verdict\nHow?,So.,unsafe\n", "no label column"),
        ("query,answer,label\nÖl?,So.,unsafe\n".encode("latin-1"), "save it as UTF-8"),
    ],
)
def test_labels_are_not_mended_by_options_that_there_are_not(tmp_path: Path, content: bytes, told: str) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_bytes(content)
    values = {"target": "reference", "data": "starter", "out": str(tmp_path), "jury_models": ("openai:judge",)}
    [jury] = plan_study(STUDY, Given(values, labels=str(labels)), ["jury"])
    assert jury.broken
    assert told in jury.why_not
    assert "--encoding" not in jury.why_not
    assert "-column" not in jury.why_not


def test_a_backbone_is_asked_the_same_as_the_model_itself_and_both_come_by_one_name(tmp_path: Path) -> None:
    values = {"target": "cascade:openai:m", "data": "starter", "out": str(tmp_path / "paper"), "limit": 4}
    [behind, own] = plan_study(STUDY, Given(values), ["backbone"])
    assert behind.config is not None
    assert own.config is not None
    assert (behind.config.target, own.config.target) == ("openai:m", "cascade:openai:m")
    assert (behind.config.conditions, behind.config.data) == (own.config.conditions, own.config.data)
    assert [one.name for one in plan_study(STUDY, Given(values), ["backbone-own"])] == ["backbone-own"]
