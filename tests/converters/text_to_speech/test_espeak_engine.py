import errno
import io
import json
import os

import pytest

from converters.text_to_speech.espeak_engine import read_frame, serve, write_frame
from converters.text_to_speech.forked import DONE, FAILED, OF_THE_SYSTEM, ChildFailed, raise_reason
from safebench.errors import is_of_the_system


def served(speak, *requests):
    asked, answers = io.BytesIO(), io.BytesIO()
    for request in requests:
        write_frame(asked, json.dumps(request).encode())
    asked.seek(0)
    serve(speak, asked, answers)
    answers.seek(0)
    return list(iter(lambda: read_frame(answers), None))


def test_each_request_gets_its_answer_in_order():
    assert served(lambda text: text.upper().encode(), {"text": "a"}, {"text": "bc"}) == [DONE + b"A", DONE + b"BC"]


def test_no_utterance_knows_of_the_one_before():
    said = []

    def speak(text):
        said.append(text)
        return str(len(said)).encode()

    assert served(speak, {"text": "a"}, {"text": "b"}) == [DONE + b"1", DONE + b"1"]


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (lambda: os._exit(4), b"it ended with exit status 4"),
        (lambda: os.kill(os.getpid(), 9), b"it crashed: SIGKILL"),
        (lambda: json.loads("{"), b"Expecting property name"),
    ],
)
def test_an_utterance_that_fails_is_told_and_the_next_is_spoken(failure, message):
    def speak(text):
        return failure() if text == "bad" else b"good"

    first, second = served(speak, {"text": "bad"}, {"text": "fine"})
    assert first.startswith(FAILED + message)
    assert second == DONE + b"good"


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "too many"), MemoryError()])
def test_a_machine_that_has_run_out_of_something_is_told_as_that(error):
    def speak(text):
        raise error

    (answer,) = served(speak, {"text": "a"})
    with pytest.raises(ChildFailed) as failed:
        raise_reason(answer)
    assert is_of_the_system(failed.value.__cause__)


def test_no_child_that_can_be_made_is_told_as_well(monkeypatch):
    def none(*_):
        raise OSError(errno.EMFILE, "too many")

    monkeypatch.setattr(os, "pipe", none)
    assert served(lambda text: b"", {"text": "a"}) == [OF_THE_SYSTEM + str(errno.EMFILE).encode()]


@pytest.mark.parametrize("cut", [0, 3, 4, 8])
def test_a_frame_that_is_cut_is_the_end(cut):
    pipe = io.BytesIO()
    write_frame(pipe, b"hello")
    assert read_frame(io.BytesIO(pipe.getvalue()[:cut])) is None
