from __future__ import annotations

import pytest

from safebench.errors import BadInput
from safebench.types import Condition


@pytest.mark.parametrize(
    "text",
    ["", ":", ":x", "+text", "image:", "image+", "image+text:", "audio+tex:female", "audio+text+text", "audio+text+:x"],
)
def test_what_is_no_condition_is_never_taken_for_another_one(text: str) -> None:
    with pytest.raises(BadInput, match=r"is not written medium\[\+text\]\[:recipe\]"):
        Condition.parse(text)


@pytest.mark.parametrize("text", ["text", "text:letter", "audio", "audio:female", "audio+text", "audio+text:a+b:c"])
def test_a_condition_is_written_as_it_was_read(text: str) -> None:
    assert str(Condition.parse(text)) == text
