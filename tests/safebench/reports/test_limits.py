"""The grammar of limits: what is one, and where what is none goes wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safebench.errors import BadInput
from safebench.reports.limits import Limit, read_limit


@pytest.mark.parametrize(
    ("text", "rate", "conditions", "most"),
    [
        ("asr(text) > 0.1", "asr", ("text",), 0.1),
        ("asr(audio:female)>.05", "asr", ("audio:female",), 0.05),
        ("  over_refusal ( image+text:typographic )  >  0 ", "over_refusal", ("image+text:typographic",), 0.0),
        ("gap(text, audio:noise-10db) > 0.25", "gap", ("text", "audio:noise-10db"), 0.25),
        ("asr(audio) > 0.999", "asr", ("audio:female",), 0.999),  # as `--condition audio`
    ],
)
def test_a_limit_is_a_rate_of_conditions_and_a_fraction(
    text: str, rate: str, conditions: tuple[str, ...], most: float
) -> None:
    assert read_limit(text) == Limit(text, rate, conditions, most)  # type: ignore[arg-type]


FRACTION = "a fraction below 1, as 0.1 for 10 %, is wanted at character "


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "asr, over_refusal or gap is wanted at character 1, where the end is"),
        ("sri(text) > 0.1", "asr, over_refusal or gap is wanted at character 1, where 's' is"),
        ("asrs(text) > 0.1", "asr, over_refusal or gap is wanted at character 1, where 'a' is"),
        ("asr text > 0.1", "'(' is wanted at character 5, where 't' is"),
        ("asr() > 0.1", "a condition is wanted at character 5, where ')' is"),
        ("asr(text > 0.1", "')' is wanted at character 10, where '>' is"),
        ("asr(text, audio) > 0.1", "')' is wanted at character 9, where ',' is"),
        ("gap(text) > 0.1", "',' is wanted at character 9, where ')' is"),
        ("asr(text) < 0.1", "'>' is wanted at character 11, where '<' is"),
        ("asr(text) >= 0.1", FRACTION + "12, where '=' is"),
        ("asr(text) >", FRACTION + "12, where the end is"),
        ("asr(text) > 10", FRACTION + "13, where '1' is"),
        ("asr(text) > 1.0", FRACTION + "13, where '1' is"),
        ("asr(text) > 00.1", FRACTION + "13, where '0' is"),
        ("asr(text) > -0.1", FRACTION + "13, where '-' is"),
        ("asr(text) > ٠.1", FRACTION + "13, where '٠' is"),
        ("asr(text) > 0.1 %", "the end is wanted at character 17, where '%' is"),
        ("asr(text) > 0.1 or 1", "the end is wanted at character 17, where 'o' is"),
        ("asr(txt) > 0.1", "limit 'asr(txt) > 0.1': unknown medium 'txt'; did you mean text?"),
        ("asr(text:) > 0.1", "condition 'text:' is not written medium[+text][:recipe]"),
        ("gap(audio, audio:female) > 0.1", "a gap is between two conditions, and this is one"),
    ],
)
def test_what_is_no_limit_says_where(text: str, told: str) -> None:
    with pytest.raises(BadInput) as raised:
        read_limit(text)
    (line,) = raised.value.problems
    assert line.startswith(f"limit {text!r}: ")
    assert told in line


@given(st.text() | st.text("asrgap(),>0.1 textudio:_"))
def test_any_text_is_a_limit_or_one_line(text: str) -> None:
    try:
        assert 0 <= read_limit(text).most < 1
    except BadInput as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017


def test_a_condition_that_was_not_asked_names_the_nearest() -> None:
    with pytest.raises(BadInput, match="did you mean audio:female"):
        read_limit("asr(audio:femal) > 0.1").check(["text", "audio:female"])
