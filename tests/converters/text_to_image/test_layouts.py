"""What holds for every layout."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from converters.text_to_image.banner import Banner
from converters.text_to_image.chat import Chat
from converters.text_to_image.drawing.glyphs import font_path, lacks
from converters.text_to_image.drawing.layout import Layout
from converters.text_to_image.drawing.shaping import is_needed
from converters.text_to_image.figstep import FigStep
from converters.text_to_image.typographic import Typographic
from safebench.errors import BadInput, ConversionError
from safebench.plugins import Work
from safebench.types import Media, Query
from tests.converters.text_to_image.pictures import LAYOUTS, convert, opened, picture
from tests.media_files import picture_media

GOLDEN = Path(__file__).parents[2] / "golden" / "layouts"
TEXT = "Which plants in a garden are dangerous for cats and dogs, and what helps?"
_FAINT = {"contrast": 0.4, "rotation": 12.0, "paper": "ivory", "ink": "navy", "width": 256, "height": 160}
GOLDENS: dict[str, tuple[type[Layout], str, dict[str, object]]] = {
    "plain": (Typographic, TEXT, {}),
    "plain-faint-turned": (Typographic, TEXT, _FAINT),
    "figstep": (FigStep, "Steps to make a garden safe for cats and dogs.\n1.\n2.\n3.", {}),
    "chat": (Chat, TEXT, {}),
    "banner": (Banner, "dangerous garden plants", {}),
}


@cache
def alphabet(font: str) -> str:
    """Latin, Greek and Cyrillic characters that the font has and that leave ink, and the space."""
    characters = (chr(code) for code in range(0x21, 0x530) if unicodedata.category(chr(code))[0] in "LNPS")
    path = font_path(font)
    return " " + "".join(c for c in characters if not is_needed(c) and not lacks(path, c))


def ink_box(media: Media) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of all that is not white; of a banner, in its strip."""
    return ImageChops.invert(opened(media).convert("L")).getbbox()


def white(layout: type[Layout]) -> dict[str, object]:
    """Options under which nothing but ink is not white."""
    return {"paper": "white"} if layout is Chat else {}


@pytest.mark.parametrize("layout", [Typographic, FigStep, Chat])
@settings(max_examples=15)
@given(data=st.data())
def test_no_text_of_2000_printable_characters_is_ever_clipped(layout: type[Layout], data: st.DataObject) -> None:
    options = layout.Options()
    piece = data.draw(st.text(alphabet(options.font), min_size=1, max_size=60).filter(str.strip))
    length, rotation = data.draw(st.integers(1, 2000)), data.draw(st.sampled_from([0.0, 0.0, 17.0, -90.0]))
    text = (piece.lstrip() * length)[:length]
    drawn = convert(layout, text, rotation=rotation, **white(layout))
    left, top, right, bottom = ink_box(drawn)
    width, height = opened(drawn).size
    assert min(left, top, width - right, height - bottom) >= options.inset
    assert convert(layout, text, rotation=rotation, **white(layout)) == drawn


@settings(max_examples=15)
@given(data=st.data())
def test_a_banner_is_never_clipped_and_says_so_where_the_text_is_too_long(data: st.DataObject) -> None:
    piece = data.draw(st.text(alphabet("DejaVuSans"), min_size=1, max_size=60).filter(str.strip))
    text = (piece.lstrip() * 2000)[: data.draw(st.integers(1, 2000))]
    try:
        drawn = convert(Banner, text)
    except ConversionError as error:
        assert "do not fit" in str(error)  # noqa: PT017
        assert len(text) > 300
        return
    strip = opened(drawn).crop((0, 320, 512, 416))
    left, top, right, bottom = ImageChops.invert(strip.convert("L")).getbbox()
    assert min(left, top, 512 - right, 96 - bottom) >= 12
    assert convert(Banner, text) == drawn


@pytest.mark.parametrize("layout", LAYOUTS)
def test_same_text_same_bytes_and_another_text_others(layout: type[Layout]) -> None:
    assert convert(layout, TEXT) == convert(layout, TEXT) != convert(layout, TEXT + "!")


@pytest.mark.parametrize("name", GOLDENS)
def test_each_layout_looks_as_it_did_when_somebody_looked_at_it(name: str, tmp_path: Path) -> None:
    layout, text, options = GOLDENS[name]
    drawn = opened(convert(layout, text, **options)).convert("RGB")
    drawn.save(tmp_path / f"{name}.png")
    golden = Image.open(GOLDEN / f"{name}.png").convert("RGB")
    assert drawn.size == golden.size
    difference = ImageStat.Stat(ImageChops.difference(drawn, golden))
    advice = f"look at {tmp_path / name}.png and, where it is right, keep it in {GOLDEN}"
    assert max(difference.mean) < 1.0, advice  # of 255: other versions of FreeType smooth edges a little otherwise


def test_the_golden_pictures_would_show_a_word_left_out() -> None:
    layout, text, options = GOLDENS["plain"]
    drawn = opened(convert(layout, text.replace("and dogs", ""), **options)).convert("RGB")
    golden = Image.open(GOLDEN / "plain.png").convert("RGB")
    assert max(ImageStat.Stat(ImageChops.difference(drawn, golden)).mean) > 1.0


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("a\x00b", "U+0000"),
        ("a\x01b", "U+0001"),
        ("x" * 2001, "2001"),
        ("漢", "U+6F22"),
    ],
)
def test_what_cannot_be_drawn_names_the_query_and_the_character(layout: type[Layout], text: str, message: str) -> None:
    with pytest.raises(ConversionError, match="query 'q7'") as caught:
        convert(layout, text)
    assert message in str(caught.value)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_that_is_no_font_is_named(layout: type[Layout], tmp_path: Path) -> None:
    (tmp_path / "fake.ttf").write_bytes(b"\0\1\0\0" + b"nothing" * 40)
    with pytest.raises(BadInput, match=r"fake\.ttf.*is not a font"):
        layout(layout.Options(font=str(tmp_path / "fake.ttf")))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_cyrillic_and_greek_are_in_the_package(layout: type[Layout]) -> None:
    assert len({convert(layout, text).sha256 for text in ("Привет, мир", "Καλημέρα", "Hello")}) == 3


@pytest.mark.parametrize("layout", LAYOUTS)
def test_size_colour_contrast_and_rotation_are_options_of_each(layout: type[Layout]) -> None:
    changed = (
        {"max_font_size": 20},
        {"ink": "red"},
        {"paper": "ivory"},
        {"contrast": 0.5},
        {"rotation": 5.0},
        {"width": 400},
    )
    assert len({convert(layout, "Hi", **options).sha256 for options in ({}, *changed)}) == 1 + len(changed)


# --- figstep


def test_figstep_begins_in_the_corner_in_type_of_80_px_where_it_fits() -> None:
    box = ink_box(convert(FigStep, "Steps\n1."))
    assert box[:2] == (10, 10)
    assert opened(convert(FigStep, "Steps\n1.")).size == (760, 760)
    assert box[3] - box[1] == pytest.approx(80 * (0.73 + 1.164), abs=4)  # cap height and line height of DejaVu, in em


def test_figstep_keeps_the_lines_of_its_text() -> None:
    one, three = (ink_box(convert(FigStep, text)) for text in ("1. 2. 3.", "1.\n2.\n3."))
    assert one[3] - one[1] < 80 < three[3] - three[1]


def test_a_long_heading_is_set_smaller_and_not_cut() -> None:
    heading = "Steps to " + "care for a large garden " * 12 + "\n1.\n2.\n3."
    assert max(ink_box(convert(FigStep, heading))[2:]) <= 750


# --- chat


def test_the_bubble_is_as_large_as_its_text_with_round_corners() -> None:
    small, large = (opened(convert(Chat, text)) for text in ("Hi", TEXT))
    boxes = [image.point(lambda value: 255 * (value != 229)).getbbox() for image in (small, large)]
    assert boxes[0][2] < boxes[1][2]
    assert boxes[0][0] == boxes[1][0] == 24
    left, top, right, bottom = boxes[1]
    corners = [(x, y) for x in (left, right - 1) for y in (top, bottom - 1)]
    assert [large.getpixel(corner) for corner in corners] == [229] * 4
    assert [large.getpixel(((left + right) // 2, y)) for y in (top, bottom - 1)] == [255] * 2


def test_ink_in_the_colour_of_the_bubble_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing could be read"):
        Chat.Options(bubble="black")
    assert Chat.Options(paper="black")


# --- banner


def test_the_picture_is_above_and_the_text_on_a_strip_below() -> None:
    drawn = opened(convert(Banner, "garden plants", picture(256, 128)))
    assert (drawn.mode, drawn.size) == ("RGB", (512, 256 + 96))
    scaled = opened(picture(256, 128)).resize((512, 256), Image.Resampling.LANCZOS)
    assert ImageChops.difference(drawn.crop((0, 0, 512, 256)), scaled).getbbox() is None
    strip = drawn.crop((0, 256, 512, 352)).convert("L")
    assert strip.getextrema() == (0, 255)
    assert strip.getpixel((0, 0)) == 255


def test_transparent_parts_of_the_picture_are_white() -> None:
    clear = picture_media(Image.new("RGBA", (100, 50), (0, 0, 0, 0)))
    assert opened(convert(Banner, "plants", clear)).getpixel((256, 10)) == (255, 255, 255)


def test_without_a_picture_the_error_says_what_is_missing() -> None:
    with pytest.raises(ConversionError, match=r"query 'q7': banner: .*put a step that makes one before"):
        Banner().convert(Work(Query("q7", TEXT), TEXT))


@pytest.mark.parametrize("data", [b"", b"no picture", picture().read()[:200]])
def test_a_broken_picture_is_an_error_that_names_the_query(data: bytes) -> None:
    with pytest.raises(ConversionError, match="query 'q7': banner: the image cannot be decoded"):
        convert(Banner, TEXT, Media.of("image", "image/png", data))


def test_a_picture_that_would_become_endless_is_refused() -> None:
    with pytest.raises(ConversionError, match="20x5000 px would be 128000 px high"):
        convert(Banner, TEXT, picture(20, 5000))


@pytest.mark.parametrize("layout", [Typographic, FigStep, Chat, Banner])
def test_another_try_sets_the_text_a_tenth_smaller_and_never_below_the_smallest_size(layout: type[Layout]) -> None:
    drawn = layout(layout.Options(min_font_size=8))
    first, second, last = (drawn._set([TEXT], attempt).face.size for attempt in (0, 1, 50))
    assert (second, last) == (round(0.9 * first), 8)


@pytest.mark.parametrize("layout", [Typographic, FigStep, Chat])
def test_another_try_is_another_picture(layout: type[Layout]) -> None:
    first, second = (layout().convert(Work(Query("q", TEXT), TEXT, attempt=attempt)) for attempt in (0, 1))
    assert first != second
