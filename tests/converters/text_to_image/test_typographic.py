import hashlib
import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from pydantic import ValidationError

from converters.text_to_image.typographic import Typographic
from safebench.errors import BadInput, ConversionError
from safebench.plugins import Work
from safebench.resources import data_path
from safebench.types import Query

ROOT = Path(__file__).parents[3]
TEXT = "Which plants in a garden are dangerous for cats and dogs, and what helps?"


def convert(text, **options):
    return Typographic(Typographic.Options(**options)).convert(Work(Query("q7", text), text))


def open_image(media):
    return Image.open(io.BytesIO(media.read()))


def test_gives_a_grey_png_of_the_wanted_size():
    media = convert(TEXT, width=300, height=200)
    image = open_image(media)
    assert (media.medium, media.mime) == ("image", "image/png")
    assert (image.format, image.mode, image.size) == ("PNG", "L", (300, 200))


def test_draws_the_text_to_render_not_the_querys_own():
    converter = Typographic()
    query = Query("q7", "one text")
    assert converter.convert(Work(query, TEXT)).sha256 == convert(TEXT).sha256


def test_same_text_same_bytes():
    assert len({convert(TEXT).sha256 for _ in range(20)}) == 1


def test_same_bytes_in_another_process():
    code = (
        "from converters.text_to_image.typographic import Typographic as T; from safebench.plugins import Work;"
        f"from safebench.types import Query; print(T().convert(Work(Query('x', ''), {TEXT!r})).sha256)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == convert(TEXT).sha256


def test_another_text_gives_other_bytes():
    assert convert(TEXT).sha256 != convert(TEXT + "!").sha256


def test_line_breaks_and_tabs_are_white_space():
    assert convert(TEXT.replace(" ", "\n")).sha256 == convert(TEXT.replace(" ", "\t")).sha256 == convert(TEXT).sha256


def test_colours_by_name_and_by_number():
    image = open_image(convert("Hi", ink="navy", paper="#ffffe0"))
    assert image.mode == "RGB"
    assert image.getpixel((0, 0)) == (255, 255, 224)
    assert (0, 0, 128) in {colour for _, colour in image.getcolors()}


def test_light_on_dark():
    assert open_image(convert("Hi", ink="white", paper="black")).getpixel((0, 0)) == 0


@pytest.mark.parametrize(("contrast", "darkest"), [(1.0, 0), (0.5, 128), (0.1, 230)])
def test_contrast_is_the_way_from_paper_to_ink(contrast, darkest):
    assert open_image(convert("Hi", contrast=contrast)).getextrema() == (darkest, 255)


@pytest.mark.parametrize("rotation", [7.0, -30.0, 90.0, 180.0])
def test_a_rotated_picture_grows_and_loses_nothing(rotation):
    plain, turned = (open_image(convert(TEXT, width=300, height=100, rotation=angle)) for angle in (0.0, rotation))
    left, top, right, bottom = ImageChops.invert(turned).getbbox()
    assert min(left, top, turned.width - right, turned.height - bottom) >= 16
    assert ink(turned) == pytest.approx(ink(plain), rel=0.04)  # the smooth edges of turned letters differ a little


def ink(image):
    return sum((255 - value) * count for value, count in enumerate(image.histogram()))


def test_rotation_is_counter_clockwise():
    turned = open_image(convert("lll_______", rotation=90.0, width=300, height=100))
    assert turned.size == (100, 300)
    upper, lower = (turned.crop((0, top, 100, top + 150)) for top in (0, 150))
    assert ink(lower) > ink(upper)  # the line begins at the lower end


def test_the_corners_of_a_rotated_picture_are_paper():
    assert open_image(convert("Hi", rotation=45.0, ink="white", paper="navy")).getpixel((0, 0)) == (0, 0, 128)


def test_a_shipped_font_by_its_name():
    assert convert(TEXT, font="DejaVuSansMono-Bold").sha256 != convert(TEXT).sha256


def test_a_font_of_ones_own(tmp_path):
    own = tmp_path / "own.ttf"
    shutil.copy(data_path("fonts/DejaVuSans.ttf"), own)
    assert hashlib.sha256(convert(TEXT, font=str(own)).read()).hexdigest() == convert(TEXT).sha256


def test_a_missing_font_file_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"nowhere\.ttf.*no such file.*DejaVuSansMono-Bold"):
        convert("Hi", font=str(tmp_path / "nowhere.ttf"))


def test_a_file_that_is_no_font_is_named(tmp_path):
    (tmp_path / "fake.ttf").write_text("not a font")
    with pytest.raises(BadInput, match=r"fake\.ttf.*not a font"):
        convert("Hi", font=str(tmp_path / "fake.ttf"))


@pytest.mark.parametrize("text", ["", "中文", "a\x00b", "x" * 2001])
def test_what_cannot_be_drawn_names_the_query(text):
    with pytest.raises(ConversionError, match="query 'q7'"):
        convert(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ink": "white"}, "nothing could be read"),
        ({"contrast": 0.001}, "contrast 0.001 is invisible"),
        ({"contrast": 1.5}, "contrast"),
        ({"rotation": 270}, "rotation"),
        ({"ink": "#12345"}, "ink"),
        ({"paper": "#ffffff00"}, "not opaque"),
        ({"margin": 260}, "margin 260 leaves no room"),
        ({"min_font_size": 80}, "min_font_size 80 is above max_font_size 64"),
        ({"widht": 100}, "widht"),
    ],
)
def test_options_that_contradict_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        Typographic.Options(**options)


def test_the_version_names_what_can_change_the_bytes():
    assert "pillow" in Typographic.version
    assert "zlib" in Typographic.version
