from __future__ import annotations

from pathlib import Path

import pytest

from converters.text_to_image.typographic import Typographic
from safebench import rendering
from safebench.errors import ConversionError
from safebench.plugins import Work
from safebench.recipes import Recipe, load_recipes
from safebench.rendering import RenderJob, render
from safebench.types import Media, Query

QUERY = Query("q", "How do birds fly?")


def recipe(tmp_path: Path, text: str, medium: str = "image") -> Recipe:
    path = tmp_path / "recipes.toml"
    path.write_text(f"[{medium}.own]\n{text}\n", encoding="utf-8")
    found = load_recipes(path)[medium, "own"]
    found.check()
    return found


def test_a_text_converter_changes_what_is_rendered_and_what_is_read_back(tmp_path: Path) -> None:
    steps = (
        'steps = [{ use = "template", text = "Dear friend, {query}" }, { use = "typographic" }]\ngate = { cer = 0.1 }'
    )
    found = render(RenderJob(QUERY, recipe(tmp_path, steps)))
    assert found.fidelity.status == "passed"
    assert found.fidelity.recognised is not None
    assert found.fidelity.recognised.startswith("Dear friend")


def test_a_control_is_not_checked_and_still_asked(tmp_path: Path) -> None:
    steps = 'steps = [{ use = "silence", seconds = 1.0 }]\ncontrol = true\ncarrier = "query"'
    found = render(RenderJob(QUERY, recipe(tmp_path, steps, "audio")))
    assert (found.fidelity.status, found.faithful) == ("unchecked", True)


def test_a_failure_is_data_and_names_component_and_query() -> None:
    found = render(RenderJob(Query("the-id", "漢"), load_recipes()["image", "typographic"]))
    assert not found.faithful
    assert found.failure is not None
    assert found.failure.component == "typographic"
    silent = render(RenderJob(Query("the-id", "…"), load_recipes()["audio", "female"]))
    assert "the-id" in str(silent.failure)


@pytest.mark.parametrize(("tries", "status"), [(1, "failed"), (2, "failed"), (3, "passed")])
def test_a_recipe_tries_again_until_one_is_faithful(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tries: int, status: str
) -> None:
    attempts: list[int] = []

    class Fickle(Typographic):
        def convert(self, work: Work) -> Media:
            attempts.append(work.attempt)
            if work.attempt < 2:
                raise ConversionError("not yet")
            return super().convert(work)

    monkeypatch.setattr(rendering, "_converter", lambda step: Fickle())
    steps = f'steps = [{{ use = "typographic" }}]\ntries = {tries}\ngate = {{ cer = 0.1 }}'
    assert render(RenderJob(QUERY, recipe(tmp_path, steps))).fidelity.status == status
    assert attempts == list(range(tries))


def test_the_key_changes_with_all_that_changes_the_rendering() -> None:
    plain = load_recipes()["image", "typographic"]
    keys = {
        RenderJob(QUERY, plain).key,
        RenderJob(Query("q", "How do bees fly?"), plain).key,
        RenderJob(QUERY, load_recipes()["audio", "female"]).key,
        RenderJob(QUERY, plain, check=False).key,
        RenderJob(QUERY, plain, seed=1).key,
        RenderJob(QUERY, plain, recogniser="other").key,
    }
    assert len(keys) == 6
    assert RenderJob(QUERY, plain).key == RenderJob(Query("q", QUERY.text, scenario="bias"), plain).key
