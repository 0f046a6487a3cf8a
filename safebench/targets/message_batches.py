"""Anthropic's Message Batches in OpenAI's words: what is asked as a chat completion, and a result as a reply over HTTP.

What the fields become is what Anthropic's own compatible endpoint makes of them
(https://docs.claude.com/en/api/openai-sdk); the form of a batch stands at
https://docs.claude.com/en/docs/build-with-claude/batch-processing, errors at https://docs.claude.com/en/api/errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from safebench.errors import BadInput

CHAT = "/v1/chat/completions"  # the only path that has a form here
RENAMED = {"max_completion_tokens": "max_tokens", "stop": "stop_sequences"}
TAKEN = ("model", "messages", "max_tokens", "temperature", "top_p", "stop_sequences", "thinking")
DROPPED = ("logprobs", "top_logprobs")  # ours, which the compatible endpoint ignores
FIRST = ("system", "developer")  # roles of what is put before all messages
FINISHES = {  # as chat completions have them; a refusal is called so in both
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
}
STATUSES = {  # of errors, whose types may end in _error
    "invalid_request": 400,
    "authentication": 401,
    "billing": 402,
    "permission": 403,
    "not_found": 404,
    "request_too_large": 413,
    "rate_limit": 429,
    "timeout": 504,
    "overloaded": 529,
}
UNKNOWN = 500  # of any other error, which passes
WHY = {"expired": "it was not answered in time", "canceled": "its batch was cancelled"}


def params_of(url: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Of a message, from what is posted to `url`. Raises BadInput for what these batches have no form for."""
    if url != CHAT:
        raise BadInput(f"Anthropic's batches take chats alone, and not {url}: ask over HTTP")
    params = {RENAMED.get(name, name): value for name, value in body.items() if name not in DROPPED}
    if strange := [name for name in params if name not in TAKEN]:
        raise BadInput(f"Anthropic's batches do not take {', '.join(strange)}: leave it out, or ask over HTTP")
    if "max_tokens" not in params:
        raise BadInput("Anthropic's batches want a limit of tokens: parameters = { max_tokens = 1024 }")
    if isinstance(params.get("stop_sequences"), str):
        params["stop_sequences"] = [params["stop_sequences"]]
    if "temperature" in params:
        params["temperature"] = min(1, params["temperature"])
    first = [message for message in body["messages"] if message["role"] in FIRST]
    if first:
        params["system"] = "\n".join(text for message in first for text in _texts(message["content"]))
    params["messages"] = [
        {"role": message["role"], "content": _content(message["content"])}
        for message in body["messages"]
        if message["role"] not in FIRST
    ]
    return params


def _texts(content: Any) -> Iterator[str]:
    yield from [content] if isinstance(content, str) else (part["text"] for part in content)


def _content(content: Any) -> Any:
    return content if isinstance(content, str) else [_part(part) for part in content]


def _part(part: Mapping[str, Any]) -> Mapping[str, Any]:
    if part["type"] == "text":
        return part
    if part["type"] != "image_url":
        raise BadInput(f"Anthropic's batches have no form for {part['type']}")
    kind, _, data = part["image_url"]["url"].removeprefix("data:").partition(";base64,")
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}


def as_row(result: Mapping[str, Any]) -> dict[str, Any]:
    """What the row of OpenAI's batches would say that says what this result does."""
    kind = str(result.get("type"))
    if kind == "succeeded":
        return {"response": {"status_code": 200, "body": _chat(result.get("message"))}}
    if kind == "errored":
        error = _error(result)
        status = STATUSES.get(str(error.get("type")).removesuffix("_error"), UNKNOWN)
        return {"response": {"status_code": status, "body": {"error": error}}}
    return {"error": {"code": kind, "message": WHY.get(kind, "no result")}}


def _error(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """The innermost: it stands in an error response of its own."""
    error = result.get("error")
    inner = error.get("error") if isinstance(error, Mapping) else None
    return inner if isinstance(inner, Mapping) else error if isinstance(error, Mapping) else {}


def _chat(message: Any) -> dict[str, Any] | None:
    """A chat completion; without choices, which nobody takes for an answer, where the message holds no content."""
    if not isinstance(message, Mapping):
        return None
    content, reason = message.get("content"), message.get("stop_reason")
    spoken = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": spoken, "finish_reason": FINISHES.get(str(reason), reason)}
    return {
        "id": message.get("id"),
        "model": message.get("model"),
        "choices": [choice] if isinstance(content, list) else [],
        "usage": _usage(message.get("usage")),
    }


def _usage(usage: Any) -> dict[str, Any]:
    given = usage if isinstance(usage, Mapping) else {}
    read = [given.get(name) for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")]
    asked, answered = sum(count for count in read if isinstance(count, int)), given.get("output_tokens")
    if not isinstance(answered, int):
        return {}
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}
