import os
import signal

import pytest

from converters.text_to_speech import espeak_client
from converters.text_to_speech.espeak_client import EspeakClient, voice_names
from converters.text_to_speech.forked import ChildFailed
from safebench.errors import BadInput

PACE = {"words_per_minute": 150}


@pytest.fixture
def client():
    client = EspeakClient("en-us+f5")
    yield client
    client.close()


def test_nothing_starts_before_the_first_request(client):
    assert client._process is None


def test_one_process_speaks_all(client):
    client.speak("One.", PACE)
    process = client._process
    client.speak("Two.", PACE)
    assert (client._process, process.poll(), client.rate) == (process, None, 22050)


def test_after_its_process_died_it_says_so_and_starts_again(client):
    said = client.speak("One.", PACE)
    os.kill(client._process.pid, signal.SIGKILL)
    with pytest.raises(ChildFailed, match="exit status -9"):
        client.speak("One.", PACE)
    assert client.speak("One.", PACE) == said


def test_a_request_that_is_interrupted_never_answers_the_next_one(client, monkeypatch):
    said = client.speak("One.", PACE)

    def interrupted(pipe):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(espeak_client, "_answer", interrupted)
        with pytest.raises(KeyboardInterrupt):
            client.speak("Quite another text.", PACE)
    assert client.speak("One.", PACE) == said


def test_closing_ends_the_process(client):
    client.speak("One.", PACE)
    process = client._process
    client.close()
    assert process.returncode is not None


def test_an_unknown_parameter_is_told(client):
    with pytest.raises(ChildFailed, match="loudness"):
        client.speak("One.", {"loudness": 3})


def test_a_voice_that_cannot_be_set_is_told():
    with pytest.raises(BadInput, match="could not be started: espeak_SetVoiceByName failed"):
        EspeakClient("nowhere").speak("One.", PACE)


def test_names_can_all_be_used_with_a_plus_between():
    names = voice_names()
    assert {"en-us", "de", "cmn"} <= set(names["voices"])
    assert {"f5", "m6", "whisper"} <= set(names["variants"])
    assert not {"f5", "whisper"} & set(names["voices"])
