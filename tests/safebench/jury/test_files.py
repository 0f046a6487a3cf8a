from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from safebench.errors import BadInput
from safebench.jury.files import RULES, build_jury, jury_versions, read_jury
from safebench.resources import load_toml, shipped
from safebench.taxonomy import paper

MODEL = {"model": "openai:m"}


def models(tables: dict[str, Any], *given: str) -> list[str | None]:
    return [juror.model for juror in read_jury(tables, given).jurors]


def test_the_shipped_juries_can_be_built_and_named() -> None:
    assert shipped("juries") == ["cascade-jury", "embedded", "guard+panel", "guards", "panel", "paper", "single"]
    sizes = {
        name: len(build_jury(read_jury(name, [] if name == "embedded" else ["openai:m"])).seats)
        for name in shipped("juries")
    }
    shown = {"embedded": 3, "panel": 3, "paper": 5, "single": 1, "guards": 3, "guard+panel": 4, "cascade-jury": 4}
    assert sizes == shown


def test_a_jury_names_the_version_of_every_file_of_rules() -> None:
    """Of all that have one, but those by which queries are generated."""
    versions = {name: load_toml(f"rules/{name}.toml").get("version") for name in shipped("rules")}
    known = {f"{name}_rules": version for name, version in versions.items() if version and name != "generating"}
    named = jury_versions(build_jury(read_jury("embedded", [])), paper())["prompts"]
    assert known == {f"{name}_rules": named[f"{name}_rules"] for name in RULES}


def test_the_papers_jury_has_five_roles_one_deliberation_and_a_writer() -> None:
    jury = build_jury(read_jury("paper", ["openai:m"]))
    assert len({seat.juror.options.role for seat in jury.seats}) == 5
    assert jury.protocol.rounds == 1
    assert jury.writer is not None
    assert len(jury.models()) == 1


@pytest.mark.parametrize("name", ["paper", "panel", "single", "guards", "guard+panel", "cascade-jury"])
def test_a_jury_without_models_is_one_clear_line_that_says_what_to_do(name: str) -> None:
    with pytest.raises(BadInput, match="--jury-model") as found:
        read_jury(name)
    assert len(found.value.problems) == 1


def test_models_are_for_jurors_that_name_none() -> None:
    tables = {"jurors": [{}, MODEL, {}, {"juror": "wording"}]}
    assert models(tables, "openai:a") == ["openai:a", "openai:m", "openai:a", None]
    assert models(tables, "openai:a", "openai:b") == ["openai:a", "openai:m", "openai:b", None]


def test_defaults_are_for_what_a_juror_does_not_say_itself() -> None:
    defaults = {"model": "openai:d", "base_url": "http://here/v1", "parameters": {"temperature": 0}}
    jurors = [{}, {"model": "openai:m", "base_url": "http://there/v1"}, {"juror": "wording"}]
    table = read_jury({"defaults": defaults, "jurors": jurors, "writer": {}})
    assert [juror.model for juror in table.jurors] == ["openai:d", "openai:m", None]
    assert [juror.base_url for juror in table.jurors] == ["http://here/v1", "http://there/v1", None]
    assert [juror.parameters for juror in table.jurors] == [{"temperature": 0}, {"temperature": 0}, None]
    assert table.writer is not None
    assert table.writer.model == "openai:d"
    assert models({"defaults": defaults, "jurors": [{}]}, "openai:a") == ["openai:a"]


def test_a_complete_jury_read_again_is_the_same() -> None:
    table = read_jury("paper", ["openai:m"])
    assert read_jury(table.model_dump(mode="json", exclude_none=True)) == table


@pytest.mark.parametrize(
    ("tables", "given", "named"),
    [
        ({"jurors": [{}, {}, {}]}, ["openai:a", "openai:b"], "2 models for 3 jurors"),
        ({"jurors": [MODEL]}, ["openai:a"], "1 models for 0 jurors"),
        ({"jurors": [MODEL], "writer": {}}, [], "the writer"),
        ({"jurors": [MODEL | {"name": "x"}, MODEL | {"name": "x"}]}, [], "same name"),
        ({"jurors": [MODEL | {"juror": "wording"}]}, [], "keep one"),
        ({"jurors": [MODEL], "protocol": {"quorum": 2}}, [], "quorum = 2"),
        ({"jurors": [MODEL], "protocol": {"tie": "coin"}}, [], "protocol.tie"),
        ({"jurors": [MODEL], "protocol": {"stop": "soon"}}, [], "protocol.stop"),
        ({"jurors": []}, [], "jurors"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_named(tables: dict[str, Any], given: list[str], named: str) -> None:
    with pytest.raises(BadInput, match=named):
        read_jury(tables, given)


def test_a_folder_that_is_called_like_a_jury_does_not_hide_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "embedded").mkdir()
    assert len(read_jury("embedded").jurors) == 3
