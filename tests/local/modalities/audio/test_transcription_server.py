"""A real endpoint: the server of transformers with a tiny Whisper."""

import http.client
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from converters.text_to_speech.espeak import Espeak
from modalities.audio import AudioModality
from modalities.audio.transcriptions import OpenAITranscriptions
from safebench.errors import SafeBenchError
from safebench.plugins import Checking, Work
from safebench.rendering import recognise
from safebench.types import Media, Query
from tests.local import tiny_whisper

LONGEST_START = 90  # s
QUERY = Query("q", "How do tides work?")
COMMAND = Path(sys.executable).with_name("transformers")


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def wait_until_healthy(process, port):
    until = time.monotonic() + LONGEST_START
    while time.monotonic() < until and process.poll() is None:
        if is_healthy(port):
            return
        time.sleep(0.2)
    pytest.fail(f"the server did not start within {LONGEST_START} s (exit status {process.poll()})")


def is_healthy(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    pytest.importorskip("fastapi")
    pytest.importorskip("multipart")
    folder = tiny_whisper.whisper(tmp_path_factory.mktemp("served") / "whisper")
    port = free_port()
    command = [COMMAND, "serve", str(folder), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=environment, **quiet)
    try:
        wait_until_healthy(process, port)
        yield f"openai-transcriptions:{folder}@http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait(10)


@pytest.fixture(scope="module")
def clip():
    return Espeak().convert(Work(QUERY, QUERY.text))


def test_a_real_endpoint_transcribes(spec, clip):
    """Not as the local recogniser does: this server leaves it open whether the model transcribes or translates."""
    other = Espeak().convert(Work(Query("x", "Stop it now."), "Stop it now."))
    first = recognise(spec, clip)
    assert first
    assert recognise(spec, clip) == first != recognise(spec, other)


def test_what_a_random_model_hears_is_no_pass(spec, clip):
    checked = AudioModality().check(Checking(QUERY, clip, {"max_wer": 0.05}, recognise, spec))
    assert (checked.status, checked.recogniser) == ("failed", spec)
    assert checked.measures["wer"] > 0.5


def test_a_recording_that_it_cannot_read_is_an_error(spec):
    options = OpenAITranscriptions.Options(argument=spec.partition(":")[2], retries=0)
    with pytest.raises(SafeBenchError, match=r"answered 500|could not be asked"):
        OpenAITranscriptions(options).recognise(Media.of("audio", "audio/wav", b"no recording"))
