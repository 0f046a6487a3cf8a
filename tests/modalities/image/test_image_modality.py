import io
import re
import tomllib
from dataclasses import replace

import pytest
from PIL import Image, ImageDraw

from converters.text_to_image.typographic import Typographic
from modalities.image import ImageModality
from modalities.image.ocr import LINES
from safebench import registry
from safebench.errors import BadInput, ConversionError, MissingPackage, TargetRefusesService
from safebench.plugins import Asking, Checking, Work
from safebench.rendering import chain as rendering
from safebench.rendering.chain import RenderJob, render
from safebench.rendering.recipes import load_recipes
from safebench.resources import data_path, shipped_wording
from safebench.types import Media, Query, Text
from tests.converting import convert
from tests.media_files import picture_media

QUERY = Query("q1", "Which plants in a garden are dangerous for cats?")
GATE = {"cer": 0.1}


@pytest.fixture(scope="module")
def picture():
    return Typographic().convert(Work(QUERY, QUERY.text))


@pytest.fixture(scope="module")
def recognise():
    from modalities.image.ocr import RapidOcr

    recogniser = RapidOcr()
    return lambda name, media: recogniser.recognise(media)


def check(media, recognise, gate=GATE, query=QUERY):
    return ImageModality().check(Checking(query, media, gate, recognise, "rapidocr"))


def reads(text):
    return lambda name, media: text


# --- check


def test_a_faithful_picture_passes_with_its_error_rate(picture, recognise):
    checked = check(picture, recognise)
    assert (checked.status, checked.measures, checked.recogniser) == ("passed", {"cer": 0.0}, LINES)
    assert "plants" in checked.recognised


def test_text_cut_at_the_edge_fails(picture, recognise):
    whole = Image.open(io.BytesIO(picture.read()))
    cut = Image.new("L", whole.size, 255)
    cut.paste(whole.crop((0, 0, 330, 512)), (182, 0))  # the end of every line lies beyond the right edge
    checked = check(picture_media(cut), recognise)
    assert checked.status == "failed"
    assert checked.measures["cer"] > 0.1


@pytest.mark.parametrize("ink", [255, 254])
def test_white_on_white_fails(recognise, ink):
    image = Image.new("L", (512, 512), 255)
    ImageDraw.Draw(image).text((20, 200), QUERY.text, fill=ink)
    assert check(picture_media(image), recognise).status == "failed"


def test_a_blank_picture_fails_even_where_nothing_can_read():
    def missing(name, media):
        raise MissingPackage("recogniser 'rapidocr'", ["rapidocr"], "embedded")

    checked = check(picture_media(Image.new("RGB", (64, 64), "red")), missing)
    assert checked.status == "failed"
    assert "blank" in checked.reason


def test_the_error_rate_is_compared_with_the_gate():
    query = Query("q1", "abcdefghij")
    picture = picture_media(Image.effect_noise((64, 64), 50))
    at, above = (check(picture, reads(text), query=query) for text in ("abcdefghiX", "abcdefghXX"))
    assert (at.status, at.measures) == ("passed", {"cer": 0.1})
    assert (above.status, above.reason) == ("failed", "cer is 0.200, above the gate's 0.100")


def test_without_a_recogniser_it_is_unchecked(picture):
    checked = ImageModality().check(Checking(QUERY, picture, GATE, reads(QUERY.text)))
    assert (checked.status, checked.reason) == ("unchecked", "no recogniser read it")


def test_a_gate_without_a_limit_never_passes(picture):
    checked = check(picture, reads(QUERY.text), gate={})
    assert (checked.status, checked.measures) == ("unchecked", {"cer": 0.0})


def test_letters_that_the_recogniser_was_not_taught_leave_it_unchecked(picture):
    checked = check(picture, reads("Kak"), query=Query("q1", "Как дела?"))
    assert checked.status == "unchecked"
    assert "was not taught to read К" in checked.reason


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n broken", b"RIFF"])
def test_broken_bytes_fail_and_never_raise(data):
    checked = check(Media.of("image", "image/png", data), reads(""))
    assert checked.status == "failed"
    assert "cannot be decoded" in checked.reason


# --- plain lines first


def read_by(texts):
    """Judged where each spec reads its own text, and who was asked."""
    asked = []

    def read(spec, media):
        asked.append(spec)
        return texts[spec]

    return check(picture_media(Image.effect_noise((64, 64), 50)), read), asked


def test_plain_lines_that_have_every_character_are_enough():
    checked, asked = read_by({LINES: QUERY.text.upper()})
    assert (checked.status, checked.measures, checked.recogniser) == ("passed", {"cer": 0.0}, LINES)
    assert asked == [LINES]


@pytest.mark.parametrize("lines", ["", QUERY.text[1:], QUERY.text + " More of it."])
@pytest.mark.parametrize(("whole", "status"), [(QUERY.text, "passed"), ("", "failed"), (QUERY.text[:20], "failed")])
def test_plain_lines_that_differ_count_for_nothing(lines, whole, status):
    checked, asked = read_by({LINES: lines, "rapidocr": whole})
    assert (checked.status, checked.recogniser, checked.recognised) == (status, "rapidocr", whole)
    assert asked == [LINES, "rapidocr"]


# --- the recogniser that the user chose


def chosen(media, recognise, query=QUERY):
    return ImageModality().check(Checking(query, media, GATE, recognise, "third:party"))


def test_the_chosen_recogniser_reads_in_place_of_ours(picture):
    asked = []

    def read(spec, media):
        asked.append(spec)
        return "nothing of it"

    checked = chosen(picture, read)
    assert (checked.status, checked.recogniser, checked.recognised) == ("failed", "third:party", "nothing of it")
    assert asked == ["third:party"]


def test_what_ours_cannot_read_another_may(picture):
    query = Query("q1", "Как дела?")
    assert chosen(picture, reads(query.text), query).status == "passed"
    assert chosen(picture, reads("Kak"), query).status == "failed"
    assert ImageModality().check(Checking(query, picture, GATE, reads("Kak"), "rapidocr")).status == "unchecked"


@pytest.mark.parametrize(
    "trouble",
    [
        BadInput("model 'reader' cannot be loaded"),
        MissingPackage("recogniser 'third'", ["torch"], "local"),
        TargetRefusesService("HTTP 401: wrong key"),
    ],
)
def test_a_chosen_recogniser_that_can_read_nothing_at_all_stops_the_work(picture, trouble, monkeypatch):
    def troubled(spec, media):
        raise trouble

    with pytest.raises(type(trouble), match=re.escape(str(trouble))):
        chosen(picture, troubled)
    monkeypatch.setattr(rendering, "recognise", troubled)
    with pytest.raises(type(trouble), match=re.escape(str(trouble))):
        render(RenderJob(QUERY, load_recipes()["image", "typographic"], recogniser="third:party"))


def test_a_fault_that_passes_leaves_one_picture_unchecked(picture):
    def troubled(spec, media):
        raise ConversionError("reader at http://127.0.0.1 could not be asked: timed out")

    checked = chosen(picture, troubled)
    assert (checked.status, checked.recogniser) == ("unchecked", None)
    assert "timed out" in checked.reason


THIRD_PARTY = """
from safebench.errors import BadInput
from safebench.plugins import PluginOptions, Recogniser

class Scribe(Recogniser):
    name, summary, medium = "scribe", "reads what it is told to", "image"

    class Options(PluginOptions):
        argument: str

    def check(self):
        if self.options.argument == "broken":
            raise BadInput("the scribe has no ink")

    def recognise(self, media):
        return self.options.argument
"""


@pytest.fixture
def third_party(tmp_path, monkeypatch):
    """An installed package with the recogniser `scribe`; worker processes find it as well."""
    info = tmp_path / "scribes" / "scribes-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: scribes\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[safebench.recognisers]\nscribe = scribes:Scribe\n", encoding="utf-8")
    (info.parent / "scribes.py").write_text(THIRD_PARTY, encoding="utf-8")
    monkeypatch.syspath_prepend(str(info.parent))
    caches = (registry._entry_points, registry.load)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.usefixtures("third_party")
def test_a_third_partys_recogniser_reads_pictures_the_whole_way(tmp_path, write_jsonl):
    data = str(write_jsonl([{"id": "a", "query": QUERY.text}, {"id": "b", "query": "Why is the sky blue?"}]))
    conversion = convert(data, ["image"], tmp_path / "out", workers=1, recognisers=[f"scribe:{QUERY.text}"])
    cell = conversion.cells["image:typographic"]
    assert (cell["passed"], cell["failed"], cell["unchecked"]) == (1, 1, 0)


@pytest.mark.usefixtures("third_party")
def test_a_third_partys_recogniser_that_cannot_work_is_found_before_anything_is_written(tmp_path, write_jsonl):
    data = str(write_jsonl([{"id": "a", "query": QUERY.text}]))
    with pytest.raises(BadInput, match="no ink"):
        convert(data, ["image"], tmp_path / "out", workers=1, recognisers=["scribe:broken"])
    assert not (tmp_path / "out").exists()


# --- generated pictures carry no text: what converters noted is judged


def unread(name, media):
    raise AssertionError("a picture without text was read back")


def scored(gate, recognise=unread, **measures):
    picture = picture_media(Image.effect_noise((64, 64), 50))
    return ImageModality().check(Checking(QUERY, picture, gate, recognise, "rapidocr", measures=measures))


@pytest.mark.parametrize(("limit", "measure"), [("min_critic_score", "critic_score"), ("min_clip", "clip")])
def test_a_score_is_compared_with_the_gate_and_nothing_is_read(limit, measure):
    at, below = (scored({limit: 0.5}, **{measure: score}) for score in (0.5, 0.49))
    assert at.status == "passed"
    assert (below.status, below.reason) == ("failed", f"{measure} is 0.490, below the gate's 0.500")


def test_a_limit_on_what_nobody_measured_is_never_passed():
    checked = scored({"min_clip": 0.2}, critic_score=1.0)
    assert checked.status == "failed"
    assert "no step of the recipe measures clip" in checked.reason


def test_a_score_that_is_no_number_fails():
    assert scored({"min_clip": 0.2}, clip=float("nan")).status == "failed"


def test_a_scored_picture_without_a_limit_is_unchecked_and_not_read():
    checked = scored({}, critic_score=1.0)
    assert (checked.status, checked.measures) == ("unchecked", {})


def test_a_gate_may_limit_reading_and_scores_and_tells_all_that_is_wrong():
    gate = {"cer": 0.1, "min_critic_score": 0.5}
    assert scored(gate, reads(QUERY.text), critic_score=0.5).status == "passed"
    checked = scored(gate, reads(""), critic_score=0.1)
    assert checked.reason == "cer is 1.000, above the gate's 0.100; critic_score is 0.100, below the gate's 0.500"
    assert checked.measures == {"cer": 1.0}


def test_a_good_score_does_not_stand_for_a_reading_that_was_not_made():
    def timed_out(name, media):
        raise ConversionError("the reader could not be asked: timed out")

    assert scored({"cer": 0.1, "min_critic_score": 0.5}, timed_out, critic_score=1.0).status == "unchecked"


def test_a_blank_picture_fails_whatever_its_score():
    blank = Checking(QUERY, picture_media(Image.new("RGB", (8, 8))), {"min_clip": 0.1}, unread, measures={"clip": 1.0})
    assert "blank" in ImageModality().check(blank).reason


# --- compose


def test_alone_the_picture_comes_with_a_carrier_that_says_nothing_of_the_query(picture):
    text, media = ImageModality().compose(Asking(QUERY, picture, with_text=False))
    assert (text, media) == (Text(shipped_wording("image")), picture)


def test_with_text_the_query_is_written_beside_the_picture(picture):
    assert ImageModality().compose(Asking(QUERY, picture, with_text=True)) == (Text(QUERY.text), picture)


def test_a_recipe_may_name_its_own_carrier(picture):
    text, _ = ImageModality().compose(Asking(QUERY, picture, with_text=False, wording=shipped_wording("audio")))
    assert text == Text(shipped_wording("audio"))


def test_there_is_no_message_without_a_picture():
    with pytest.raises(ValueError, match="'q1' has no image"):
        ImageModality().compose(Asking(QUERY, None, with_text=False))


# --- shipped recipes


def test_the_shipped_recipes_have_options_and_gates_that_are_known(picture):
    recipes = tomllib.loads(data_path("recipes.toml").read_text())["image"]
    assert ImageModality.default_recipe in recipes
    step = dict(recipes["typographic"]["steps"][0])
    assert step.pop("use") == Typographic.name
    Typographic.Options(**step)
    assert check(picture, reads(QUERY.text), gate=recipes["typographic"]["gate"]).status == "passed"


def test_a_picture_of_which_nothing_was_read_fails_whatever_the_gate_says(picture):
    for gate in ({}, {"cer": 5.0}):
        checked = check(picture, lambda name, media: "", gate)
        assert (checked.status, checked.measures) == ("failed", {"cer": 1.0})
        assert "nothing of the text was read" in checked.reason


def test_a_picture_that_shows_what_the_query_is_about_is_not_read_unless_the_gate_says_so(picture):
    def never_read(name, media):
        raise AssertionError("it holds no text")

    shown = Checking(QUERY, picture, {}, never_read, "rapidocr", depicts=True)
    assert ImageModality().check(shown).status == "unchecked"
    assert ImageModality().check(replace(shown, gate={"cer": 0.1}, recognise=lambda *_: "")).status == "failed"
