"""Our requests as inspect's messages, and inspect's outputs as our responses."""

from __future__ import annotations

from typing import Any

from inspect_ai.model import ChatMessage, ModelOutput, messages_from_openai

from safebench.errors import BadInput
from safebench.models.families import plain
from safebench.targets.messages import encode_messages
from safebench.targets.thinking import split_thinking
from safebench.types import Failure, Request, Response

FAMILY = "openai"  # media travel by these encoders, whose parts inspect reads


async def chat_messages(request: Request) -> list[ChatMessage]:
    """The same messages with inspect's content parts, media as data URIs.

    Raises BadInput for a medium that inspect has no content part for.
    """
    encoded: list[Any] = encode_messages(request.messages, FAMILY, {})
    try:
        return list(await messages_from_openai(encoded))
    except ValueError as error:
        raise BadInput(f"inspect cannot carry this condition's media: {error}") from error


def response_of(output: ModelOutput) -> Response:
    """What inspect got from a model: an answer, a filter's stop, or a failure.

    A stop for a reason that inspect does not know is a failure: it says the same of an answer that broke off.
    """
    if output.empty:
        return _failed("no answer", output.error or "the call failed or was never made")
    choice = output.choices[0]
    finish, text = choice.stop_reason, choice.message.text
    usage = output.usage.model_dump(exclude_none=True) if output.usage else {}
    about: dict[str, Any] = {"finish": finish, "model": output.model, "usage": usage}
    is_error_text = output.usage is None and finish in ("content_filter", "model_length")  # inspect puts it there
    if finish == "content_filter":
        why = choice.stop_details.explanation if choice.stop_details else output.error
        failure = Failure("inspect", finish, why) if why else None
        return Response("blocked", "" if is_error_text else text, failure=failure, **about)
    if output.error or is_error_text or finish == "unknown":
        return _failed(finish, output.error or text, **about)
    if unread := _unread(output):
        return _failed("unread answer", f"the answer holds {', '.join(unread)}, which is not read", **about)
    text = "\n".join(dict.fromkeys(choice.message.text for choice in output.choices if choice.message.text))
    answer, thinking, unknown = split_thinking(text, plain())
    thoughts = "\n".join([*_reasoning(output), thinking]).strip()
    return Response("answered", answer, thinking=thoughts, unknown_markup=unknown, **about)


def _failed(kind: str, message: str, **about: Any) -> Response:
    return Response("failed", failure=Failure("inspect", kind, message), **about)


def _unread(output: ModelOutput) -> list[str]:
    """What an answer holds beside text and thinking."""
    messages = [choice.message for choice in output.choices]
    contents = [message.content for message in messages if not isinstance(message.content, str)]
    kinds = {part.type for content in contents for part in content} - {"text", "reasoning"}
    return sorted({*kinds, *(["tool calls"] if any(message.tool_calls for message in messages) else [])})


def _reasoning(output: ModelOutput) -> list[str]:
    content = output.choices[0].message.content
    return [] if isinstance(content, str) else [part.reasoning for part in content if part.type == "reasoning"]
