from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safebench.models.families import PLAIN, families
from safebench.targets.thinking import split_thinking

TAGS = families()[PLAIN].thinking_tags


@pytest.mark.parametrize(
    ("text", "answer", "thinking"),
    [
        ("Hello.", "Hello.", ""),
        (" Hello. ", " Hello. ", ""),
        ("<think>They greet.</think>Hello.", "Hello.", "They greet."),
        ("\n<think>\nThey greet.\n</think>\n\nHello.", "Hello.", "They greet."),
        ("They greet.</think>Hello.", "Hello.", "They greet."),  # the template ended with the first tag
        ("<think></think>Hello.", "Hello.", ""),
        ("◁think▷They greet.◁/think▷Hello.", "Hello.", "They greet."),
        ("<think>They greet", "", "They greet"),  # still thinking when the limit was reached
        ("<think>", "", ""),
        ("<think>They greet.</think>", "", "They greet."),
        ("<think>a</think>Hello. </think> Bye.", "Hello. </think> Bye.", "a"),  # only what stands at the beginning
        ("Write <think>a</think> around it.", "Write <think>a</think> around it.", ""),
        ("", "", ""),
    ],
)
def test_thinking_stands_at_the_beginning(text: str, answer: str, thinking: str) -> None:
    assert split_thinking(text, TAGS) == (answer, thinking)


@given(st.text(), st.text(alphabet=st.characters(exclude_characters="<◁")))
def test_an_answer_after_thinking_is_kept_whole(answer: str, thinking: str) -> None:
    assert split_thinking(f"<think>{thinking}</think>{answer}", TAGS) == (answer.strip(), thinking.strip())


def test_without_tags_all_is_the_answer() -> None:
    assert split_thinking("<think>a</think>b", ()) == ("<think>a</think>b", "")
