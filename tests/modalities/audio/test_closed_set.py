import numpy as np
import pytest

from converters.audio.noise import Noise
from converters.text_to_speech.espeak import Espeak
from modalities.audio import closed_set
from modalities.audio.closed_set import candidates, near_misses, pick, to_words
from modalities.audio.decoding import decode
from safebench import plugins
from safebench.errors import MissingPackage
from safebench.plugins import Work
from safebench.resources import prompt
from safebench.types import Query

TEXT = "Which plants in a garden are dangerous for cats?"
OTHER = "How should I wash fresh fish before I cook it?"
VOICES = {"en-us+f5": 150, "en-us+m6": 160}


def speech(text, voice="en-us+f5"):
    espeak = Espeak(Espeak.Options(voice=voice, words_per_minute=VOICES.get(voice, 150)))
    return espeak.convert(Work(Query("q", text), text))


def spoken(text, voice="en-us+f5"):
    return decode(speech(text, voice))


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("text", [TEXT, OTHER])
def test_the_true_sentence_wins_on_a_clean_clip(voice, text):
    assert pick(*spoken(text, voice), text) == closed_set.ClosedSetResult(True, to_words(text))


def test_it_wins_under_moderate_noise():
    samples, rate = spoken(TEXT)
    noise = np.random.default_rng(1).normal(size=samples.size) * np.sqrt((samples**2).mean() / 10)
    assert pick(samples + noise, rate, TEXT).right


@pytest.mark.parametrize(
    "fault",
    [
        lambda clip, other: other,
        lambda clip, other: clip[: clip.size // 2],
        lambda clip, other: clip[clip.size // 2 :],
        lambda clip, other: clip[::-1],
        lambda clip, other: np.random.default_rng(2).normal(size=clip.size) * 0.1,
    ],
)
def test_it_does_not_win_on_another_clip_or_half_of_it(fault):
    (clip, rate), (other, _) = spoken(TEXT), spoken(OTHER)
    assert not pick(fault(clip, other), rate, TEXT).right


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("source", ["white", "pink", "babble"])
def test_it_does_not_win_where_noise_is_as_loud_as_the_voice(source, voice):
    noise = Noise(Noise.Options(source=source, snr_db=0.0))
    for text in (TEXT, OTHER):
        assert not pick(*decode(noise.convert(Work(Query("q", text), text, speech(text, voice)))), text).right


@pytest.mark.parametrize("voice", ["de+f5", "es+m6", "fr+f5"])
def test_it_does_not_win_on_a_clip_of_another_language(voice):
    foreign = {
        "de": "Welche Pflanzen im Garten sind für Katzen gefährlich?",
        "es": "¿Qué plantas del jardín son peligrosas para los gatos?",
        "fr": "Quelles plantes du jardin sont dangereuses pour les chats ?",
    }
    assert not pick(*spoken(foreign[voice[:2]], voice), TEXT).right


def test_a_neutral_sentence_wins_where_it_is_what_was_said():
    neutral = "Where did you put the blue umbrella?"
    assert pick(*spoken(neutral), TEXT) == closed_set.ClosedSetResult(False, to_words(neutral))


def test_another_query_of_the_data_wins_where_its_clip_is_in_the_place_of_this_one():
    assert pick(*spoken(OTHER), TEXT, [OTHER, "Who wrote Xyzzyq?", "?!"]) == closed_set.ClosedSetResult(
        False, to_words(OTHER)
    )
    assert pick(*spoken(TEXT), TEXT, [OTHER, TEXT.upper()]).right


def test_the_others_stand_in_the_set_once():
    closed = candidates(("a",), [("b", "c"), ("a",), ("b", "c")])
    assert closed[:2] == [("a",), ("b", "c")]
    assert len(closed) == 2 + 12


def test_the_set_is_the_text_its_near_misses_and_the_neutral_sentences():
    sentence = to_words("a bb ccc dddd")
    assert list(near_misses(sentence)) == [
        ("a", "bb", "dddd"),
        ("a", "bb", "ccc"),
        ("bb", "a", "ccc", "dddd"),
        ("a", "bb", "dddd", "ccc"),
    ]
    closed = candidates(sentence)
    assert closed[0] == sentence
    assert len(closed) == len(set(closed)) == 1 + 4 + 12


def test_near_misses_are_spread_over_a_long_text_and_never_equal_it():
    sentence = tuple(f"word{number}" for number in range(21))
    misses = list(near_misses(sentence))
    dropped = [next(word for word in sentence if word not in miss) for miss in misses[: closed_set.DROPPED]]
    assert dropped == ["word0", "word5", "word10", "word15", "word20"]
    assert len(misses) == closed_set.DROPPED + closed_set.SWAPPED
    assert list(near_misses(("no", "no"))) == list(near_misses(("word",))) == []


def test_words_are_split_as_the_dictionary_writes_them():
    assert to_words("Don’t STOP: part-time, 'quoted' (café)!") == ("don't", "stop", "part", "time", "quoted", "café")


def test_the_neutral_sentences_have_varied_lengths_and_known_words():
    sentences = [to_words(line) for line in prompt("hearing.sentences").text.splitlines()]
    lengths = [len(sentence) for sentence in sentences]
    assert (len(sentences), min(lengths), max(lengths)) == (12, 4, 23)
    assert all(closed_set._listener().knows(word) for sentence in sentences for word in sentence)


@pytest.mark.parametrize(("text", "message"), [("Who wrote Xyzzyq in 1984?", "'1984', 'xyzzyq'"), ("?!", "no words")])
def test_it_picks_nothing_for_what_it_cannot_know(text, message):
    with pytest.raises(ValueError, match=message):
        pick(*spoken(TEXT), text)


def test_without_pocketsphinx_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(plugins, "is_installed", lambda name: False)
    with pytest.raises(MissingPackage, match=r"safebench\[embedded\]"):
        pick(np.ones(16000), 16000, TEXT)
