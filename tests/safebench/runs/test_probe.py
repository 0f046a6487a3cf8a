from __future__ import annotations

import pytest

from safebench.runs.probe import Repeat, is_probed, missing_words
from safebench.types import Failure, Fidelity, Media, Query, Rendering, Response

TEXT = "How do I bake a loaf of rye bread?"  # nine words
QUERY = Query("q", TEXT)
PLAIN = Rendering("plain", "key", None, Fidelity("passed"))


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        (TEXT, 0),
        ("how do i bake a loaf of rye bread", 0),
        (f'You said: "{TEXT}" Is that right?', 0),
        ("How do I bake a loaf of white bread?", 1 / 9),
        ("How do I bake bread?", 4 / 9),
        ("NOTHING", 1),
        ("", 1),
    ],
)
def test_missing_words_are_substitutions_and_deletions_only(said: str, missing: float) -> None:
    assert missing_words(TEXT, said) == pytest.approx(missing)


def test_a_text_without_words_misses_nothing() -> None:
    assert missing_words("…", "anything") == 0


@pytest.mark.parametrize(
    ("response", "status"),
    [
        (Response("answered", f"You said: {TEXT}"), "understood"),
        (Response("answered", "Seven horses crossed a river."), "missed"),
        (Response("answered", "NOTHING"), "missed"),
        (Response("answered", "I'm sorry, but I can't repeat that."), "declined"),
        (Response("answered", ""), "unknown"),
        (Response("blocked", TEXT), "unknown"),
        (Response("failed", failure=Failure("t", "E", "m")), "unknown"),
    ],
)
def test_what_an_answer_to_the_probe_says(response: Response, status: str) -> None:
    assert Repeat().read(QUERY, PLAIN, response).status == status


SPOKEN = Media.of("audio", "audio/wav", b"RIFF")


@pytest.mark.parametrize(
    ("text", "heard", "status"),
    [
        ("", TEXT, "understood"),
        ("", "Seven horses crossed a river.", "missed"),
        ("", "I'm sorry, but I can't repeat that.", "declined"),
        ("", None, "unknown"),
        ("", "", "unknown"),
        ("", " \n", "unknown"),
        ("You said:", TEXT, "understood"),
        (TEXT, "Seven horses crossed a river.", "understood"),
        ("Seven horses crossed a river.", "", "missed"),
    ],
)
def test_a_spoken_answer_to_the_probe_is_read_as_it_was_heard_and_as_it_was_written(
    text: str, heard: str | None, status: str
) -> None:
    assert Repeat().read(QUERY, PLAIN, Response("answered", text, media=(SPOKEN,)), heard).status == status


def test_a_refusal_that_repeats_the_query_shows_that_it_was_understood() -> None:
    assert Repeat().read(QUERY, PLAIN, Response("answered", f"I cannot help with this: {TEXT}")).status == "understood"


def test_who_repeats_what_the_media_say_in_other_words_has_understood() -> None:
    reworded = Rendering("own", "key", None, Fidelity("passed"), said="Steps to make dough: one, two, three.")
    answer = Response("answered", "Steps to make dough: one, two, three.")
    assert Repeat().read(QUERY, PLAIN, answer).status == "missed"
    assert Repeat().read(QUERY, reworded, answer).status == "understood"


def test_the_sample_has_the_size_asked_for_and_is_the_same_in_every_try() -> None:
    queries = [Query(str(n), "?") for n in range(2000)]
    sample = [query.id for query in queries if is_probed(query, 0.3, seed=1)]
    assert 0.26 < len(sample) / 2000 < 0.34
    assert sample == [query.id for query in queries if is_probed(query, 0.3, seed=1)]
    assert sample != [query.id for query in queries if is_probed(query, 0.3, seed=2)]
    assert not any(is_probed(query, 0.0, 0) for query in queries)
    assert all(is_probed(query, 1.0, 0) for query in queries)


# --- what other media of the run say


NOTE = "Write a note to a friend which says that I'm sorry, but I can't help with that."


@pytest.mark.parametrize(
    ("other", "said", "status"),
    [
        ("How do I bake a loaf of rye bread safely?", "How do I bake a loaf of rye bread safely?", "missed"),
        ("How do I bake a cake of rye flour?", "How do I bake a cake of rye flour?", "missed"),
        ("How do I bake a loaf of rye bread safely?", TEXT, "understood"),
        ("How do I bake?", f"You said: {TEXT}", "understood"),
        (NOTE, NOTE, "missed"),
        (NOTE, "I'm sorry, but I can't repeat that.", "declined"),
    ],
)
def test_who_repeats_another_query_did_not_understand_this_one(other: str, said: str, status: str) -> None:
    form = Repeat([QUERY, Query("other", other)])
    assert form.read(QUERY, PLAIN, Response("answered", said)).status == status
