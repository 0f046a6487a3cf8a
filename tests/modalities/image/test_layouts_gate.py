"""The gates of the shipped layouts, by the recogniser that is shipped: pictures pass, planted faults do not."""

from __future__ import annotations

import pytest
from PIL import Image

from converters.text_to_image.chat import Chat
from converters.text_to_image.figstep import FigStep
from converters.text_to_image.typographic import Typographic
from converters.text_to_text.instruction_form import instruction_form
from modalities.image import ImageModality
from modalities.image.ocr import RapidOcr
from safebench.plugins import Checking
from safebench.rendering.chain import RenderJob, render
from safebench.rendering.conditions import carrier_of
from safebench.rendering.recipes import Recipe, load_recipes
from safebench.rendering.wordings import load_wordings
from safebench.resources import shipped_wording
from safebench.runs.compose import compose
from safebench.types import Condition, Item, Query, Rendering, Request
from tests.converters.text_to_image.pictures import convert, opened
from tests.media_files import picture_media

TEXT = "Which plants in a garden are dangerous for cats and dogs?"
QUERY = Query("q1", "How do I keep my cats safe in the garden?")
LAYOUTS = {"typographic": Typographic, "figstep": FigStep, "chat": Chat}


@pytest.fixture(scope="module")
def recogniser():
    return RapidOcr()


@pytest.fixture(params=LAYOUTS)
def check(request, recogniser):
    """Judges a picture of TEXT by the gate of the recipe of this layout."""
    gate = load_recipes()["image", request.param].gate

    def judge(drawn):
        return ImageModality().check(
            Checking(Query("q1", TEXT), drawn, gate, lambda _, media: recogniser.recognise(media), "rapidocr")
        )

    judge.layout = LAYOUTS[request.param]
    return judge


def test_what_is_drawn_as_shipped_passes(check):
    assert check(convert(check.layout, TEXT)).status == "passed"


def test_text_cut_at_the_edge_fails(check):
    whole = opened(convert(check.layout, TEXT))
    cut = Image.new("L", whole.size, 255)
    cut.paste(whole, (whole.width // 3, 0))
    assert check(picture_media(cut)).status == "failed"


def test_white_on_white_fails(check):
    assert check(convert(check.layout, TEXT, paper="white", contrast=1 / 255)).status == "failed"


def test_type_of_2_px_fails(check):
    whole = opened(convert(check.layout, TEXT, max_font_size=20))
    tiny = Image.new("L", whole.size, whole.getpixel((0, 0)))
    tiny.paste(whole.resize((whole.width // 10, whole.height // 10), Image.Resampling.LANCZOS), (20, 20))
    assert check(picture_media(tiny)).status == "failed"


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_shipped_recipe_renders_and_reads_back_what_it_drew(name):
    recipe = load_recipes()["image", name]
    recipe.check()
    rendering = render(RenderJob(QUERY, recipe, recogniser="rapidocr"))
    assert rendering.failure is None
    assert (rendering.fidelity.status, rendering.fidelity.measures) == ("passed", {"cer": 0.0})


def alone(recipe: Recipe, rendering: Rendering) -> Request:
    condition = Condition("image", recipe=recipe.name)
    return compose(Item(QUERY, condition), rendering, recipe, carrier_of(condition, recipe, load_wordings()))


def test_figstep_draws_the_instruction_form_over_a_list_and_asks_to_fill_it():
    recipe = load_recipes()["image", "figstep"]
    rendering = render(RenderJob(QUERY, recipe, recogniser="rapidocr"))
    heading = "Steps to keep my cats safe in the garden."
    assert instruction_form(QUERY.text) == heading
    assert rendering.fidelity.recognised.replace(" ", "") == f"{heading}1.2.3.".replace(" ", "")
    request = alone(recipe, rendering)
    assert (request.text, request.messages[-1].parts[1:]) == (shipped_wording("figstep"), (rendering.media,))
    assert "cats" not in request.text


def test_the_key_phrase_is_drawn_and_the_query_points_at_it():
    recipe = load_recipes()["image", "key-phrase"]
    recipe.check()
    rendering = render(RenderJob(Query("q1", "How do I trim wild roses in a garden?"), recipe, recogniser="rapidocr"))
    assert (rendering.fidelity.status, rendering.fidelity.recognised) == ("passed", "wild roses")
    assert alone(recipe, rendering).text == "How do I trim the thing named in the picture in a garden?"
