import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.text_to_speech.transformers_tts import TransformersTts
from safebench import registry
from safebench.errors import BadInput, ConversionError
from safebench.plugins import Converter, Work
from safebench.types import Query
from tests.converters.text_to_speech.standard import assert_standard
from tests.local import tiny_models

TEXT = "how should i wash fresh fish?"


@pytest.fixture(scope="module")
def vits(tmp_path_factory):
    return tiny_models.transformers_vits(tmp_path_factory.mktemp("vits"))


@pytest.fixture(scope="module")
def speaking(vits):
    return engine(model=str(vits), speaker=0)


@pytest.fixture(scope="module")
def speecht5(tmp_path_factory):
    folder = tmp_path_factory.mktemp("speecht5")
    model, vocoder = tiny_models.transformers_speecht5(folder)
    np.save(folder / "voice.npy", np.linspace(-1, 1, 16, dtype=np.float32))
    return {"model": str(model), "vocoder": str(vocoder), "speaker_embedding": folder / "voice.npy"}


def engine(**options):
    return registry.create(Converter, "transformers-tts", "test", **{"device": "cpu", **options})


def convert(engine, text=TEXT, id="q9", **work):
    return engine.convert(Work(Query(id, text), text, **work))


def test_vits_gives_the_standard(speaking):
    assert_standard(convert(speaking))


def test_speecht5_gives_the_standard(speecht5):
    assert_standard(convert(engine(**speecht5)))


def test_same_text_same_bytes_whatever_was_said_before(speaking, vits):
    first = convert(speaking)
    convert(speaking, "something else", "q2")
    assert convert(speaking).sha256 == first.sha256
    assert convert(engine(model=str(vits), speaker="0")).sha256 == first.sha256


def test_speaker_seed_and_attempt_change_the_sound(speaking, vits):
    other = convert(engine(model=str(vits), speaker=1))
    clips = [other, convert(speaking), convert(speaking, seed=1), convert(speaking, attempt=1)]
    assert len({clip.sha256 for clip in clips}) == 4


@pytest.mark.parametrize(("text", "named"), [("50 fish", "'5' U.0035"), ("中 fish", "U.4E2D"), ("5 % _", "'%'.*'_'")])
def test_characters_that_would_be_dropped_are_named(speaking, text, named):
    with pytest.raises(ConversionError, match=f"query 'q9': the model's alphabet does not know .*{named}"):
        convert(speaking, text)


def test_marks_and_line_breaks_keep_words_apart(speaking):
    assert convert(speaking, "wash\n“fresh”—fish").sha256 == convert(speaking, "wash fresh fish").sha256


@pytest.mark.parametrize("text", ["", "  ", "?!", "a\x01"])
def test_nothing_to_say_is_a_clear_error(speaking, text):
    with pytest.raises(ConversionError, match="query 'q9'"):
        convert(speaking, text)


def test_a_text_longer_than_the_model_reads_is_never_cut(speecht5):
    with pytest.raises(ConversionError, match="300 tokens, and the model reads 100"):
        convert(engine(**speecht5), "fish" * 75)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "has 2 speakers: name one with `speaker`, 0 to 1"),
        ({"speaker": 2}, "unknown speaker 2 .* numbers 0 to 1"),
        ({"speaker": "anna"}, "unknown speaker 'anna'"),
        ({"speaker": 0, "language": "de"}, "takes no `language`"),
        ({"speaker": 0, "vocoder": "some/vocoder"}, "leave out `vocoder`"),
        ({"speaker": 0, "device": "tpu"}, "device 'tpu' cannot be used"),
    ],
)
def test_a_voice_that_the_model_lacks_is_told(vits, options, message):
    with pytest.raises(BadInput, match=message):
        convert(engine(model=str(vits), **options))


@pytest.mark.parametrize(("missing", "message"), [("vocoder", "name a `vocoder`"), ("speaker_embedding", "needs a")])
def test_what_speecht5_needs_is_told(speecht5, missing, message):
    with pytest.raises(BadInput, match=message):
        convert(engine(**{name: value for name, value in speecht5.items() if name != missing}))


def test_an_embedding_that_could_hold_code_is_never_loaded(speecht5, tmp_path):
    np.save(tmp_path / "voice.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(BadInput, match=r"no .npy file with numbers"):
        engine(**speecht5 | {"speaker_embedding": tmp_path / "voice.npy"})


def test_an_embedding_of_another_size_is_told(speecht5, tmp_path):
    np.save(tmp_path / "voice.npy", np.ones(7, np.float32))
    with pytest.raises(BadInput, match="has 7 numbers, and the model takes 16"):
        convert(engine(**speecht5 | {"speaker_embedding": tmp_path / "voice.npy"}))


def test_weights_that_are_pickles_are_refused(vits, tmp_path):
    import torch

    for file in vits.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(BadInput, match=r"cannot be loaded: .*safetensors"):
        convert(engine(model=str(tmp_path), speaker=0))


def test_a_model_that_answers_instead_of_reading_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "qwen2_5_omni"}))
    with pytest.raises(BadInput, match="does not read a text aloud"):
        convert(engine(model=str(tmp_path)))


def test_a_path_that_does_not_exist_is_never_looked_for_elsewhere():
    with pytest.raises(BadInput, match=r"model '\./nowhere' does not exist"):
        engine(model="./nowhere")


@settings(max_examples=15, deadline=None)
@given(st.text(max_size=1000) | st.text("abc defgh,.'’\n", max_size=1000))
def test_any_text_gives_a_clip_of_the_standard_or_a_clear_error(speaking, text):
    try:
        media = convert(speaking, text)
    except ConversionError:
        return
    assert_standard(media)


def test_the_version_names_the_libraries():
    assert "transformers 5" in TransformersTts.version
    assert "torch 2" in TransformersTts.version
