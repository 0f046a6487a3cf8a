import io
import json
import os

import pytest

from converters.text_to_speech.espeak_engine import DONE, FAILED, read_frame, serve, write_frame


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


@pytest.mark.parametrize("cut", [0, 3, 4, 8])
def test_a_frame_that_is_cut_is_the_end(cut):
    pipe = io.BytesIO()
    write_frame(pipe, b"hello")
    assert read_frame(io.BytesIO(pipe.getvalue()[:cut])) is None
