from __future__ import annotations

import pytest

from safebench.errors import BadInput
from safebench.planning import choose_recognisers, transcribers


def test_recognisers_are_chosen_by_their_medium() -> None:
    chosen = choose_recognisers(["rapidocr", "openai-transcriptions:whisper-1@http://127.0.0.1:9/v1"])
    assert chosen == {"image": "rapidocr", "audio": "openai-transcriptions:whisper-1@http://127.0.0.1:9/v1"}


def test_answers_are_transcribed_by_those_that_can() -> None:
    whisper = "openai-transcriptions:whisper-1"
    assert transcribers({"image": "rapidocr", "audio": "pocketsphinx"}) == {"image": "rapidocr"}
    assert transcribers({"audio": whisper}) == {"audio": whisper}


@pytest.mark.parametrize(
    ("specs", "named"),
    [
        (["rapidcor"], "rapidocr"),
        (["pocketsphinx", "openai-transcriptions:whisper-1"], "both for audio"),
        (["rapidocr:large"], "argument"),
        (["openai-transcriptions"], "openai-transcriptions"),
    ],
)
def test_a_recogniser_that_cannot_work_is_found_before_the_run(specs: list[str], named: str) -> None:
    with pytest.raises(BadInput, match=named):
        choose_recognisers(specs)
