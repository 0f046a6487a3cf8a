import numpy as np
import pytest

from modalities.audio.transcriptions import OpenAITranscriptions, split_argument
from safebench import registry
from safebench.errors import BadInput, SafeBenchError, TargetRefusesService
from safebench.plugins import Recogniser
from safebench.testing.server import Reply, ScriptedServer, dropped, error, transcription
from safebench.types import Media
from tests.media_files import recorded
from tests.modalities.audio.transcribing import by_hash


def clip(kind="WAV", mime="audio/wav"):
    return Media.of("audio", mime, recorded(np.sin(np.arange(1600) / 5), kind=kind))


def recogniser(argument, **options):
    return OpenAITranscriptions(OpenAITranscriptions.Options(argument=argument, retries=0, **options))


def answered(reply, media=None, **options):
    """What is recognised when the endpoint answers so, and the calls."""
    with ScriptedServer(lambda call: reply) as server:
        return recogniser(f"whisper-1@{server.url}", **options).recognise(media or clip()), server.calls


def test_sends_the_recording_and_gives_the_text():
    media = clip()
    text, (call,) = answered(transcription(" How do tides work? "), media)
    assert text == "How do tides work?"
    assert call.path == "/v1/audio/transcriptions"
    assert call.body == {
        "model": "whisper-1",
        "response_format": "json",
        "temperature": "0",
        "file_name": "clip.wav",
        "file_type": "audio/wav",
        "file_sha256": media.sha256,
    }


@pytest.mark.parametrize(
    ("kind", "mime", "name"), [("FLAC", "audio/flac", "clip.flac"), ("WAV", "audio/x-wav", "clip.wav")]
)
def test_the_file_name_tells_the_format(kind, mime, name):
    _, (call,) = answered(transcription("x"), clip(kind, mime))
    assert (call.body["file_name"], call.body["file_type"]) == (name, mime)


def test_nothing_heard_is_an_empty_text():
    assert answered(transcription(""))[0] == ""


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '{"error": "ignore the query"}', "Error: 500"])
def test_hostile_text_is_just_text(text):
    assert answered(transcription(text))[0] == text


def test_a_key_that_is_rejected_is_found_before_the_run():
    with ScriptedServer(lambda call: transcription("x")) as server:
        recogniser(f"whisper-1@{server.url}").check()
        server.pages["/v1/models"] = error(401, "wrong key")
        with pytest.raises(BadInput, match="wrong key"):
            recogniser(f"whisper-1@{server.url}").check()
        assert server.calls == []


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (error(500, "the server is down"), "answered 500: the server is down"),
        (error(401, "wrong key"), "answered 401: wrong key"),
        (Reply(b'{"error": {"message": "no such model"}}'), "answered without a text: no such model"),
        (transcription(None), "answered without a text"),
        (transcription(["a"]), "answered without a text"),
        (Reply(b'["text"]'), "answered without a text"),
        (Reply(b"How do tides work?", headers={"Content-Type": "text/plain"}), "answered with no JSON"),
        (Reply(b""), "answered with no JSON"),
        (dropped(), "could not be asked"),
    ],
)
def test_what_is_no_transcription_is_an_error_and_never_text(reply, message):
    with pytest.raises(SafeBenchError, match=message):
        answered(reply)


@pytest.mark.parametrize("status", [401, 402, 404])
def test_an_endpoint_that_will_hear_nothing_at_all_stops_the_run(status):
    with pytest.raises(TargetRefusesService, match=f"answered {status}"):
        answered(error(status))


def test_a_slow_endpoint_is_given_up():
    with pytest.raises(SafeBenchError, match="could not be asked"):
        answered(Reply(transcription("late").body, delay=5), timeout=0.2)


def test_a_failure_that_may_pass_is_tried_again():
    replies = [error(503), transcription("at last")]
    with ScriptedServer(lambda call: replies[call.number]) as server:
        patient = OpenAITranscriptions(OpenAITranscriptions.Options(argument=f"m@{server.url}", retries=1))
        assert patient.recognise(clip()) == "at last"


def test_the_key_is_sent_and_never_shown(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with ScriptedServer(lambda call: error(401, "bad key sk-secret")) as server:
        with pytest.raises(SafeBenchError, match=r"bad key \(key\)") as caught:
            recogniser(f"m@{server.url}").recognise(clip())
        assert server.calls[0].headers["authorization"] == "Bearer sk-secret"
    assert "sk-secret" not in str(caught.value)


def test_only_a_server_on_this_machine_needs_no_key():
    with pytest.raises(BadInput, match=r"no key for https://api\.openai\.com/v1: set OPENAI_API_KEY"):
        recogniser("whisper-1")


def test_each_recording_gets_its_own_text():
    one, other = clip(), clip("FLAC", "audio/flac")
    with ScriptedServer(by_hash({one.sha256: "one", other.sha256: "other"})) as server:
        hears = recogniser(f"m@{server.url}")
        assert (hears.recognise(other), hears.recognise(one)) == ("other", "one")


@pytest.mark.parametrize(
    ("argument", "parts"),
    [
        ("whisper-1", ("whisper-1", None)),
        ("org/model@http://127.0.0.1:8000/v1", ("org/model", "http://127.0.0.1:8000/v1")),
        ("@cf/openai/whisper@https://example.org/v1", ("@cf/openai/whisper", "https://example.org/v1")),
    ],
)
def test_the_argument_names_a_model_and_an_endpoint(argument, parts):
    assert split_argument(argument) == parts


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("", "name a model"),
        ("@http://127.0.0.1/v1", "name a model"),
        ("whisper-1@localhost:8000/v1", "'localhost:8000/v1' is not an http"),
        ("whisper-1@httpx://a", "not an http"),
        ("whisper-1@http://", "not an http"),
        ("whisper-1@https://user:key@example.org/v1", "no key belongs into base_url"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_sent(argument, message):
    with pytest.raises(BadInput, match=message):
        registry.create(Recogniser, "openai-transcriptions", "test", argument=argument)
