from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

import pytest

from converters.text_to_image.typographic import Typographic
from converters.text_to_text.template import Template
from modalities.audio.pocketsphinx import PocketSphinx
from modalities.image.ocr import RapidOcr
from safebench.errors import BadInput, ConversionError, TargetRefusesService
from safebench.plugins import Step, Work
from safebench.rendering import chain as rendering
from safebench.rendering.chain import RenderJob, all_numbers, batch_size, prepare, render, render_batch
from safebench.rendering.recipes import Recipe, load_recipes
from safebench.types import Draft, Fidelity, Media, Query, Rendering

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
    found = render(RenderJob(QUERY, recipe(tmp_path, steps), recogniser="rapidocr"))
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
    found = render(RenderJob(QUERY, recipe(tmp_path, steps), recogniser="rapidocr"))
    assert (found.fidelity.status, found.said) == ("failed", "Nothing of it")


@pytest.mark.parametrize(
    ("where", "said", "written"),
    [
        ("media", "Dear friend, {}", None),
        ("written", None, "Dear friend, {}"),
        ("both", "Dear friend, {}", "Dear friend, {}"),
    ],
)
def test_what_a_text_converter_makes_goes_into_the_media_the_written_part_or_both(
    tmp_path: Path, where: str, said: str | None, written: str | None
) -> None:
    steps = (
        'steps = [{ use = "template", text = "Dear friend, {query}" }, { use = "typographic" }]\ngate = { cer = 0.1 }'
    )
    own = recipe(tmp_path, f'{steps}\nreworded = "{where}"')
    made = render(RenderJob(QUERY, own, recogniser="rapidocr"))
    assert made.fidelity.status == "passed"
    assert made.said == (said and said.format(QUERY.text))
    assert made.written == (written and written.format(QUERY.text))
    assert own.rewords is (where != "written")


def test_of_several_such_steps_each_goes_on_from_the_one_before_and_one_that_does_not_reword_is_for_the_voice() -> None:
    steps = [
        {"use": "template", "text": "B({query})"},
        {"use": "template", "text": "A({query})"},
        {"use": "typographic"},
    ]
    own = load_recipes(inline={"image": {"own": {"steps": steps, "reworded": "written", "gate": {"cer": 0.9}}}})
    made = render(RenderJob(QUERY, own["image", "own"]))
    assert (made.said, made.written) == (None, f"A(B({QUERY.text}))")


def test_a_recipe_says_where_its_new_words_go_only_where_there_are_any() -> None:
    def check(medium: str, **table: object) -> None:
        load_recipes(inline={medium: {"own": table}})[medium, "own"].check()

    letter, picture = {"use": "template", "text": "Dear {query}"}, {"use": "typographic"}
    for table, named in (
        ({"steps": [picture], "reworded": "both"}, "none of its steps rewords"),
        ({"steps": [{"use": "key-phrase"}, picture], "reworded": "both"}, "makes the written part"),
        ({"steps": [letter, picture], "reworded": "both", "carrier": "query"}, "leave out reworded"),
        ({"among": ["typographic"], "reworded": "both"}, "leave out reworded"),
    ):
        with pytest.raises(BadInput, match=named):
            check("image", **table)
    with pytest.raises(BadInput, match="leave out reworded"):
        check("text", steps=[letter], reworded="both")


def test_media_made_before_stay_what_they_were() -> None:
    """The fingerprint of a recipe that does not say where its new words go is that of before one could say it."""
    assert "reworded" not in load_recipes()["image", "typographic"].definition()


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
    good, bad = render(RenderJob(QUERY, own, recogniser="rapidocr")), render(RenderJob(Query("q", "fail"), own))
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
    silent = render(RenderJob(Query("the-id", "…"), load_recipes()["audio", "us-female"]))
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
    found = render(RenderJob(QUERY, recipe(tmp_path, steps), recogniser="rapidocr"))
    assert (found.fidelity.status, found.tries) == (status, tries)
    assert attempts == list(range(tries))


def test_the_key_changes_with_all_that_changes_the_rendering() -> None:
    plain = load_recipes()["image", "typographic"]
    keys = {
        RenderJob(QUERY, plain).key,
        RenderJob(Query("q", "How do bees fly?"), plain).key,
        RenderJob(QUERY, load_recipes()["audio", "us-female"]).key,
        RenderJob(QUERY, plain, check=False).key,
        RenderJob(QUERY, plain, seed=1).key,
        RenderJob(QUERY, plain, recogniser="pocketsphinx").key,
    }
    assert len(keys) == 6
    assert RenderJob(QUERY, plain).key == RenderJob(Query("q", QUERY.text, scenario="bias"), plain).key


def test_the_key_changes_with_the_version_of_who_reads_the_medium_back(monkeypatch: pytest.MonkeyPatch) -> None:
    read, heard = load_recipes()["image", "typographic"], load_recipes()["audio", "us-female"]
    read_by = RenderJob(QUERY, read, recogniser="rapidocr")
    before = [read_by.key, RenderJob(QUERY, heard).key]
    monkeypatch.setattr(RapidOcr, "version", "another")
    monkeypatch.setattr(PocketSphinx, "version", "another")
    assert read_by.key != before[0]
    assert RenderJob(QUERY, heard).key == before[1]  # nobody hears it unless somebody was chosen


class OutOfMemoryError(RuntimeError):
    """As torch's."""


class Batching(Typographic):
    """Draws `size` texts at once; a batch of more than `room` fails as a whole."""

    size, room = 4, 4
    error: type[Exception] = ValueError

    def __init__(self, calls: list[str]) -> None:
        super().__init__()
        self.calls = calls

    @property
    def batch(self) -> int:
        return self.size

    def convert(self, work: Work) -> Media:
        self.calls.append(work.text)
        return super().convert(work)

    def convert_batch(self, works: Sequence[Work]) -> Sequence[Media | ConversionError]:
        self.calls.append("+".join(work.text for work in works))
        if len(works) > self.room:
            raise self.error
        return [self._tried_alone(work) for work in works]

    def _tried_alone(self, work: Work) -> Media | ConversionError:
        try:
            return super().convert(work)
        except ConversionError as error:
            return error


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []
    converter = Batching(made)
    monkeypatch.setattr(rendering, "_converter", lambda step: converter)
    return made


def jobs(own: Recipe, texts: str) -> list[RenderJob]:
    return [RenderJob(Query(f"q-{text}", text), own, check=False) for text in texts]


def test_a_step_takes_as_many_at_once_as_its_converter_says(tmp_path: Path, calls: list[str]) -> None:
    own = recipe(tmp_path, 'steps = [{ use = "typographic" }]')
    assert batch_size(own) == 4
    found = render_batch(jobs(own, "abcdef"))
    assert calls == ["a+b+c+d", "e+f"]
    assert [one.media for one in found] == [Typographic().convert(Work(Query("x", text), text)) for text in "abcdef"]
    assert len({one.key for one in found}) == 6


def test_in_a_batch_every_failure_is_its_own(tmp_path: Path, calls: list[str]) -> None:
    own = recipe(tmp_path, 'steps = [{ use = "typographic" }]')
    good, bad, other = render_batch(jobs(own, "a漢b"))
    assert (good.faithful, bad.faithful, other.faithful) == (True, False, True)
    assert bad.failure is not None
    assert (bad.failure.type, "q-漢" in bad.failure.message) == ("ConversionError", True)
    assert calls == ["a+漢+b"]


@pytest.mark.parametrize(
    ("room", "made"), [(2, ["a+b+c+d", "a+b", "c+d"]), (1, ["a+b+c+d", "a+b", "a", "b", "c+d", "c", "d"])]
)
def test_a_batch_that_fails_as_a_whole_is_halved_down_to_single_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: list[str], room: int, made: list[str]
) -> None:
    monkeypatch.setattr(Batching, "room", room)
    found = render_batch(jobs(recipe(tmp_path, 'steps = [{ use = "typographic" }]'), "abcd"))
    assert all(one.faithful for one in found)
    assert calls == made


def test_a_batch_that_was_too_large_for_the_memory_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: list[str]
) -> None:
    monkeypatch.setattr(Batching, "room", 2)
    monkeypatch.setattr(Batching, "error", OutOfMemoryError)
    own = recipe(tmp_path, 'steps = [{ use = "typographic" }]')
    assert all(one.faithful for one in render_batch(jobs(own, "abcd")) + render_batch(jobs(own, "efgh")))
    assert calls == ["a+b+c+d", "a+b", "c+d", "e+f", "g+h"]


def full() -> OSError:
    return OSError(errno.ENOSPC, "no space left")


def made_from(error: Exception) -> ConversionError:
    made = ConversionError("the picture cannot be read")
    made.__cause__ = error
    return made


@pytest.mark.parametrize("error", [full(), OSError(errno.EMFILE, "too many"), MemoryError(), made_from(full())])
@pytest.mark.parametrize("texts", ["a", "ab"])
def test_a_machine_that_has_run_out_of_something_fails_no_query(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: list[str], texts: str, error: Exception
) -> None:
    def breaks(self: Batching, *_: object) -> None:
        raise error

    monkeypatch.setattr(Batching, "convert", breaks)
    monkeypatch.setattr(Batching, "convert_batch", breaks)
    with pytest.raises((OSError, MemoryError)):
        render_batch(jobs(recipe(tmp_path, 'steps = [{ use = "typographic" }]'), texts))


def test_a_machine_that_cannot_make_a_converter_or_check_fails_no_query(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise full()

    own = recipe(tmp_path, 'steps = [{ use = "typographic" }]')
    for part in ("recognise", "_converter"):
        monkeypatch.setattr(rendering, part, breaks)
        with pytest.raises(OSError, match="no space"):
            render(RenderJob(QUERY, own, recogniser="rapidocr"))


def test_a_file_that_is_missing_is_a_failure_of_its_query(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: list[str]
) -> None:
    def breaks(self: Batching, work: Work) -> None:
        raise FileNotFoundError(errno.ENOENT, "no such file")

    monkeypatch.setattr(Batching, "convert", breaks)
    (failed,) = render_batch(jobs(recipe(tmp_path, 'steps = [{ use = "typographic" }]'), "a"))
    assert failed.failure is not None


def test_results_that_are_too_few_for_a_batch_are_nobodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: list[str]
) -> None:
    monkeypatch.setattr(Batching, "convert_batch", lambda self, works: [self.convert(works[0])])
    found = render_batch(jobs(recipe(tmp_path, 'steps = [{ use = "typographic" }]'), "ab"))
    assert [one.media for one in found] == [Typographic().convert(Work(Query("x", text), text)) for text in "ab"]


def test_only_what_is_not_faithful_is_tried_again(tmp_path: Path, calls: list[str]) -> None:
    own = recipe(tmp_path, 'steps = [{ use = "typographic" }]\ntries = 3')
    found = render_batch(jobs(own, "a漢b語"))
    assert calls == ["a+漢+b+語", "漢+語", "漢+語"]
    assert [one.tries for one in found] == [1, 3, 1, 3]


def test_what_a_step_says_no_to_does_not_reach_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Picky(Template):
        def convert(self, work: Work) -> Media:
            if work.text == "b":
                raise ConversionError("not this one")
            return super().convert(work)

    made: list[str] = []
    drawing, wording = Batching(made), Picky(Template.Options(text="{query}!"))
    monkeypatch.setattr(rendering, "_converter", lambda step: drawing if "typographic" in step else wording)
    own = recipe(tmp_path, 'steps = [{ use = "template", text = "{query}!" }, { use = "typographic" }]')
    found = render_batch(jobs(own, "abc"))
    assert made == ["a!+c!"]
    assert [one.failure.component if one.failure else one.said for one in found] == ["a!", "template", "c!"]


def test_a_converter_that_says_nothing_of_batches_takes_one_work_at_a_time() -> None:
    works = [Work(Query("x", text), text) for text in "a漢"]
    assert Typographic().batch == 1
    drawn, error = Typographic().convert_batch(works)
    assert drawn == Typographic().convert(works[0])
    assert isinstance(error, ConversionError)


def test_a_service_that_answers_nobody_stops_the_run_and_is_no_fault_of_the_query(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Locked(Typographic):
        def convert(self, work: Work) -> Media:
            raise TargetRefusesService("HTTP 401: wrong key")

    monkeypatch.setattr(rendering, "_converter", lambda step: Locked())
    with pytest.raises(TargetRefusesService, match="wrong key"):
        render(RenderJob(QUERY, recipe(tmp_path, 'steps = [{ use = "typographic" }]\ntries = 3')))


def test_drafts_of_all_tries_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Drafting(Typographic):
        def convert(self, work: Work) -> Media:
            work.notes.drafts.append(Draft(f"try {work.attempt}"))
            if work.attempt < 1:
                raise ConversionError("not yet")
            return super().convert(work)

    monkeypatch.setattr(rendering, "_converter", lambda step: Drafting())
    found = render(RenderJob(QUERY, recipe(tmp_path, 'steps = [{ use = "typographic" }]\ntries = 3')))
    assert [draft.prompt for draft in found.drafts] == ["try 0", "try 1"]


def test_a_measure_that_is_no_number_passes_no_gate() -> None:
    told = Fidelity("passed", {"wer": float("nan"), "cer": 0.1, "snr": float("inf")})
    assert all_numbers(told) == Fidelity("failed", {"cer": 0.1}, reason="snr, wer is no number")
    assert all_numbers(Fidelity("passed", {"cer": 0.1})) == Fidelity("passed", {"cer": 0.1})


SPOKEN = (Step(use="spoken-form"), Step(use="espeak"))


def spoken(query: Query, *steps: Step) -> Rendering:
    return render(RenderJob(query, Recipe(name="own", medium="audio", steps=steps or SPOKEN), check=False))


def test_a_text_in_another_language_than_the_voice_is_never_spoken() -> None:
    told = spoken(Query("q", "Wie backe ich Brot?", language="de", certainty=0.98))
    said = spoken(Query("q", "Bake bread.", language="de"))
    for one in (told, said):
        assert one.media is None
        assert one.failure is not None
        assert "'de'" in one.failure.message
        assert "--language en" in one.failure.message


def test_the_voice_says_its_language_where_no_step_before_it_does() -> None:
    assert spoken(Query("q", "Wie backe ich Brot?", language="de"), SPOKEN[1]).media is None
    assert spoken(Query("q", "Wie backe ich Brot?", language="de"), Step(use="espeak", voice="de+f5")).media


@pytest.mark.parametrize("language", ["en", "en-GB", None])
def test_a_text_in_the_language_of_the_voice_or_in_an_unknown_one_is_spoken(language: str | None) -> None:
    assert spoken(Query("q", "Wie backe ich Brot?", language=language)).media


def test_what_a_step_words_anew_is_in_the_language_that_its_words_tell() -> None:
    """The query's own language says nothing of it."""
    german = Step(use="template", text="Wie backe ich zu Hause ein gutes Brot?")
    english = Query("q", "How do I bake bread?", language="en")
    assert spoken(english, german, Step(use="espeak", voice="de+f5")).media
    assert spoken(english, german, *SPOKEN).media is None


def test_the_same_text_in_another_language_is_another_rendering() -> None:
    keys = {
        RenderJob(Query("q", "Die?", language=one), Recipe(name="own", medium="audio", steps=SPOKEN)).key
        for one in ("en", "de", None)
    }
    assert len(keys) == 3
