import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.text_to_speech.openai_speech import OpenAISpeech
from safebench.errors import BadInput, ConversionError, TargetRefusesService
from safebench.plugins import Work
from safebench.testing.server import Reply, ScriptedServer, dropped, error
from safebench.types import Query
from tests.converters.text_to_speech.standard import assert_standard
from tests.media_files import recorded

TEXT = "How should I wash fresh fish?"


def clip(samples=None, rate=24000):
    return recorded(0.2 * np.sin(2 * np.pi * 300 * np.arange(rate) / rate) if samples is None else samples, rate)


def speech(body=None):
    return Reply(body=clip() if body is None else body, headers={"Content-Type": "audio/wav"})


def converter(server, **options):
    given = {"model": "tts", "voice": "alloy", "base_url": server.url, "retries": 0, **options}
    return OpenAISpeech(OpenAISpeech.Options(**given))


def convert(server, text=TEXT, **options):
    return converter(server, **options).convert(Work(Query("q9", text), text))


def test_gives_the_standard_from_what_the_endpoint_said(serve):
    server = serve(lambda call: speech())
    assert_standard(convert(server))
    (call,) = server.calls
    assert call.path == "/v1/audio/speech"
    assert call.body == {"model": "tts", "voice": "alloy", "input": TEXT, "response_format": "wav"}


def test_instructions_and_speed_are_sent(serve):
    server = serve(lambda call: speech())
    convert(server, instructions="softly", speed=0.5)
    assert (server.calls[0].body["instructions"], server.calls[0].body["speed"]) == ("softly", 0.5)


def test_a_streamed_wav_that_does_not_know_its_length_is_whole(serve):
    streamed = bytearray(clip())
    streamed[4:8] = streamed[40:44] = struct.pack("<I", 0xFFFFFFFF)
    assert convert(serve(lambda call: speech(bytes(streamed)))).sha256 == convert(serve(lambda call: speech())).sha256


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (speech(b""), "is empty"),
        (Reply(json.dumps({"error": {"message": "no voice today"}}).encode()), "instead of speech: no voice today"),
        (speech(b'{"error": "busy"}'), "instead of speech: busy"),
        (Reply(b"<html>Sign in</html>", headers={"Content-Type": "text/html"}), "instead of speech: <html>Sign in"),
        (speech(b"ID3 but nothing else"), "no recording that can be decoded"),
        (speech(clip()[:9000]), "is cut: 8956 of 48000 bytes"),
        (speech(clip(np.zeros(0))), "no samples"),
        (speech(clip(np.zeros(24000))), "silent clip"),
        (error(400, "input is too long"), "answered 400: input is too long"),
        (error(500, "boom"), "answered 500: boom"),
        (dropped(), "Connection error"),
    ],
)
def test_what_is_no_speech_is_never_a_clip(serve, reply, message):
    with pytest.raises(ConversionError, match=f"query 'q9': .*{message}"):
        convert(serve(lambda call: reply))


@settings(max_examples=40, deadline=None)
@given(
    text=st.text(max_size=300) | st.text("abc defGH,.!?'’\n", min_size=1, max_size=300),
    seed=st.integers(0, 2**32 - 1),
    seconds=st.floats(0.4, 2.0),
    level=st.floats(-60, 0),
    rate=st.sampled_from([8000, 16000, 24000, 44100, 48000]),
    channels=st.integers(1, 2),
    subtype=st.sampled_from(["PCM_16", "PCM_24", "FLOAT"]),
)
def test_whatever_an_endpoint_says_the_clip_keeps_the_standard_or_there_is_none(
    text, seed, seconds, level, rate, channels, subtype
):
    random = np.random.default_rng(seed)
    shape = np.repeat(random.uniform(0, 1, 8), 1 + round(seconds * rate) // 8)[:, None]
    sound = 10 ** (level / 20) * shape * random.uniform(-1, 1, (shape.size, channels))
    with ScriptedServer(lambda call: speech(recorded(sound, rate, subtype=subtype))) as server:
        try:
            made = convert(server, text)
        except ConversionError:
            return
    assert_standard(made)


def test_a_busy_endpoint_is_asked_again(serve):
    server = serve(lambda call: speech() if call.number else error(429, retry_after_ms="1"))
    assert_standard(convert(server, retries=1))
    assert len(server.calls) == 2


def test_an_endpoint_that_hangs_is_given_up(serve):
    with pytest.raises(ConversionError, match="timed out"):
        convert(serve(lambda call: Reply(delay=20)), timeout=0.2)


@pytest.mark.parametrize("text", ["", "  \n", "?!", "a\x01"])
def test_what_nobody_could_speak_is_not_even_asked(serve, text):
    server = serve(lambda call: speech())
    with pytest.raises(ConversionError, match="query 'q9'"):
        convert(server, text)
    assert not server.calls


def test_elsewhere_a_key_is_needed_before_anything_is_asked():
    with pytest.raises(BadInput, match=r"no key for https://api.openai.com/v1: set OPENAI_API_KEY"):
        OpenAISpeech(OpenAISpeech.Options(model="tts", voice="alloy"))


def test_the_key_comes_from_the_named_variable_and_is_never_shown(serve, monkeypatch):
    monkeypatch.setenv("VOICE_KEY", "sk-secret")
    server = serve(lambda call: error(401, "wrong key sk-secret"))
    with pytest.raises(TargetRefusesService, match="answered 401: wrong key") as raised:
        convert(server, api_key_env="VOICE_KEY")
    assert server.calls[0].headers["authorization"] == "Bearer sk-secret"
    assert "sk-secret" not in str(raised.value)


def test_a_url_that_is_none_is_told():
    with pytest.raises(BadInput, match="not an http"):
        OpenAISpeech(OpenAISpeech.Options(model="tts", voice="alloy", base_url="ftp://somewhere"))
