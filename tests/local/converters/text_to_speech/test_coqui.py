import shutil

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from safebench import registry
from safebench.errors import BadInput, ConversionError
from safebench.plugins import Converter, Work
from safebench.types import Query
from tests.converters.text_to_speech.standard import assert_standard
from tests.local import tiny_models

pytest.importorskip("TTS")
TEXT = "How should I wash fresh fish? Rinse it, then dry it."


@pytest.fixture(scope="module")
def two_voices(tmp_path_factory):
    return tiny_models.coqui_vits(tmp_path_factory.mktemp("two"))


@pytest.fixture(scope="module")
def one_voice(tmp_path_factory):
    return tiny_models.coqui_vits(tmp_path_factory.mktemp("one"), speakers=None)


@pytest.fixture(scope="module")
def speaking(one_voice):
    return engine(model=str(one_voice))


def engine(**options):
    return registry.create(Converter, "coqui", "test", **{"device": "cpu", **options})


def convert(engine, text=TEXT, id="q9", seed=0):
    return engine.convert(Work(Query(id, text), text, seed=seed))


def test_gives_the_standard(two_voices):
    assert_standard(convert(engine(model=str(two_voices), speaker="anna")))


def test_a_checkpoint_can_be_named_itself(one_voice, speaking):
    assert convert(engine(model=str(one_voice / "model.pth"))).sha256 == convert(speaking).sha256


def test_same_text_same_bytes_whatever_was_said_before(speaking):
    first = convert(speaking)
    convert(speaking, "Something else.", "q2")
    assert convert(speaking).sha256 == first.sha256


def test_speakers_and_seeds_differ(two_voices):
    anna, bob = (engine(model=str(two_voices), speaker=name) for name in ("anna", "bob"))
    assert len({convert(anna).sha256, convert(bob).sha256, convert(anna, seed=1).sha256}) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "has 2 speakers: name one with `speaker`, e.g. anna, bob"),
        ({"speaker": "anne"}, "unknown Coqui speaker 'anne' .*did you mean anna"),
        ({"speaker": "anna", "language": "en"}, "has one language only: leave out `language`"),
        ({"speaker": "anna", "device": "tpu"}, "device 'tpu' cannot be used"),
    ],
)
def test_a_voice_that_the_model_lacks_is_told(two_voices, options, message):
    with pytest.raises(BadInput, match=message):
        convert(engine(model=str(two_voices), **options))


def test_a_speaker_for_a_single_voice_is_told(one_voice):
    with pytest.raises(BadInput, match="has one speaker only"):
        convert(engine(model=str(one_voice), speaker="anna"))


def test_a_reference_for_a_model_that_cannot_clone_is_told(one_voice):
    with pytest.raises(BadInput, match="cannot clone a voice"):
        convert(engine(model=str(one_voice), reference=one_voice / "config.json"))


def test_the_reference_clip_decides_the_voice(tmp_path):
    model = tiny_models.coqui_vits(tmp_path / "model", speakers=None, clones=True)
    seconds = np.arange(24000) / 16000
    tones = {"low": 110.0, "high": 440.0}
    clips = {name: tmp_path / f"{name}.wav" for name in tones}
    for name, file in clips.items():
        soundfile.write(file, 0.3 * signal.sawtooth(2 * np.pi * tones[name] * seconds), 16000)
    cloned = {name: convert(engine(model=str(model), reference=file)) for name, file in clips.items()}
    assert_standard(cloned["low"])
    assert convert(engine(model=str(model), reference=clips["low"])).sha256 == cloned["low"].sha256
    assert cloned["high"].sha256 != cloned["low"].sha256


def test_a_model_that_clones_knows_no_voice_without_a_reference(tmp_path):
    model = tiny_models.coqui_vits(tmp_path / "model", speakers=None, clones=True)
    with pytest.raises(BadInput, match="no voice of its own: give it a clip to clone with `reference`"):
        convert(engine(model=str(model)))


@pytest.mark.parametrize("text", ["", "  ", "?!", "a\x01"])
def test_nothing_to_say_is_a_clear_error(speaking, text):
    with pytest.raises(ConversionError, match="query 'q9'"):
        convert(speaking, text)


@pytest.mark.parametrize(
    ("text", "named"),
    [("naïve fish", "'ï'"), ("中 fish", "U.4E2D"), ("50 % fish", "'%'"), ("a < b", "'<'"), ("Привет", "'п'")],
)
def test_characters_that_would_be_dropped_are_named(speaking, text, named):
    with pytest.raises(ConversionError, match=f"query 'q9': .* does not know .*{named}"):
        convert(speaking, text)


def test_marks_and_line_breaks_keep_words_apart(speaking):
    assert convert(speaking, "wash\n“fresh”—fish").sha256 == convert(speaking, "wash fresh fish").sha256


class RunsCode:
    def __reduce__(self):
        return (print, ("this must not run",))


@pytest.mark.parametrize("allowed", ["0", "1"])  # also where torch is told to load anything
def test_a_checkpoint_that_could_run_code_is_refused(one_voice, tmp_path, monkeypatch, capsys, allowed):
    import torch

    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", allowed)
    shutil.copy(one_voice / "config.json", tmp_path)
    torch.save({"model": RunsCode()}, tmp_path / "model.pth")
    with pytest.raises(BadInput, match=r"more than weights .*print.* could run code"):
        convert(engine(model=str(tmp_path)))
    assert "must not run" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("config", "message"),
    [("{", "no configuration"), ("{}", "names no `model`"), ('{"model": "bark"}', "can run code"), ("[]", "names no")],
)
def test_a_folder_that_is_no_model_is_told_at_construction(tmp_path, config, message):
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(BadInput, match=message):
        engine(model=str(tmp_path))


def test_a_choice_between_checkpoints_is_left_to_the_user(one_voice, tmp_path):
    shutil.copy(one_voice / "config.json", tmp_path)
    for name in ("checkpoint_1.pth", "checkpoint_2.pth"):
        (tmp_path / name).touch()
    with pytest.raises(BadInput, match=r"holds checkpoint_1\.pth, checkpoint_2\.pth: name the \.pth file"):
        engine(model=str(tmp_path))


def test_an_unknown_published_model_names_near_ones():
    with pytest.raises(BadInput, match=r"unknown Coqui model .*did you mean tts_models/en/ljspeech/vits"):
        convert(engine(model="tts_models/en/ljspeech/vitz"))


@settings(max_examples=15, deadline=None)
@given(st.text(max_size=1000) | st.text("abc defGH,.!?'’\n", max_size=1000))
def test_any_text_gives_a_clip_of_the_standard_or_a_clear_error(speaking, text):
    try:
        media = convert(speaking, text)
    except ConversionError:
        return
    assert_standard(media)
