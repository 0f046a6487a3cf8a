import errno
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.text_to_speech import espeak_client
from converters.text_to_speech.espeak import Espeak, speakable
from converters.text_to_speech.espeak_client import EspeakClient
from converters.text_to_speech.forked import ChildFailed, reason
from safebench.errors import BadInput, ConversionError, raise_of_the_system
from safebench.plugins import Work
from safebench.types import Query
from tests.converters.text_to_speech.standard import assert_standard

ROOT = Path(__file__).parents[3]
TEXT = "How should I wash fresh fish?"


def convert(text=TEXT, **options):
    return Espeak(Espeak.Options(**options)).convert(Work(Query("q9", text), text))


def samples(media):
    return soundfile.read(io.BytesIO(media.read()))


def in_another_process(text, voice):
    code = (
        "from converters.text_to_speech.espeak import Espeak as E; from safebench.plugins import Work;"
        f"from safebench.types import Query; e = E(E.Options(voice={voice!r}));"
        f"print(e.convert(Work(Query('x', ''), {text!r})).sha256)"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_gives_mono_wav_at_the_wanted_rate():
    media = convert(sample_rate=24000)
    info = soundfile.info(io.BytesIO(media.read()))
    assert (media.medium, media.mime) == ("audio", "audio/wav")
    assert (info.format, info.channels, info.samplerate) == ("WAV", 1, 24000)
    assert 1.0 < info.duration < 4.0


def test_same_text_same_bytes_whatever_was_said_before():
    hashes = set()
    for number in range(20):
        convert(f"Something else, number {number}.", voice="en-us+m6")
        hashes.add(convert().sha256)
    assert len(hashes) == 1


@pytest.mark.parametrize("voice", ["en-us+f5", "en-us+whisper", "en-us+m6"])
def test_same_bytes_in_another_process_for_breathy_voices_too(voice):
    assert in_another_process(TEXT, voice) == convert(voice=voice).sha256


def test_voice_and_pitch_change_the_sound():
    assert len({convert(**o).sha256 for o in ({}, {"voice": "en-us+m6"}, {"pitch": 80})}) == 3


def test_a_faster_pace_gives_a_shorter_clip():
    slow, fast = (len(samples(convert(words_per_minute=pace))[0]) for pace in (100, 300))
    assert fast < 0.7 * slow


def test_the_margin_is_silence_at_both_ends():
    heard, rate = samples(convert(margin=0.5))
    loud = np.flatnonzero(np.abs(heard) > 0.005)
    assert loud[0] / rate == pytest.approx(0.5, abs=0.05)
    assert (len(heard) - loud[-1]) / rate == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("voice", "message"),
    [
        ("en-uss", "unknown espeak-ng voice 'en-uss' in voice 'en-uss'; did you mean en-us"),
        ("en-us+f55", "unknown espeak-ng voice variant 'f55' in voice 'en-us[+]f55'; did you mean f5"),
        ("en-us+", "variant ''"),
        ("f5", "unknown espeak-ng voice 'f5'"),
        ("", "unknown espeak-ng voice ''"),
    ],
)
def test_an_unknown_voice_fails_at_construction_and_names_near_ones(voice, message):
    with pytest.raises(BadInput, match=message):
        Espeak(Espeak.Options(voice=voice))


@pytest.mark.parametrize("text", ["", "  \n", "?!… —", "😀👍", "a" * 20_001, "a\x01b", "a\ud800b", "Привет", "日"])
def test_what_cannot_be_spoken_faithfully_names_the_query(text):
    with pytest.raises(ConversionError, match="query 'q9'"):
        convert(text)


def test_a_foreign_script_is_named_with_the_way_out():
    with pytest.raises(
        ConversionError, match=r"'中' U\+4E2D .*does not read; name one of the text's language with `voice`"
    ):
        speakable("Say 中文 now", "en-us+f5")


@pytest.mark.parametrize(
    ("text", "voice"), [("5 µm and π", "en-us"), ("2 m² at 1ª", "en"), ("naïve Łódź", "en-us+m6"), ("Привет", "ru+f2")]
)
def test_names_of_single_letters_and_texts_of_the_voices_script_are_spoken(text, voice):
    assert speakable(text, voice) == text
    assert len(samples(convert(text, voice=voice))[0]) > 8000


def test_markup_is_text_like_any_other():
    assert convert("a < b and <b>c</b>").size > convert("a b and c").size


def test_an_engine_that_fails_is_a_conversion_error_that_names_the_query(monkeypatch):
    def fail(*_):
        raise ChildFailed("it crashed: SIGSEGV")

    converter = Espeak()
    monkeypatch.setattr(EspeakClient, "speak", fail)
    with pytest.raises(ConversionError, match="query 'q9': espeak-ng could not speak the text: it crashed: SIGSEGV"):
        converter.convert(Work(Query("q9", TEXT), TEXT))


def test_a_machine_without_a_file_handle_left_fails_no_query(monkeypatch):
    """The engine's own process has none: the error comes back as what it is, and not as a text that cannot be said."""
    convert()  # its process is there
    answer = reason(OSError(errno.EMFILE, "Too many open files"))
    read = espeak_client.read_frame  # the real answer is taken from the pipe: it would be the next one's
    monkeypatch.setattr(espeak_client, "read_frame", lambda pipe: answer if read(pipe) else None)
    with pytest.raises(ConversionError) as failed:
        convert()
    with pytest.raises(OSError, match="Too many open files"):
        raise_of_the_system(failed.value)  # as the boundary of rendering does


def test_the_version_names_the_engines_package():
    assert "espeakng-loader 0." in Espeak.version


@pytest.mark.parametrize("options", [{}, {"voice": "en-us+whisper"}, {"sample_rate": 8000}, {"margin": 0.0}])
def test_every_voice_gives_the_output_standard(options):
    assert_standard(convert(**options), rate=options.get("sample_rate", 16000), margin=options.get("margin", 0.25))


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=1000))
def test_any_text_gives_a_clip_of_the_standard_or_a_clear_error(text):
    try:
        media = convert(text)
    except ConversionError:
        return
    assert_standard(media)


def test_a_clip_longer_than_wanted_is_refused():
    with pytest.raises(ConversionError, match=r"query 'q9': the clip lasts .* max_seconds is 1"):
        convert(max_seconds=1.0)
