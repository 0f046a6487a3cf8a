"""No picture that has lost its text passes, whoever reads it back: the faults are those of the benchmark."""

from __future__ import annotations

import pytest
from PIL import Image

from benchmarks.bad_pictures import FAULTS, Drawn, found_by_lines, judged
from modalities.image.ocr import LINES
from safebench.rendering.chain import recognise
from tests.media_files import picture_media

TEXT = "Which plants in a garden are dangerous for cats and dogs, and what helps?"
OTHER = "How do I wash fresh fish before it is put into the oven?"
LAYOUTS = ("typographic", "figstep", "chat")


def drawn(layout):
    return Drawn(layout, TEXT, OTHER)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_drawn_as_shipped_is_found_in_plain_lines(layout):
    checked = judged(TEXT, drawn(layout).whole)
    assert (checked.status, checked.measures, checked.recogniser) == ("passed", {"cer": 0.0}, LINES)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fault", FAULTS)
def test_the_text_is_not_found_in_the_lines_of_a_bad_picture(fault, layout):
    assert not found_by_lines(TEXT, FAULTS[fault](drawn(layout)))


@pytest.mark.slow
@pytest.mark.parametrize("layout", [*LAYOUTS, "banner"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_picture_never_passes(fault, layout):
    assert judged(TEXT, FAULTS[fault](drawn(layout))).status == "failed"


@pytest.mark.parametrize("fault", ["faint", "more text below, faint", "more text below in grey", "type of 2 px"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_lines_beside_which_anything_else_is_seen_are_not_plain(fault, layout):
    assert recognise(LINES, picture_media(FAULTS[fault](drawn(layout)))) == ""


@pytest.mark.parametrize("size", [(512, 512), (60, 40)])
def test_no_lines_are_plain_where_there_are_none(size):
    assert recognise(LINES, picture_media(Image.new("L", size, 255))) == ""
    assert recognise(LINES, picture_media(Image.linear_gradient("L").resize(size))) == ""
