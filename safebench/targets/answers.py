"""Reads what a chat-completions endpoint sent back: an answer, a filter's stop, or a failure. Never one for another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from email.utils import parsedate_to_datetime
from math import isfinite
from time import time
from typing import Any

from safebench.errors import TargetRefusesService
from safebench.models.error_meaning import meaning
from safebench.models.families import Family
from safebench.models.words import same_words
from safebench.plugins import Encoder
from safebench.targets.thinking import Parted, split_thinking
from safebench.targets.transport import HTTPReply
from safebench.types import Attempt, Failure, Media, Response

RETRIED = frozenset({408, 409, 429})  # and every 5xx, and connection errors
THINKING = ("thinking", "reasoning")  # types of content parts


def read(body: Any, encoders: Mapping[str, Encoder], family: Family) -> Response:
    """The response in a chat completion. Raises ValueError for a body that is none, or whose answer broke off."""
    if isinstance(body, dict) and (blocked := _blocked_inside(body, family)) is not None:
        return blocked
    choice = _choice(body)
    finish = str(choice.get("finish_reason") or "").split(":")[0].lower()
    if finish in family.failed_finish:
        raise ValueError(f"the answer broke off: {_short(choice.get('error') or finish)}")
    is_blocked = finish in family.blocked_finish
    message = _message(choice, empty=is_blocked or finish == "length")
    media, transcript = _media(message, encoders)
    answer, thinking, unknown = _text(message, family)
    return Response(
        status="blocked" if is_blocked else "answered",
        text=_said(answer, transcript),
        media=media,
        finish=str(choice["finish_reason"]) if finish else None,
        model=body.get("model"),
        usage=body.get("usage") or {},
        thinking=thinking,
        unknown_markup=unknown,
    )


def _said(answer: str, transcript: str) -> str:
    """All that it said: what it wrote, and the transcript of what it spoke where those are other words."""
    if same_words(answer, transcript):
        return answer or transcript
    return "\n".join(filter(None, (answer, transcript)))


def _choice(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ValueError(f"malformed chat completion: {type(body).__name__} instead of an object")
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        reported = body.get("error") or body.get("detail") or sorted(body)
        raise ValueError(f"malformed chat completion: no choices; {_short(reported)}")
    return choices[0]


def _message(choice: Mapping[str, Any], *, empty: bool) -> Mapping[str, Any]:
    """The choice's message. Where nothing was said, some endpoints leave it out."""
    message = choice.get("message", {} if empty else None)
    if not isinstance(message, dict):
        raise ValueError("malformed chat completion: the choice has no message")
    return message


def _text(message: Mapping[str, Any], family: Family) -> Parted:
    """The content with the refusals in its parts, or the refusal in a field of its own; and the thinking before it."""
    content = message.get("content")
    thoughts = [message.get(field) for field in family.thinking_fields]
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict)]
        thoughts += [part.get("text") for part in parts if part.get("type") in THINKING]
        said = (part.get("text") or part.get("refusal") for part in parts if part.get("type") not in THINKING)
        content = "".join(str(one) for one in said if one)
    if content is not None and not isinstance(content, str):
        raise ValueError(f"malformed chat completion: content is {type(content).__name__}")
    answer, thinking, unknown = split_thinking(content or "", family)
    distinct = dict.fromkeys(thought.strip() for thought in (*thoughts, thinking) if isinstance(thought, str))
    told = "\n".join(thought for thought in distinct if thought)
    return Parted(answer or str(message.get("refusal") or ""), told, unknown)


def _media(message: Mapping[str, Any], encoders: Mapping[str, Encoder]) -> tuple[tuple[Media, ...], str]:
    spoken = [decoded for encoder in encoders.values() if (decoded := encoder.decode(message)) is not None]
    return tuple(media for media, _ in spoken), "\n".join(transcript for _, transcript in spoken if transcript)


def _blocked_inside(body: Mapping[str, Any], family: Family) -> Response | None:
    """A filter's stop that came as an error in a body with status 200."""
    choices = body.get("choices")
    places = [body, *(choices[:1] if isinstance(choices, list) else [])]
    errors = [place["error"] for place in places if isinstance(place, dict) and isinstance(place.get("error"), dict)]
    for error in errors:
        code = str(error.get("code"))
        if code.isdigit() and meaning(int(code), error, family) == "blocked":
            return Response("blocked", finish="content_filter", failure=Failure("endpoint", "error", _short(error)))
    return None


# --- errors


def from_error(reply: HTTPReply, failure: Failure, family: Family) -> Response:
    """`blocked` for a filter's stop, `failed` else. Raises TargetRefusesService when no request can succeed."""
    match meaning(reply.status, reply.text, family):
        case "blocked":
            return Response("blocked", finish="content_filter", failure=failure)
        case "no service":
            raise TargetRefusesService(str(failure))
    return Response("failed", failure=failure)


def worth_retrying(status: int) -> bool:
    return status in RETRIED or status >= 500


def cause(error: Exception) -> str:
    """The innermost reason."""
    inner = _innermost(error)
    return _short(str(inner) or type(inner).__name__)


def _innermost(error: Exception) -> Exception:
    return _innermost(error.__cause__) if isinstance(error.__cause__, Exception) else error


def named(error: Exception) -> tuple[str, str]:
    """Type and message of an error that came with no HTTP status."""
    kind = "malformed answer" if isinstance(error, ValueError) else type(_innermost(error)).__name__
    return kind, cause(error)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from a Retry-After header (a number or a date), or from retry-after-ms."""
    after, ms = headers.get("retry-after", ""), headers.get("retry-after-ms")
    try:
        if ms is not None:
            seconds = float(ms) / 1000
        elif after.replace(".", "", 1).isdigit():
            seconds = float(after)
        else:
            seconds = parsedate_to_datetime(after).timestamp() - time()
    except ValueError:
        return None
    return max(0.0, seconds) if isfinite(seconds) else None


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
