from __future__ import annotations

import pytest

from safebench.errors import BadInput
from safebench.types import Condition, Response


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        ":x",
        "+text",
        "image:",
        "image+",
        "image+text:",
        "audio+tex:female",
        "audio+text+text",
        "audio+text+:x",
        "image~",
        "~x",
    ],
)
def test_what_is_no_condition_is_never_taken_for_another_one(text: str) -> None:
    with pytest.raises(BadInput, match=r"is not written medium\[\+text\]\[:recipe\]\[~wording\]"):
        Condition.parse(text)


@pytest.mark.parametrize(
    "text",
    ["text", "text:letter", "audio", "audio:female", "audio+text", "audio+text:a+b:c", "text~a", "image+text:b~a"],
)
def test_a_condition_is_written_as_it_was_read(text: str) -> None:
    assert str(Condition.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "\u200b",
        "\u2800\u2800",
        "\ufe0f",
        "\U000e0041\U000e0042",
        "\u3164",
        "\u00ad",
        "\u202e",
        "\u0301",
        "\x00",
    ],
)
def test_what_nobody_can_see_is_no_answer(text: str) -> None:
    assert Response("answered", text).empty
    assert Response("answered", f"{text}No.{text}").empty is False


@pytest.mark.parametrize("text", [".", "5", "不", "हाँ", "é", "🙂", "—", "\ud83d"])
def test_what_can_be_seen_is_one(text: str) -> None:
    assert not Response("answered", text).empty
