"""Reads what a chat-completions endpoint sent back: an answer, a filter's stop, or a failure. Never one for another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic_core import to_json

from safebench.errors import TargetRefusesService
from safebench.models.bodies import Oversized
from safebench.models.connections import cause, innermost
from safebench.models.error_meaning import Service, meaning
from safebench.models.families import Family
from safebench.plugins import Encoder
from safebench.serialisation import counts, read_json
from safebench.targets.contents import UnreadAnswer, beside, contents, joined
from safebench.targets.inner_errors import inner_error
from safebench.targets.stream import is_stream, put_together
from safebench.targets.transport import UNREACHED, HTTPReply
from safebench.types import Attempt, Failure, Response

LONGEST_NAME = 200  # characters of what an endpoint calls its model


def body_of(reply: HTTPReply) -> Any:
    """What an answer holds, be it whole or a stream. Raises ValueError for what is neither."""
    is_one = is_stream(reply.headers.get("content-type", ""), reply.body)
    return put_together(reply.body) if is_one else read_json(reply.body)


def error_in(reply: HTTPReply, body: Any, family: Family) -> HTTPReply | None:
    """The error that an answer holds, as if it had come with the status that it tells."""
    inner = inner_error(body, family)
    return inner and replace(reply, status=inner[0], body=to_json(inner[1]), inside=reply.status)


def read(body: Any, encoders: Mapping[str, Encoder], family: Family) -> Response:
    """The response in a chat completion. Raises ValueError for a body that is none, or whose answer broke off."""
    choices = _choices(body)
    finishes = [str(choice.get("finish_reason") or "").split(":")[0].lower() for choice in choices]
    for choice, finish in zip(choices, finishes, strict=True):
        if finish in family.failed_finish:
            raise ValueError(f"the answer broke off: {_short(choice.get('error') or finish)}")
    stopped = [finish in family.blocked_finish for finish in finishes]
    messages = [
        _message(choice, empty=is_stopped or finish == "length")
        for choice, is_stopped, finish in zip(choices, stopped, finishes, strict=True)
    ]
    held = joined([*(contents(message, encoders, family) for message in messages), *beside(body, encoders)])
    is_stopped = any(stopped) or any(map(_is_filtered, choices))
    is_blocked = all(stopped) or (is_stopped and not held.said and not held.media)
    return Response(
        status="blocked" if is_blocked else "answered",
        text=held.said,
        media=held.media,
        finish=_finish(choices),
        model=str(body["model"])[:LONGEST_NAME] if body.get("model") else None,
        usage=counts(body.get("usage")),
        thinking=held.thinking,
        unknown_markup=held.unknown,
    )


def _finish(choices: Sequence[Mapping[str, Any]]) -> str | None:
    """Why it ended; of several choices that one was cut off, before all else."""
    finishes = [str(choice["finish_reason"]) for choice in choices if choice.get("finish_reason")]
    return "length" if "length" in finishes else next(iter(finishes), None)


def _choices(body: Any) -> list[dict[str, Any]]:
    if not isinstance(body, dict):
        raise ValueError(f"malformed chat completion: {type(body).__name__} instead of an object")
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not all(isinstance(choice, dict) for choice in choices):
        reported = body.get("error") or body.get("detail") or sorted(body)
        raise ValueError(f"malformed chat completion: no choices; {_short(reported)}")
    return choices


def _message(choice: Mapping[str, Any], *, empty: bool) -> Mapping[str, Any]:
    """The choice's message. Where nothing was said, some endpoints leave it out."""
    message = choice.get("message", {} if empty else None)
    if not isinstance(message, dict):
        raise ValueError("malformed chat completion: the choice has no message")
    return message


def _is_filtered(choice: Mapping[str, Any]) -> bool:
    """Whether Azure's annotations say that a filter took the answer away."""
    results = choice.get("content_filter_results")
    verdicts = results.values() if isinstance(results, Mapping) else ()
    return any(isinstance(verdict, Mapping) and verdict.get("filtered") is True for verdict in verdicts)


# --- errors


def from_error(reply: HTTPReply, failure: Failure, family: Family, service: Service) -> Response:
    """`blocked` for a filter's stop, `failed` else. Raises TargetRefusesService when no request can succeed."""
    meant = meaning(reply.status, reply.text, family)
    if meant == "blocked":
        return Response("blocked", finish="content_filter", failure=failure)
    if (why := service.refused(meant, reply.status)) is not None:
        raise TargetRefusesService(f"{why}{failure}")
    return Response("failed", failure=failure)


def named(error: Exception, hide: Callable[[str], str]) -> tuple[str, str]:
    """Type and message of an error that came with no HTTP status; `hide`: takes out what must not be told."""
    if isinstance(error, ValueError) and not isinstance(error, UNREACHED):  # some errors of TLS are both
        kinds = {UnreadAnswer: "unread answer", Oversized: "oversized answer"}
        return kinds.get(type(error), "malformed answer"), cause(error, hide)
    return type(innermost(error)).__name__, cause(error, hide)


def too_long(response: Response, seconds: float, longest: float) -> Response:
    """The failure, with the wait that the server wants."""
    assert response.failure is not None
    wait = f"it wants {seconds:.0f} s of waiting, and more than {longest:.0f} s are not waited"
    failure = replace(response.failure, message=f"{response.failure.message}; {wait}")
    return replace(response, failure=failure)


def with_attempts(response: Response, attempts: Sequence[Attempt]) -> Response:
    return replace(response, attempts=tuple(attempts))


def _short(message: object, limit: int = 300) -> str:
    text = " ".join(str(message).split())
    return text if len(text) <= limit else text[:limit] + "…"
