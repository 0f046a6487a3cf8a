from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safebench.models.families import plain
from safebench.targets.thinking import is_mark, split_thinking

R = "They ask for bread. I'm sorry, but I can't help with that, I could say. Yet it is harmless."
A = "Mix flour and water, and bake the bread."


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
        ("<|think|>They greet.<|/think|>Hello.", "Hello.", "They greet."),
        ("<think>a</think>b</think>Bye.", "Bye.", "a\nb"),  # a second tag where the first stood in the prompt
        ("Write `<think>`a`</think>` around it.", "Write `<think>`a`</think>` around it.", ""),
        ("", "", ""),
    ],
)
def test_thinking_is_parted_from_the_answer(text: str, answer: str, thinking: str) -> None:
    assert split_thinking(text, plain()) == (answer, thinking, "")


@pytest.mark.parametrize("text", [f"{A}</think>", f"{A}\n</THINK> \n", f"<think>{R}</think>{A}</think>"])
def test_what_stands_before_a_last_tag_with_nothing_after_it_is_the_answer_and_flagged(text: str) -> None:
    parted = split_thinking(text, plain())
    assert parted.answer == A
    assert parted.unknown.lower() == "</think>"


@pytest.mark.parametrize("pair", plain().thinking_tags, ids=lambda pair: pair[0])
@pytest.mark.parametrize("case", [str, str.upper, str.lower])
def test_every_documented_tag_is_known_in_any_case(pair: tuple[str, str], case: type[str]) -> None:
    opening, closing = map(case, pair)
    assert split_thinking(f"{opening}{R}{closing}{A}", plain()) == (A, R, "")
    assert split_thinking(f"{R}{closing}\n{A}", plain()) == (A, R, "")
    assert split_thinking(f"{opening}a{closing}{opening}{R}{closing}{A}", plain()) == (A, f"a\n{R}", "")
    assert split_thinking(f"Sure. {opening}{R}{closing}{A}", plain()) == (f"Sure. {A}", R, "")
    assert split_thinking(f"{A}\n{opening}{R}", plain()) == (A, R, "")


@pytest.mark.parametrize("pair", plain().thinking_words, ids=lambda pair: pair[0])
def test_words_around_thinking_count_where_both_are_there(pair: tuple[str, str]) -> None:
    opening, closing = pair
    assert split_thinking(f"{opening}{R}{closing}{A}", plain()) == (A, R, "")
    assert split_thinking(f"{A} {opening}{R}{closing}{A}", plain()).thinking == ""


@pytest.mark.parametrize("pair", plain().answer_tags, ids=lambda pair: pair[0])
def test_tags_around_the_answer_are_left_out(pair: tuple[str, str]) -> None:
    opening, closing = pair
    assert split_thinking(f"<think>{R}</think>{opening}{A}{closing}", plain()) == (A, R, "")
    assert split_thinking(f"{opening}{A}", plain()).answer == A


@pytest.mark.parametrize(
    "text",
    [
        f"<|channel|>analysis<|message|>{R}<|end|><|start|>assistant<|channel|>final<|message|>{A}",
        f"<|channel|>analysis<|message|>{R}<|end|><|start|>assistant<|channel|>final<|message|>{A}<|return|>",
        f"{R}<|end|><|start|>assistant<|channel|>final<|message|>{A}",  # the first head stood in the prompt
        f"<|channel|>analysis {R}<|channel|>final {A}",
        f"<|start|>assistant<|channel|>ANALYSIS<|message|>{R}<|end|><|channel|>Final<|constrain|>json<|message|>{A}",
    ],
)
def test_text_in_channels(text: str) -> None:
    assert split_thinking(text, plain()) == (A, R, "")


def test_what_is_said_to_a_tool_is_no_answer_and_a_preamble_is_one() -> None:
    call = "<|channel|>commentary to=functions.mail <|constrain|>json<|message|>{}<|call|>"
    assert split_thinking(f"<|channel|>commentary<|message|>{A}<|end|>{call}", plain()) == (A, "{}", "")


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        (f"<musing>{R}</musing>{A}", "<musing>"),
        (f"<Musing kind='deep'>{R}</musing>{A}", "<Musing kind='deep'>"),
        (f"<details type='reasoning'>{R}</details>{A}", "<details type='reasoning'>"),
        (f"<|ponder|>{R}<|/ponder|>{A}", "<|ponder|>"),
        (f"<｜ponder｜>{R}", "<｜ponder｜>"),
        (f"◁muse▷{R}◁/muse▷{A}", "◁muse▷"),
        (f"[PLAN]{R}[/PLAN]{A}", "[PLAN]"),
        (f"&lt;think&gt;{R}&lt;/think&gt;{A}", "&lt;think&gt;"),
        (f"<think>a</think><musing>{R}</musing>{A}", "<musing>"),
        (f"<|channel|>reply<|message|>{A}", "<|channel|>reply<|message|>"),
        (f"analysis{R}", "analysis"),  # gpt-oss, cut off before its answer
        (f"Use the <think> tag. {A}", "<think>"),
        (f"<unused94>thought {R}<unused95>{A}", "<unused94>"),
        (f"{R}<unused95>{A}", "<unused95>"),
        (f"```thinking\n{R}\n```\n{A}", "```thinking"),
        (f"``` Reasoning\n{R}\n```\n{A}", "``` Reasoning"),
        (f"{R}</musing>{A}", "</musing>"),
        (f"<b>{R}</b></Musing>{A}", "</Musing>"),
        (f"{R}<|/ponder|>{A}", "<|/ponder|>"),
        (f"{R}◁/muse▷{A}", "◁/muse▷"),
        (f"{R}[/PLAN]{A}", "[/PLAN]"),
        (f"{A} Write <recipe kind='a'>x</recipe> and [LIST]y[/LIST].", ""),
        (f"{A} `</musing>` ends it.", ""),
        (f"</p>{A}", ""),
        (f"{A}</musing>", ""),
        (f"```python\nprint(1)\n```\n{A}", ""),
        (f"<p>{A}</p>", ""),
        (f"<b>{A}</b>", ""),
        (f"<https://a.example> {A}", ""),
        (f"[NOTE] {A}", ""),
        (f"Analysis of bread: {A}", ""),
        (f"<3 {A}", ""),
        (A, ""),
    ],
)
def test_markup_that_nobody_knows_is_judged_and_flagged(text: str, mark: str) -> None:
    parted = split_thinking(text, plain())
    assert parted.unknown == mark
    assert A in parted.answer or R in parted.answer


@given(st.text(), st.text(alphabet=st.characters(exclude_characters="<◁[`")))
def test_an_answer_after_thinking_is_kept_whole(answer: str, thinking: str) -> None:
    parted = split_thinking(f"<think>{thinking}</think>{answer}", plain())
    assert (parted.answer, parted.thinking) == (answer.strip(), thinking.strip())


@pytest.mark.parametrize("pair", [("Plan|", "|plan"), ("THOUGHT:", "ANSWER:")], ids=lambda pair: pair[0])
@pytest.mark.parametrize("case", [str, str.upper, str.lower])
def test_tags_of_a_users_family_may_begin_with_any_character(pair: tuple[str, str], case: type[str]) -> None:
    family = plain().model_copy(update={"thinking_tags": (pair,)})
    opening, closing = map(case, pair)
    assert split_thinking(f"{opening}a{closing}Hello.", family) == ("Hello.", "a", "")
    assert split_thinking(f"a{closing.replace('|', '｜')}Hello.", family) == ("Hello.", "a", "")


def test_without_tags_all_is_the_answer() -> None:
    untold = plain().model_copy(update={"thinking_tags": ()})
    assert split_thinking("<think>a</think>b", untold) == ("<think>a</think>b", "", "")


@pytest.mark.parametrize(
    "unit",
    [
        "<think>",
        "</think>",
        "<",
        "< ",
        "<think ",
        "<think>\n</think>",
        "<|channel|>",
        "<|start|>",
        "<answer>",
        "</a>",
        "[/AAA]",
    ],
)
def test_its_time_grows_with_the_length_alone(unit: str) -> None:
    begun = time.perf_counter()
    split_thinking(unit * (100_000 // len(unit)), plain())
    assert time.perf_counter() - begun < 5


def test_words_cost_next_to_nothing() -> None:
    text = "Mix flour and water, and bake the bread. " * 5_000
    begun = time.process_time()
    assert split_thinking(text, plain()).answer == text
    assert time.process_time() - begun < 0.3


def test_special_tokens_that_mark_thinking_are_told_from_others() -> None:
    assert all(is_mark(token, plain()) for token in ("<think>", "[/THINK]", "<|channel|>", "<|END_RESPONSE|>"))
    assert not any(is_mark(token, plain()) for token in ("<pad>", "<|im_end|>", "<s>"))
