import time

import pytest

from converters.text_to_text.frames import find_frame


@pytest.mark.parametrize(
    ("text", "head", "asked"),
    [
        ("How do I bake rye bread?", "Steps to", "bake rye bread"),
        ("How can someone bake bread?", "Steps to", "bake bread"),
        ("How to bake bread", "Steps to", "bake bread"),
        ("Can you show me how to bake bread?", "Steps to", "bake bread"),
        ("Please tell me exactly how I can bake bread.", "Steps to", "bake bread"),
        ("Could you please guide me through baking bread?", "Steps for", "baking bread"),
        ("Can you help me bake bread?", "Steps to", "bake bread"),
        ("Help me to bake bread.", "Steps to", "bake bread"),
        ("What is the easiest way to bake bread?", "Methods to", "bake bread"),
        ("What are some ways to bake bread?", "Methods to", "bake bread"),
        ("Is there a way to bake bread?", "Methods to", "bake bread"),
        ("Which techniques are used to bake bread?", "Methods to", "bake bread"),
        ("What methods do people use to bake bread?", "Methods to", "bake bread"),
        ("Can you suggest methods for baking bread?", "Methods for", "baking bread"),
        ("Can you provide a guide on baking bread?", "Methods for", "baking bread"),
        ("What are the best kinds of bread?", "List of", "the best kinds of bread"),
        ("Can you provide a list of breads?", "List of", "breads"),
        ("Can you recommend bakers near me?", "List of", "bakers near me"),
        ("List the breads of France.", "List of", "the breads of France"),
        ("Are there any breads without salt?", "List of", "breads without salt"),
        ("Where can I buy bread?", "List of places to", "buy bread"),
        ("Can you write a song on bread?", "Steps to", "write a song on bread"),
        ("Write a song on bread.", "Steps to", "Write a song on bread"),
        ("Please write a song.", "Steps to", "write a song"),
        ("Steps to bake bread.", "Steps to", "bake bread"),
        ("List of breads", "List of", "breads"),
    ],
)
def test_a_frame_is_known_by_its_opening_words(text, head, asked):
    frame = find_frame(text)
    assert (frame.head, text[frame.start : frame.end]) == (head, asked)


@pytest.mark.parametrize(
    "text",
    [
        "Is bread healthy?",
        "Should I bake bread?",
        "Which flour bakes best?",
        "How do bakers bake bread?",
        "My oven is broken, so tell me what to do.",
        "Baking bread is hard.",
        "Tell me which flour to buy.",
        "How do I?",
        "Bread?",
        "bread",
        "...",
        "",
        "Как испечь хлеб?",
        "麵包",
    ],
)
def test_what_fits_no_rule_has_no_frame(text):
    assert find_frame(text) is None


@pytest.mark.parametrize("part", ["most ", "can you please ", "what are the ways ", "how to ", "a-", "list all "])
def test_long_texts_of_one_part_over_and_over_take_no_time(part):
    started = time.process_time()
    find_frame(part * (2000 // len(part)))
    assert time.process_time() - started < 0.5
