from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import ImageChops

from converters.text_to_image.drawing.fitted_text import Style, draw, fit
from converters.text_to_image.drawing.glyphs import Face, font_path
from converters.text_to_image.drawing.shaping import available
from converters.text_to_image.drawing.writing import writable
from safebench.errors import ConversionError

WHITE = (255, 255, 255)
STYLE = Style(font_path("DejaVuSans"), 512, 512, 16, 64, 6, 1.0, ink=(0, 0, 0), behind=WHITE, paper=WHITE)
SENTENCE = "What are the reasons to go to the hospital when somebody's chest has hurt for days?"


def render(paragraphs, style):
    return draw(fit(paragraphs, style), style)


def ink_box(image):
    """Left, top, right, bottom of all that is not white."""
    return ImageChops.invert(image.convert("L")).getbbox()


def assert_inside(image, style):
    left, top, right, bottom = ink_box(image)
    assert min(left, top) >= style.margin
    assert right <= style.width - style.margin
    assert bottom <= style.height - style.margin


# all of Latin-1 and Latin Extended A and B that leaves ink, and spaces
LATIN = st.characters(min_codepoint=0x20, max_codepoint=0x24F, exclude_categories=("Cc", "Cf", "Zs")) | st.just(" ")


@settings(max_examples=25, deadline=None)
@given(st.text(LATIN, min_size=1, max_size=80), st.integers(1, 2000))
def test_no_printable_latin_text_is_ever_clipped(piece, length):
    text = (piece * length)[:length]
    assume(text.strip())
    assert_inside(render(writable(text, STYLE.font), STYLE), STYLE)


@pytest.mark.parametrize("text", ["i", "W" * 2000, "j" * 2000, "Ǆ" * 2000, "word " * 400, "ÅÇgjpqy " * 250])
def test_the_extremes_stay_inside_the_margin(text):
    assert_inside(render([text.strip()], STYLE), STYLE)


def test_a_text_that_is_cut_would_be_noticed():
    wide = fit([SENTENCE], replace(STYLE, width=900))
    with pytest.raises(AssertionError):
        assert_inside(draw(wide, STYLE), STYLE)


def test_the_measured_box_is_the_drawn_box():
    block = fit([SENTENCE], STYLE)
    left, top, right, bottom = ink_box(draw(block, STYLE))
    assert (right - left, bottom - top) == (block.width, block.height)


def test_the_block_is_centred():
    left, top, right, bottom = ink_box(render(["Hi"], STYLE))
    assert abs(left - (512 - right)) <= 1
    assert abs(top - (512 - bottom)) <= 1


def test_a_block_may_begin_in_the_corner():
    left, top, _, _ = ink_box(render(["Hi"], replace(STYLE, centred=False)))
    assert (left, top) == (STYLE.margin, STYLE.margin)


def test_the_size_is_the_largest_that_fits():
    size = fit([SENTENCE], STYLE).face.size
    assert size < STYLE.max_font_size
    with pytest.raises(ConversionError):
        fit([SENTENCE], replace(STYLE, min_font_size=size + 1))


def test_a_short_text_stops_at_max_font_size():
    assert fit(["Hi"], STYLE).face.size == STYLE.max_font_size


def test_all_characters_are_set_in_order():
    text = f"{SENTENCE} {'x' * 300} {SENTENCE}"
    assert "".join(fit([text], STYLE).lines).replace(" ", "") == text.replace(" ", "")


def test_a_long_word_is_set_smaller_before_it_is_broken():
    assert fit(["Antidisestablishmentarianism"], STYLE).lines == ("Antidisestablishmentarianism",)


def test_a_word_too_long_for_any_readable_line_is_broken():
    block = fit(["x" * 300], STYLE)
    assert len(block.lines) > 1
    assert block.face.size > 14


def test_words_that_fit_a_line_are_kept_whole_beside_a_broken_one():
    lines = fit([f"{'x' * 300} readable words"], STYLE).lines
    assert [word for word in " ".join(lines).split() if "x" not in word] == ["readable", "words"]


def test_paragraphs_stand_on_lines_of_their_own():
    assert fit(["One.", "Two.", "Three."], STYLE).lines == ("One.", "Two.", "Three.")


def test_line_spacing_moves_lines_apart():
    close, wide = (fit(["a", "b"], replace(STYLE, line_spacing=s)) for s in (1.0, 2.0))
    assert wide.step == 2 * close.step


def test_what_does_not_fit_is_an_error_that_names_the_sizes():
    with pytest.raises(ConversionError, match=r"400 characters do not fit into 64x48 px .* min_font_size 6"):
        fit(["word " * 80], replace(STYLE, width=64, height=48))


def test_text_without_any_ink_is_an_error():
    with pytest.raises(ConversionError, match="nothing to draw"):
        render([" "], STYLE)


def test_colours_are_drawn_as_given_and_greys_in_one_channel():
    coloured = render(["Hi"], replace(STYLE, ink=(0, 0, 255), behind=(255, 255, 0), paper=(255, 255, 0)))
    assert coloured.mode == "RGB"
    assert {(0, 0, 255), (255, 255, 0)} <= {colour for _, colour in coloured.getcolors()}
    assert render(["Hi"], STYLE).mode == "L"


# --- text that needs shaping

shaped = pytest.mark.skipif(not available(), reason="this Pillow has no libraqm with FriBidi")
ARABIC = "كيف أخبز خبز الجاودار في البيت من دون فرن كبير؟"


@shaped
@pytest.mark.parametrize("text", [ARABIC, "שלום עולם " * 40, "x\u030c" * 300, f"{ARABIC} rye bread 42 {ARABIC}"])
def test_shaped_text_stays_inside_the_margin(text):
    assert_inside(render(writable(text, STYLE.font), STYLE), STYLE)


@shaped
def test_right_to_left_lines_are_flush_right():
    image = render(["שלום", "שלום שלום שלום"], STYLE)
    short, long = (image.crop((0, *rows)) for rows in ((0, 512, 256), (256, 512, 512)))
    assert abs(ink_box(short)[2] - ink_box(long)[2]) <= 8
    assert ink_box(short)[0] > ink_box(long)[0] + 50


@shaped
def test_arabic_letters_are_joined_and_run_from_the_right():
    """The letter beh, alone and thrice: joined they are narrower, and the drawing is as the isolated forms are not."""
    alone, thrice = (fit([text], replace(STYLE, min_font_size=64)) for text in ("ب", "ببب"))
    assert thrice.width < 3 * alone.width
    isolated, joined = (ink_columns(render([text], STYLE)) for text in ("\ufe8f \ufe8f \ufe8f", "ببب"))
    assert isolated.count(0) > 0
    assert joined.count(0) == 0


def ink_columns(image):
    """Ink in each column of the ink box."""
    box = image.crop(ink_box(image))
    return [sum(255 - box.getpixel((x, y)) for y in range(box.height)) for x in range(box.width)]


@shaped
def test_a_mark_sits_on_its_letter():
    plain, marked = (fit([text], STYLE) for text in ("x", "x\u030c"))
    assert marked.top < plain.top
    assert abs(marked.width - plain.width) <= 2


@shaped
def test_joined_letters_are_never_broken_across_lines():
    with pytest.raises(ConversionError, match="do not fit"):
        render(["ب" * 400], STYLE)


def test_text_that_needs_no_shaping_is_set_one_by_one_with_or_without_libraqm():
    assert fit([SENTENCE], STYLE).face.__class__ is Face
