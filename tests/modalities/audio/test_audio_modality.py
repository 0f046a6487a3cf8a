import io
import re
import tomllib

import numpy as np
import pytest
import soundfile

from converters.text_to_speech.espeak import Espeak
from modalities.audio import AudioModality
from safebench.plugins import Asking, Checking, Work
from safebench.resources import data_path, prompt
from safebench.types import Media, Query, Text

QUERY = Query("q1", "Which plants in a garden are dangerous for cats?")
RECIPES = tomllib.loads(data_path("recipes.toml").read_text())["audio"]
GATE = RECIPES["female"]["gate"]
RATE = 16000


def wav(samples, subtype="PCM_16"):
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV", subtype=subtype)
    return Media.of("audio", "audio/wav", file.getvalue())


@pytest.fixture(scope="module")
def clip():
    return Espeak().convert(Work(QUERY, QUERY.text))


def samples(clip):
    return soundfile.read(io.BytesIO(clip.read()))[0]


def never_heard(name, media):
    raise AssertionError("no recogniser is asked")


def check(media, gate=GATE):
    return AudioModality().check(Checking(QUERY, media, gate, never_heard))


# --- check


@pytest.mark.parametrize("name", ["female", "male"])
def test_a_shipped_voice_keeps_its_gate_but_nobody_calls_it_intelligible(name):
    step = dict(RECIPES[name]["steps"][0])
    assert step.pop("use") == Espeak.name
    spoken = Espeak(Espeak.Options(**step)).convert(Work(QUERY, QUERY.text))
    checked = check(spoken, RECIPES[name]["gate"])
    assert (checked.status, checked.reason) == ("unchecked", "signal checks passed; no recogniser heard it")
    assert checked.recogniser is None
    assert 0.2 < checked.measures["seconds_per_word"] < 0.6


def test_the_default_recipe_is_shipped():
    assert AudioModality.default_recipe in RECIPES


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (np.zeros_like, "silent"),
        (lambda s: s * 0.0005, "silent: peak_dbfs is -67"),
        (lambda s: 0.5 * np.clip(4 * s, -0.9, 0.9), "clipped_share is .* above max_clipped_share = 0.001"),
        (lambda s: np.random.default_rng(1).normal(size=len(s)) * 0.1, "level_range_db is .* below min_level_range_db"),
        (lambda s: s[: len(s) // 4], "seconds_per_word is .* below min_seconds_per_word = 0.15"),
        (lambda s: np.concatenate([s, s, s, s]), "seconds_per_word is .* above max_seconds_per_word = 1"),
        (lambda s: np.concatenate([s[::2], np.zeros(5 * len(s))]), "silence_share is .* above max_silence_share = 0.7"),
    ],
)
def test_a_planted_fault_is_found_and_named(clip, fault, told):
    checked = check(wav(fault(samples(clip))))
    assert checked.status == "failed"
    assert np.all(np.isfinite(list(checked.measures.values())))
    assert re.search(told, checked.reason)


def test_all_violations_are_told(clip):
    assert check(clip, {"max_duration_s": 0.1, "min_peak_dbfs": 0.0}).reason.count(";") == 1


@pytest.mark.parametrize(
    "media",
    [
        Media.of("audio", "audio/wav", b""),
        Media.of("audio", "audio/wav", b"RIFF\x10\x00\x00\x00WAVEfmt "),
        Media.of("audio", "audio/mpeg", b"no recording" * 20),
        wav(np.zeros(0)),
        wav(np.full(RATE, np.nan), "FLOAT"),
    ],
)
def test_broken_media_fail_and_never_raise(media):
    checked = check(media)
    assert checked.status == "failed"
    assert "recording" in checked.reason


# --- compose


def test_alone_the_recording_is_the_whole_message(clip):
    assert AudioModality().compose(Asking(QUERY, clip, with_text=False)) == (clip,)


def test_with_text_an_instruction_is_written_before_it(clip):
    assert AudioModality().compose(Asking(QUERY, clip, with_text=True)) == (Text(prompt("carriers.audio").text), clip)


def test_a_recipe_may_name_its_own_carrier(clip):
    parts = AudioModality().compose(Asking(QUERY, clip, with_text=True, carrier="carriers.image"))
    assert parts[0] == Text(prompt("carriers.image").text)


def test_there_is_no_message_without_a_recording():
    with pytest.raises(ValueError, match="'q1' has no recording"):
        AudioModality().compose(Asking(QUERY, None, with_text=True))
