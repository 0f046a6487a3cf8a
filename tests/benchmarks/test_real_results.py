"""`docs/real-results.md`: what is shown of what was printed, and that no query or answer is."""

from __future__ import annotations

import pytest

from benchmarks.real.results import COLUMNS, LEFT_OUT, PAGE, SECTIONS, kept, narrowed, prompted, renewed
from safebench.datasets.load import load_dataset

PRINTED = "a note\nRates\n x 1\n\nmore\ncost: 1 USD\nend\n"


def test_what_is_left_out_is_marked_where_it_stood() -> None:
    shown = kept(PRINTED, (r"^Rates.*?\n\n", r"^cost: .*?\n"))
    assert shown.split("\n") == [LEFT_OUT, "Rates", " x 1", LEFT_OUT, "cost: 1 USD", LEFT_OUT]
    assert kept(PRINTED, ()) == PRINTED


def test_what_the_page_wants_to_show_has_to_be_there() -> None:
    with pytest.raises(SystemExit, match="nothing was printed that is like"):
        kept(PRINTED, ("^kept: ",))


def test_a_part_is_written_anew_in_its_place_and_printed_lines_fit() -> None:
    page = "# All\n\n## A\n\nold\n\n## B\n\nkept"
    assert renewed(page, {"A": "## A\n\nnew"}) == "# All\n\n## A\n\nnew\n\n## B\n\nkept"
    long = "word " * 30
    told = narrowed(f"{long}\n```text\n{long}\n```\n| {long} |")
    assert [len(line) > COLUMNS for line in told.splitlines()] == [True, False, False, False, False, True]


def test_the_page_shows_each_part_and_no_query() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for section in SECTIONS:
        assert f"## {section.title}\n" in text
        assert prompted(section.command) in text
    assert not [query for query in load_dataset("starter-small").queries if query.text in text]
