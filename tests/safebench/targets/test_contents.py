"""Answers in the shapes that endpoints send, read as a whole: what is not read is an error."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from safebench.models.families import plain
from safebench.targets import answers
from safebench.targets.contents import UnreadAnswer
from safebench.targets.endpoint_forms import as_chat
from safebench.targets.messages import media_encoders
from safebench.types import Response
from tests.media_files import recorded

CLIP = recorded(np.sin(np.arange(16000) / 20), kind="WAV")
DATA = base64.b64encode(CLIP).decode()
T = "Mix flour, water and yeast, then bake the bread for an hour."
SORRY = "I'm sorry, I can't help with that."
AUDIO = {"id": "a", "data": DATA, "transcript": T, "expires_at": 1}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


def choice(content: Any, finish: str | None = "stop", **message: Any) -> dict[str, Any]:
    return {"finish_reason": finish, "message": {"role": "assistant", "content": content, **message}}


def read(*choices: Mapping[str, Any], **body: Any) -> Response:
    return answers.read({"choices": list(choices), **body}, media_encoders("openai", {}), plain())


@pytest.mark.parametrize(
    ("choices", "text", "clips"),
    [
        ([choice(SORRY), choice(None, audio=AUDIO)], f"{SORRY}\n{T}", 1),
        ([choice(None), choice(None, audio=AUDIO)], T, 1),
        ([choice(T), choice(T.upper())], T, 0),
        ([choice(SORRY), choice(T)], f"{SORRY}\n{T}", 0),
        ([choice([{"type": "text", "text": "Here:"}, {"type": "audio", "audio": AUDIO}])], f"Here:\n{T}", 1),
        ([choice([{"type": "output_audio", "data": DATA, "transcript": T}])], T, 1),
        ([choice([{"type": "output_text", "text": "A"}, {"type": "output_text", "text": "B"}])], "AB", 0),
        ([choice(["A", {"type": "text", "text": "B"}])], "AB", 0),
        ([choice({"type": "text", "text": {"value": "A"}})], "A", 0),
        ([choice([{"type": "refusal", "refusal": SORRY}])], SORRY, 0),
        ([choice(T, audio={"id": "a", "data": "", "transcript": ""})], T, 0),
        ([choice(T, audio=False, images=[], tool_calls=None, annotations=[], provider_specific_fields={"a": 1})], T, 0),
    ],
)
def test_all_that_was_answered_is_read(choices: list[dict[str, Any]], text: str, clips: int) -> None:
    response = read(*choices)
    assert (response.status, response.text, len(response.media)) == ("answered", text, clips)
    assert all(media.read() == CLIP for media in response.media)


@pytest.mark.parametrize(
    "message",
    [
        {"content": [{"type": "text", "text": T}, {"type": "video", "video": {"url": "https://a.example"}}]},
        {"content": [{"type": "text", "text": T}, {"kind": "unheard of"}]},
        {"content": [{"type": "image_url", "image_url": {"url": "https://a.example/a.png"}}]},
        {"content": T, "tool_calls": [{"function": {"name": "mail", "arguments": "{}"}}]},
        {"content": T, "images": [PICTURE, {"image_url": {"url": "https://a.example/a.png"}}]},
        {"content": T, "video": {"url": "https://a.example/a.mp4"}},
        {"content": T, "vendors_own": {"clips": [{"b64_json": "A" * 300}]}},
        {"content": T, "vendors_own": "data:audio/wav;base64,AAAA"},
    ],
)
def test_what_is_not_read_is_an_error_of_its_own(message: dict[str, Any]) -> None:
    with pytest.raises(UnreadAnswer, match="not read"):
        read({"finish_reason": "stop", "message": message})


@pytest.mark.parametrize("field", ["answer", "vendors_own", "text", "output"])
@pytest.mark.parametrize("value", [T, {"deep": [{"inside": T}]}, "先把面粉和水混合，揉成面团，" * 4])
def test_a_long_text_in_a_field_that_nobody_knows_is_an_error_of_its_own(field: str, value: object) -> None:
    for told in (choice("Here it is.", **{field: value}), {**choice("Here it is."), field: value}):
        with pytest.raises(UnreadAnswer, match="not read"):
            read(told)


def test_an_answer_beside_the_messages_is_read_or_an_error_of_its_own() -> None:
    for response in (read({**choice(SORRY), "audio": AUDIO}), read(choice(SORRY), audio=AUDIO)):
        assert (response.text, [media.read() for media in response.media]) == (f"{SORRY}\n{T}", [CLIP])
    with pytest.raises(UnreadAnswer, match="not read"):
        read(choice(SORRY), output=T)


def test_what_endpoints_say_of_an_answer_is_no_answer() -> None:
    about = {"annotations": [{"type": "url_citation", "title": T}], "signature": "c2lnbmF0dXJl" * 20, "model": "m 1"}
    assert as_chat({"choices": [{**choice(T), "text": T}]}) == {"choices": [choice(T)]}
    response = read({**choice(T, **about), "logprobs": {"content": [{"token": T}]}}, id="x" * 80, warnings=[T])
    assert response.text == T


@pytest.mark.parametrize(
    "message",
    [
        {"content": 7},
        {"content": [7]},
        {"content": [{"type": "text", "text": ["no"]}]},
        {"content": None, "refusal": ["no"]},
        {"content": T, "audio": {"id": "only"}},
    ],
)
def test_what_is_malformed_is_no_answer(message: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"malformed|no data"):
        read({"finish_reason": "stop", "message": message})


@pytest.mark.parametrize(
    "thought",
    [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "reasoning", "text": "Hm."},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
    ],
)
def test_thinking_in_parts_is_kept_apart(thought: dict[str, Any]) -> None:
    response = read(choice([thought, {"type": "text", "text": T}]))
    assert (response.text, response.thinking) == (T, "Hm.")
    details = read(choice(T, reasoning_details=[{"type": "reasoning.text", "text": "Hm."}]))
    assert (details.text, details.thinking) == (T, "Hm.")


def test_an_answer_beside_a_filters_stop_is_judged_and_a_cut_one_is_known() -> None:
    assert read(choice(None, "content_filter"), choice(T)).status == "answered"
    assert read(choice(None, "content_filter"), choice(None, "content_filter")).status == "blocked"
    assert read(choice(SORRY), choice(T, "length")).finish == "length"
    with pytest.raises(ValueError, match="broke off"):
        read(choice(T), choice("half", "error"))
