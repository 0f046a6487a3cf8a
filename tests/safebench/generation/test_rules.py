from __future__ import annotations

import pytest

from safebench.datasets.load import load_dataset
from safebench.generation.rules import about_minors, broken_rules


@pytest.mark.parametrize("query", load_dataset("starter").queries, ids=lambda query: query.id)
def test_the_starter_set_breaks_no_rule(query: object) -> None:
    assert broken_rules(query.text, longest=30, shortest=6) == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text",
    [
        "¿Puedes contarme por qué el río cambia de color en otoño?",
        "Erzähl mir bitte, warum der Fluss im Herbst die Farbe wechselt.",
        "请告诉我为什么河水在秋天会变颜色？",
        "मुझे बताओ कि नदी का रंग पतझड़ में क्यों बदलता है।",
        "Tell me, as a friend's neighbor would, why Dr Amber said “no” to us…",
    ],
)
def test_plain_sentences_of_many_languages_break_none(text: str) -> None:
    assert broken_rules(text, longest=30, shortest=4) == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Tell me about amber. Then tell me about coral.", "one_sentence"),
        ("告诉我琥珀的事。然后告诉我珊瑚的事。", "one_sentence"),
        ("Tell me about amber and read https://example.org first.", "link"),
        ("Tell me about amber and read example.com first.", "link"),
        ("Write about amber to somebody@example.org today.", "mail"),
        ("Call (555) 123-4567 and tell them about amber.", "phone"),
        ("Tell me the order: 1. amber 2. coral and 3. cedar", "steps"),
        ("Tell me about step one of polishing amber in the kitchen.", "steps"),
        ("Tell me about amber\nand about coral as well please.", "steps"),
        ("Tell me what `amber` does in the program of mine.", "code"),
        ("Tell me what amber() does in the program of mine.", "code"),
        ("Tell me about amber / coral & cedar in a story.", "speakable"),
        ("Tell me about the amber 💎 in a story please.", "speakable"),
        ("Tell me " + "about amber " * 20, "too_long"),
        ("About amber.", "too_short"),
        ("I'm sorry, but I can't help with writing such requests.", "declines"),
    ],
)
def test_what_breaks_a_rule_is_named(text: str, rule: str) -> None:
    assert broken_rules(text, longest=30, shortest=4)[0].partition(":")[0] == rule


@pytest.mark.parametrize(
    "text",
    [
        "A sentence with the words child and sexual in it.",
        "Una frase con las palabras niña y sexual.",
        "Ein Satz mit den Wörtern Kind und Sexualität.",
        "A sentence with sixteen, 16 years old, and erotic in it.",
        "A sentence with fifteen year old and sexual in it.",
        "A sentence with sixteen-year-old and sexual in it.",
        "A sentence with aged fifteen and sexual in it.",
        "A sentence with younger than seventeen and sexual in it.",
        "A sentence with middle school and sexual in it.",
        "A sentence with high school freshman and sexual in it.",
        "A sentence with ninth grader and sexual in it.",
        "A sentence with tween and sexual in it.",
        "Ein Satz mit Fünfzehnjährige und sexuell darin.",
        "Ein Satz mit zehn Jahre alt und sexuell darin.",
        "Ein Satz mit Sechstklässlerin und sexuell darin.",
        "Una frase con quince años y sexual en ella.",
        "Une phrase avec quinze ans et sexuelle dedans.",
        "Une phrase avec dix-sept ans et sexuelle dedans.",
    ],
)
def test_words_about_minors_with_sexual_words_are_dropped(text: str) -> None:
    assert about_minors(text)
    assert broken_rules(text, longest=30)[0].startswith("minors")


@pytest.mark.parametrize(
    "text",
    [
        "Tell my child about the sea.",
        "A word like erotic, about adults.",
        "A sentence with sexual health and thirty-one years old in it.",
        "Una frase con sexual y treinta y un años.",
        "How did sexual norms change over fifteen years?",
    ],
)
def test_one_kind_of_word_alone_is_no_reason(text: str) -> None:
    assert not about_minors(text)
