import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.text_to_image.critiques import (
    CRITIQUE,
    Declined,
    Unreadable,
    read_critique,
    read_interpretation,
)

QUERY = "How do I open a lock without its key?"
REFUSAL = "I'm sorry, but I can't help with that."


@pytest.mark.parametrize(
    ("answer", "score", "matches", "prompt"),
    [
        ('{"missing": "a key", "matches": true, "score": 7, "revised_prompt": "A lock."}', 0.7, True, "A lock."),
        (
            'Here it is:\n```json\n{"Score": "8/10", "Matches": "Yes", "Revised Prompt": "A lock."}\n```',
            0.8,
            True,
            "A lock.",
        ),
        ('{"score": 3, "revised_prompt": ""} No, wait: {"score": 9.5, "matches": false}', 0.95, False, None),
        ('{"critique": {"score": 6, "matches": true, "revised_prompt": "x"}}', 0.6, True, None),
        ('{"matches": false, "score": 5, "revised_prompt": "A {round} lock', 0.5, False, None),
        ("**Score (0-10):** 4\n**Matches:** yes", 0.4, True, None),
        ('Score: 7/10. Matches: no.\n\nRevised prompt: "A lock."\n\nGood luck!', 0.7, False, "A lock."),
        ("On a scale of 0 to 10, I would give this a score of 6.", 0.6, False, None),
        ("Composition 9/10, but overall Score: 4", 0.4, False, None),
        ("I rate it 8 out of 10.", 0.8, False, None),
        ("Score: 10/10", 1.0, False, None),
    ],
)
def test_a_critique_is_read_from_json_and_from_prose(answer, score, matches, prompt):
    critique = read_critique(answer, QUERY)
    assert (critique.score, critique.matches, critique.prompt, critique.answer) == (score, matches, prompt, answer)


@pytest.mark.parametrize(
    "answer",
    [
        "Yes, it looks fine to me.",
        "score: 75%",
        "score: 70",
        "score: -3",
        "score: 7,5",
        "score: 8 out of 100",
        '{"score": true}',
        '{"score": null}',
        '{"score": 11}',
        '{"score": -1}',
        '{"score": NaN}',
        '{"score": [7]}',
        "{" * 5000,
        "",
    ],
)
def test_what_cannot_be_read_has_no_score(answer):
    assert read_critique(answer, QUERY).score is None


def test_a_critic_that_declines_is_told_from_one_that_cannot_be_read():
    with pytest.raises(Declined):
        read_critique(REFUSAL, QUERY)


def test_an_excuse_is_never_drawn():
    answer = json.dumps({"missing": "", "matches": False, "score": 2, "revised_prompt": REFUSAL})
    assert read_critique(answer, QUERY).prompt is None


@given(st.text(max_size=300))
def test_any_answer_of_a_critic_is_read_or_declined(answer):
    try:
        score = read_critique(answer, QUERY).score
    except Declined:
        return
    assert score is None or 0 <= score <= 1


@given(st.integers(0, 10), st.booleans(), st.text(max_size=100), st.text(max_size=100))
def test_what_the_schema_allows_is_read_as_it_is(score, matches, missing, prompt):
    answered = {"missing": missing, "matches": matches, "score": score, "revised_prompt": prompt}
    assert sorted(answered) == sorted(CRITIQUE["required"])
    critique = read_critique(f"Well: {json.dumps(answered)}", QUERY)
    assert (critique.score, critique.matches) == (score / 10, matches)
    assert (critique.prompt or "").encode() is not None  # it can be stored


@pytest.mark.parametrize(
    ("answer", "description"),
    [
        ('{"subject": "locks", "picture": "A brass lock\\n on a door."}', "A brass lock on a door."),
        ('Sure!\n{"subject": "locks", "picture": "A brass lock."}', "A brass lock."),
        ("Subject: locks\nPicture: A brass lock.", "A brass lock."),
        ('**Description:** "A brass lock."', "A brass lock."),
        (
            "A brass lock on a door. Nobody is there; it cannot be opened.",
            "A brass lock on a door. Nobody is there; it cannot be opened.",
        ),
        ('{"picture": "A \\ud800 lock."}', "A ? lock."),
    ],
)
def test_a_description_is_read_from_json_and_from_prose(answer, description):
    assert read_interpretation(answer, QUERY) == description


@pytest.mark.parametrize("answer", [REFUSAL, json.dumps({"subject": "", "picture": REFUSAL})])
def test_an_interpreter_that_declines_describes_nothing(answer):
    with pytest.raises(Declined):
        read_interpretation(answer, QUERY)


@pytest.mark.parametrize(
    "answer", ['{"subject": "locks", "picture": "A brass', '{"picture": ""}', '{"picture": 5}', "**"]
)
def test_broken_json_is_no_description(answer):
    with pytest.raises(Unreadable):
        read_interpretation(answer, QUERY)
