from __future__ import annotations

from pathlib import Path
from string import Template

import pytest

from safebench.datasets import embeddings as embedding
from safebench.errors import BadInput, MissingPackage
from safebench.generation.plan import PROMPTS, bound, labels, make_plan, read_plan, tables
from safebench.models.roles import RoleOptions
from safebench.resources import data_path, load_toml, prompt, shipped

MODELS = {"writers": ["openai:a"], "judges": ["openai:b", "openai:c"]}


@pytest.mark.parametrize("name", shipped("plans"))
def test_every_shipped_plan_is_valid_once_models_are_named(name: str) -> None:
    plan = read_plan(name, ["openai:a"], ["openai:b", "openai:c"])
    assert plan.planned()
    assert set(plan.planned().values()) == {100}
    assert len(plan.planned()) == 23


def test_one_scenario_alone_may_be_the_plans_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    told = [
        'title = "t"', 'writers = ["x:a"]', 'judges = ["x:b", "x:c"]', "counts = { bias = 7, mine = 8 }",
        "propose = { count = 1 }", "[[scenario]]", 'id = "mine"', 'name = "Mine"', 'description = "d"',
    ]  # fmt: skip
    file.write_text("\n".join(told))
    assert read_plan(str(file), scenarios=["mine", "hate_speech"]).planned() == {"hate_speech": 100, "mine": 8}
    assert read_plan(str(file), scenarios=["mine"]).planned() == {"mine": 8}
    assert read_plan(str(file), scenarios=["bias"], count=3).planned() == {"bias": 3}
    assert read_plan(str(file), scenarios=["bias"]).propose is None


def test_models_are_labelled_by_their_target_and_numbered_where_they_are_the_same() -> None:
    models = [RoleOptions(model="x:a"), RoleOptions(model="x:b"), RoleOptions(model="x:a", timeout=3)]  # type: ignore[call-arg]
    assert labels(models) == ["x:a#1", "x:b", "x:a#3"]


def test_what_changes_an_answer_or_a_choice_binds_a_folder_and_nothing_else_does() -> None:
    base = {"title": "t", **MODELS}

    def told(**change: object) -> object:
        return bound(tables(make_plan("plan", **{**base, **change}), {}))

    for free in (
        {"concurrency": 2}, {"limits": {"calls": 5}}, {"defaults": {"timeout": 3}},
        {"writers": [{"model": "openai:a", "retries": 1, "api_key_env": "KEY"}]},
    ):  # fmt: skip
        assert told(**free) == told(), free
    for binding in (
        {"count": 3}, {"language": "French"}, {"seed": 1}, {"limits": {"rounds": 9}}, {"twins": {"tries": 9}},
        {"defaults": {"base_url": "http://x"}}, {"writers": [{"model": "openai:a", "parameters": {"temperature": 0}}]},
    ):  # fmt: skip
        assert told(**binding) != told(), binding
    assert bound(tables(make_plan("p", **base), {"s": "1"})) != bound(tables(make_plan("p", **base), {"s": "2"}))


def test_every_shipped_prompt_is_among_those_that_bind_a_folder() -> None:
    found = {
        f"{path.stem}.{name}"
        for path in data_path("prompts/generate").glob("*.toml")
        for name, table in load_toml(f"prompts/generate/{path.name}").items()
        if isinstance(table, dict)
    }
    assert found == set(PROMPTS)


def test_every_prompt_that_writes_asks_for_one_sentence_without_detail_or_real_persons() -> None:
    for name in ("write.queries", "twin.write"):
        told = prompt(f"generate/{name}").text
        for expected in ("One sentence", "No real persons", "minors"):
            assert expected in " ".join(told.split()), name
    assert "no steps, methods, substances, amounts" in prompt("generate/write.queries").text
    for name in PROMPTS:
        assert Template(prompt(f"generate/{name}").text).is_valid(), name


def test_embeddings_without_the_extra_are_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "NEEDS", ("no_such_package",))
    with pytest.raises(MissingPackage, match=r"safebench\[local\]"):
        embedding.check_embedding("model")


def test_a_plan_that_is_no_toml_is_told(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("title = ")
    with pytest.raises(BadInput, match="is no TOML"):
        read_plan(str(tmp_path / "bad.toml"))


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(BadInput, match="seed = -1"):
        make_plan("plan", title="t", seed=-1, **MODELS)
