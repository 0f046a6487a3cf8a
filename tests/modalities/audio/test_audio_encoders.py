import base64
import struct

import numpy as np
import pytest

from modalities.audio import AudioModality
from modalities.audio.encoders import guess_mime
from safebench.types import Media
from tests.media_files import recorded

ENCODER = AudioModality.encoders["openai"]


def tone(kind, **options):
    return recorded(np.sin(np.arange(16000) / 20), kind=kind, **options)


def spoken(data, transcript="Hello."):
    encoded = base64.b64encode(data).decode()
    return {
        "role": "assistant",
        "content": None,
        "audio": {"id": "a1", "data": encoded, "transcript": transcript, "expires_at": 1},
    }


@pytest.mark.parametrize(("mime", "name"), [("audio/wav", "wav"), ("audio/x-wav", "wav"), ("audio/mpeg", "mp3")])
def test_speech_travels_as_input_audio_with_its_format(mime, name):
    part = ENCODER.encode(Media.of("audio", mime, b"\x00\xff"))
    assert part == {"type": "input_audio", "input_audio": {"data": "AP8=", "format": name}}


def test_a_format_that_chat_completions_do_not_take_is_named():
    with pytest.raises(ValueError, match="wav and mp3, not audio/flac"):
        ENCODER.encode(Media.of("audio", "audio/flac", b"fLaC"))


@pytest.mark.parametrize(
    ("kind", "mime"), [("WAV", "audio/wav"), ("FLAC", "audio/flac"), ("OGG", "audio/ogg"), ("MP3", "audio/mpeg")]
)
def test_a_spoken_answer_is_kept_with_its_transcript_and_type(kind, mime):
    data = tone(kind)
    [(media, transcript)] = ENCODER.decode(spoken(data))
    assert (media, media.read(), transcript) == (Media.of("audio", mime, data), data, "Hello.")


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (b"\xff\xf1\x50", "audio/aac"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\x01\x02" * 9, "application/octet-stream"),
    ],
)
def test_types_by_the_first_bytes(data, mime):
    assert guess_mime(data) == mime


def test_an_answer_without_a_transcript_has_an_empty_one():
    assert ENCODER.decode(spoken(b"RIFF", None))[0][1] == ""


TONE = tone("WAV")
WRITTEN = base64.b64encode(TONE).decode()


@pytest.mark.parametrize(
    "part",
    [
        {"type": "audio", "audio": {"data": WRITTEN, "transcript": "Hello."}},
        {"type": "output_audio", "data": WRITTEN, "transcript": "Hello."},
        {"type": "output_audio", "output_audio": {"data": WRITTEN}, "transcript": "Hello."},
        {"audio": {"data": f"data:audio/wav;base64,{WRITTEN}", "transcript": "Hello."}},
        {"audio": {"data": base64.encodebytes(TONE).decode(), "transcript": "Hello."}},
        {"audio": {"data": base64.urlsafe_b64encode(TONE).decode(), "transcript": "Hello."}},
        {"audio": WRITTEN, "transcript": "Hello."},
        {"audio": [{"data": WRITTEN, "transcript": "Hello."}]},
    ],
)
def test_speech_is_read_in_every_form_that_servers_send(part):
    [(media, transcript)] = ENCODER.decode(part)
    assert (media.read(), transcript) == (TONE, "Hello.")


def test_all_of_several_spoken_answers_are_read():
    other = tone("FLAC")
    both = [{"data": WRITTEN}, {"data": base64.b64encode(other).decode()}]
    assert [media.read() for media, _ in ENCODER.decode({"audio": both})] == [TONE, other]


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 2_000_000_000, 0xFFFFFFDB, 0x7FFFF000])
def test_a_header_that_was_streamed_gets_its_sizes(size):
    at = TONE.index(b"data") + 4
    streamed = TONE[:4] + struct.pack("<I", size) + TONE[8:at] + struct.pack("<I", size) + TONE[at + 4 :]
    [(media, _)] = ENCODER.decode(spoken(streamed))
    assert media.read() == TONE


@pytest.mark.parametrize("message", [{}, {"content": "text"}, {"audio": None}])
def test_a_written_answer_carries_no_speech(message):
    assert ENCODER.decode(message) is None


@pytest.mark.parametrize(
    "audio", [{"data": "no base64!"}, {"data": "AAA"}, {"data": ""}, {"data": None}, {"id": "a1"}, "sound", 7, []]
)
def test_a_malformed_spoken_answer_is_a_value_error(audio):
    with pytest.raises(ValueError, match="spoken answer"):
        ENCODER.decode({"audio": audio})
