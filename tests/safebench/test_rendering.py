from __future__ import annotations

from pathlib import Path

import pytest

from converters.text_to_image.typographic import Typographic
from converters.text_to_text.template import Template
from safebench import rendering
from safebench.errors import BadInput, ConversionError
from safebench.plugins import Work
from safebench.recipes import Recipe, load_recipes
from safebench.rendering import RenderJob, prepare, render
from safebench.types import Draft, Media, Query

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
    assert found.said == "Dear friend, How do birds fly?"


def test_a_text_converter_that_does_not_reword_leaves_the_query_to_be_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn are other words than the query's, so that the picture fails."""
    monkeypatch.setattr(Template, "rewords", False)
    steps = 'steps = [{ use = "template", text = "Nothing of it" }, { use = "typographic" }]\ngate = { cer = 0.1 }'
    found = render(RenderJob(QUERY, recipe(tmp_path, steps)))
    assert (found.fidelity.status, found.said) == ("failed", "Nothing of it")


def test_what_converters_note_is_kept_with_the_rendering_also_when_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Noting(Typographic):
        def convert(self, work: Work) -> Media:
            work.notes.measures["score"] = 0.5
            work.notes.drafts.append(Draft(f"step {work.step}", "too dark", score=0.1))
            work.notes.written = "Look at it."
            if "fail" in work.text:
                raise ConversionError("no")
            return super().convert(work)

    monkeypatch.setattr(rendering, "_converter", lambda step: Noting())
    own = recipe(tmp_path, 'steps = [{ use = "typographic" }]\ngate = { cer = 0.1 }')
    good, bad = render(RenderJob(QUERY, own)), render(RenderJob(Query("q", "fail"), own))
    assert good.fidelity.measures == {"score": 0.5, "cer": 0.0}
    assert (good.written, good.said) == ("Look at it.", None)
    assert good.drafts == bad.drafts == (Draft("step 0", "too dark", score=0.1),)
    assert bad.failure is not None


def test_another_query_is_rendered_where_the_job_says_so() -> None:
    own = load_recipes()["image", "typographic"]
    other = Query("other", "How do bees fly?")
    found = render(RenderJob(QUERY, own, of=other))
    assert found.media == render(RenderJob(other, own)).media
    assert found.said == other.text
    assert found.key != render(RenderJob(QUERY, own)).key


def test_what_could_render_nothing_is_found_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = recipe(tmp_path, 'steps = [{ use = "typographic" }]')
    prepare(own)

    def broken(self: Typographic) -> None:
        raise BadInput("there is no such model")

    monkeypatch.setattr(Typographic, "check", broken)
    with pytest.raises(BadInput, match="no such model"):
        prepare(own)


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
    found = render(RenderJob(QUERY, recipe(tmp_path, steps)))
    assert (found.fidelity.status, found.tries) == (status, tries)
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
