"""What every page does to the texts that it shows."""

from __future__ import annotations

from safebench.reports.pages.html import breakable, sentence


def test_a_sentence_has_its_commands_as_such_and_no_number_parted_from_its_percent() -> None:
    assert sentence("Of <b> 5 % by `run <i>`.") == "Of &lt;b&gt; 5\N{NO-BREAK SPACE}% by <code>run &lt;i&gt;</code>."


def test_a_long_name_may_end_a_line_at_its_signs() -> None:
    assert breakable("openai:<a>/b") == "openai:<wbr>&lt;a&gt;/<wbr>b"
