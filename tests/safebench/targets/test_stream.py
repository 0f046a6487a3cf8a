"""Answers that come as server-sent events."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from safebench.targets.stream import is_stream, put_together


def chunk(delta: Any = None, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": delta or {}, "finish_reason": finish}], **more}


def stream(*chunks: Any, done: bool = True, end: str = "\n\n") -> bytes:
    events = [json.dumps(one) for one in chunks] + ["[DONE]"] * done
    return "".join(f"data: {event}{end}" for event in events).encode()


HELLO = [chunk({"role": "assistant", "content": "Flour and "}), chunk({"content": "water."}, "stop")]


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\r\r"])
def test_an_answer_is_put_together(end: str) -> None:
    whole = put_together(stream(*HELLO, {"choices": [], "usage": {"prompt_tokens": 3}, "model": "m"}, end=end))
    (choice,) = whole["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Flour and water.", "stop")
    assert (whole["usage"], whole["model"]) == ({"prompt_tokens": 3}, "m")


def test_comments_names_and_data_in_several_lines_are_read_as_the_standard_says() -> None:
    first, last = json.dumps(HELLO[0]), json.dumps(HELLO[1], indent=1).replace("\n", "\ndata:")
    body = f": PROCESSING\n\nevent: message\nid: 1\ndata:{first}\n\n: hm\ndata: {last}\n\ndata: [DONE]"
    assert put_together(body.encode())["choices"][0]["message"]["content"] == "Flour and water."


def test_choices_thinking_and_lists_stay_apart() -> None:
    chunks = [
        chunk({"reasoning": "I "}),
        chunk({"content": "One"}, index=1),
        chunk({"reasoning": "think.", "content": None}),
        chunk({"content": [{"type": "text", "text": "a"}]}, "stop"),
        chunk({"content": "."}, "stop", index=1),
    ]
    first, second = put_together(stream(*chunks, done=False))["choices"]
    assert first["message"] == {"reasoning": "I think.", "content": [{"type": "text", "text": "a"}]}
    assert second["message"]["content"] == "One."


@pytest.mark.parametrize("cut", [3, 4, 5, 8])
@pytest.mark.parametrize("padded", [True, False])
def test_a_spoken_answer_is_one_recording(cut: int, padded: bool) -> None:
    wav = b"RIFF\x24\x00\x00\x00WAVEfmt spoken"
    text = base64.b64encode(wav).decode()
    pieces = [base64.b64encode(wav[i : i + cut]).decode() for i in range(0, len(wav), cut)]
    cuts = pieces if padded else [text[i : i + cut] for i in range(0, len(text), cut)]
    chunks = [chunk({"audio": {"id": "a", "data": piece, "transcript": "w"}}) for piece in cuts]
    spoken = put_together(stream(*chunks))["choices"][0]["message"]["audio"]
    assert base64.b64decode(spoken["data"]) == wav
    assert spoken["transcript"] == "w" * len(cuts)


@pytest.mark.parametrize(
    "body",
    [
        stream(HELLO[0], done=False),  # neither a reason nor the end
        stream(HELLO[1], chunk({"content": "more"}, index=1), done=False),
        b"data: {",
        b"data: 1\n\ndata: [DONE]\n\n",
        b"data: [DONE]\n\n",
        b": nothing\n\n",
        b'data: {"choices": [3]}\n\ndata: [DONE]\n\n',
    ],
)
def test_what_broke_off_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"stream|JSON|Expecting"):
        put_together(body)


def test_an_error_in_the_midst_is_all_that_is_left() -> None:
    failed = {"error": {"code": 502, "message": "gone"}, "choices": [{"delta": {}, "finish_reason": "error"}]}
    assert put_together(stream(HELLO[0], failed)) == {"error": {"code": 502, "message": "gone"}}


def test_a_stream_is_known_by_its_type_or_its_first_line() -> None:
    assert is_stream("text/event-stream; charset=utf-8", b"")
    assert is_stream("application/json", b"\ndata: {}")
    assert not is_stream("application/json", b'{"data": 1}')


def test_the_time_to_read_grows_with_the_length_alone() -> None:
    body = stream(*[chunk({"content": "ab"})] * 20_000)
    begun = time.perf_counter()
    assert len(put_together(body)["choices"][0]["message"]["content"]) == 40_000
    assert time.perf_counter() - begun < 10
