"""Anthropic's Message Batches: what is asked in their form, and what their results mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from safebench.errors import BadInput
from safebench.plugins import TargetSetup
from safebench.targets.batch_files import ReplyFiles, RequestFiles
from safebench.targets.message_batches import as_row, params_of
from safebench.targets.openai import OpenAITarget
from safebench.types import Media, Message, Request, Text
from tests.end_to_end.batches import rows, write

CHAT = "/v1/chat/completions"
HELLO = {"model": "claude-opus-4-6", "messages": [{"role": "user", "content": "Hello, world"}]}
# As https://docs.claude.com/en/docs/build-with-claude/batch-processing has them (November 2026).
PARAMS = {"model": "claude-opus-4-6", "max_tokens": 1024, "messages": [{"role": "user", "content": "Hello, world"}]}
SUCCEEDED = {
    "custom_id": "my-second-request",
    "result": {
        "type": "succeeded",
        "message": {
            "id": "msg_014VwiXbi91y3JMjcpyGBHX5", "type": "message", "role": "assistant", "model": "claude-opus-4-6",
            "content": [{"type": "text", "text": "Hello again! It's nice to see you."}],
            "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 11, "output_tokens": 36},
        },
    },
}  # fmt: skip


def message(**changed: Any) -> dict[str, Any]:
    return {"type": "succeeded", "message": {**SUCCEEDED["result"]["message"], **changed}}  # type: ignore[index]


def errored(kind: str, text: str = "no") -> dict[str, Any]:
    return {"type": "errored", "error": {"type": "error", "error": {"type": kind, "message": text}}}


def target() -> OpenAITarget:
    return OpenAITarget(TargetSetup("claude-opus-4-6", {"family": "anthropic", "parameters": {"max_tokens": 1024}}))


def received(tmp_path: Path, result: dict[str, Any]) -> tuple[str, str, bool]:
    """Status, text, and whether it may pass."""
    replies = ReplyFiles([write(tmp_path / "out.jsonl", [{"custom_id": "k", "result": result}])])
    returned = replies.returned("k")
    assert returned is not None
    if returned.reply is None:
        return "open", returned.reason, True
    response, may_pass = target().received(returned.reply, Request((Message("user", (Text("?"),)),)))
    return response.status, response.text or str(response.failure or ""), may_pass


def test_a_request_is_the_documented_one(tmp_path: Path) -> None:
    with RequestFiles(tmp_path) as files:
        files.add("my-first-request", target(), Request((Message("user", (Text("Hello, world"),)),)))
    assert list(rows(tmp_path)) == [{"custom_id": "my-first-request", "params": PARAMS}]
    assert ReplyFiles(one.file for one in files.files).requests == {"my-first-request"}


def test_fields_become_what_the_compatible_endpoint_makes_of_them() -> None:
    picture = Media.of("image", "image/png", b"\x89PNG").data_uri()
    parts = [{"type": "text", "text": "See:"}, {"type": "image_url", "image_url": {"url": picture}}]
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": parts},
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
    ]
    asked = {"max_completion_tokens": 5, "temperature": 1.5, "stop": "END", "logprobs": True, "top_logprobs": 5}
    assert params_of(CHAT, {"model": "m", "messages": messages, **asked}) == {
        "model": "m", "max_tokens": 5, "temperature": 1, "stop_sequences": ["END"], "system": "Be brief.\nBe kind.",
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": "See:"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}},
        ]}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("url", "body", "why"),
    [
        ("/v1/completions", {"max_tokens": 5}, "take chats alone"),
        (CHAT, {}, "want a limit of tokens"),
        (CHAT, {"max_tokens": 5, "tools": []}, "do not take tools"),
        (CHAT, {"max_tokens": 5, "messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "input_audio"),
    ],
)
def test_what_has_no_form_there_is_bad_input(url: str, body: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        params_of(url, {**HELLO, **body})


@pytest.mark.parametrize(
    ("result", "means"),
    [
        (SUCCEEDED["result"], ("answered", "Hello again! It's nice to see you.", False)),
        (message(stop_reason="refusal"), ("blocked", "Hello again! It's nice to see you.", False)),
        (message(stop_reason="refusal", content=[]), ("blocked", "", False)),
        (message(content=[]), ("answered", "", False)),
        (errored("overloaded_error"), ("failed", "openai:claude-opus-4-6: HTTP 529: no", True)),
        (errored("api_error"), ("failed", "openai:claude-opus-4-6: HTTP 500: no", True)),
        (errored("invalid_request_error"), ("failed", "openai:claude-opus-4-6: HTTP 400: no", False)),
        (
            errored("invalid_request_error", "Output blocked by content filtering policy"),
            ("blocked", "openai:claude-opus-4-6: HTTP 400: Output blocked by content filtering policy", False),
        ),
        ({"type": "errored", "error": {"type": "invalid_request"}}, ("failed", "", False)),
        ({"type": "expired"}, ("open", "expired: it was not answered in time", True)),
        ({"type": "canceled"}, ("open", "canceled: its batch was cancelled", True)),
        ({"type": "succeeded"}, ("open", "no answer", True)),
        ({}, ("open", "None: no result", True)),
    ],
)
def test_a_result_means_what_http_would_have_meant(
    tmp_path: Path, result: dict[str, Any], means: tuple[str, str, bool]
) -> None:
    status, text, may_pass = received(tmp_path, result)
    assert (status, may_pass) == (means[0], means[2])
    assert text == means[1] or not means[1]


@pytest.mark.parametrize("content", ["Sure.", None, {"type": "text", "text": "Sure."}, [5], [{"type": "tool_use"}]])
def test_what_is_no_message_is_no_answer(tmp_path: Path, content: Any) -> None:
    assert received(tmp_path, message(content=content))[0] == "failed"


def test_why_it_ended_and_what_it_took_are_told_as_a_chat_completion_does() -> None:
    body = as_row(message(stop_reason="max_tokens", usage={"input_tokens": 3, "cache_read_input_tokens": 4,
                                                            "output_tokens": 5}))["response"]["body"]  # fmt: skip
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"] == {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
