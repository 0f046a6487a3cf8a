"""How a request that is no chat is put to an endpoint, and how its answer is read: completions, moderations, scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from safebench.serialisation import compact
from safebench.types import Form, Request, Response, ScoredToken

PATHS: Mapping[Form, str] = {"chat": "/chat/completions", "completion": "/completions", "moderation": "/moderations"}
LIKELIEST = 5  # tokens that an endpoint is asked for in each place: no service of OpenAI's form gives fewer
KEPT = 64  # tokens at the beginning of an answer whose scores are kept


def body_of(request: Request, model: str, messages: Sequence[Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What is posted; `messages` are those of the request, encoded. A moderation takes no parameters."""
    if request.form == "moderation":
        return {"model": model, "input": request.text}
    if request.form == "chat":
        return {"model": model, "messages": messages, **parameters}
    renamed = {"max_tokens" if name == "max_completion_tokens" else name: value for name, value in parameters.items()}
    return {"model": model, "prompt": request.text, **renamed}


def scores_wanted(form: Form) -> dict[str, Any]:
    """The parameters that ask for scores."""
    return {"logprobs": True, "top_logprobs": LIKELIEST} if form == "chat" else {"logprobs": LIKELIEST}


def as_chat(body: Any) -> Any:
    """A completion in the form of a chat completion, so that it is read by the same rules; all else as it is."""
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list):
        return body
    return {**body, "choices": [_spoken(choice) for choice in choices]}


def _spoken(choice: Any) -> Any:
    if not isinstance(choice, dict) or not isinstance(text := choice.get("text"), str):
        return choice
    others = {key: value for key, value in choice.items() if key != "text"}
    message = others.setdefault("message", {"role": "assistant", "content": text})
    is_read = isinstance(message, dict) and message.get("content") == text
    return others if is_read else choice  # a text beside the message may be another answer


def moderated(body: Any) -> Response:
    """What a moderation endpoint found of one text, as JSON. Raises ValueError for a body that is none."""
    results = body.get("results") if isinstance(body, dict) else None
    if not isinstance(results, list) or len(results) != 1 or not isinstance(results[0], dict):
        raise ValueError("malformed moderation: not one result")
    return Response("answered", compact(results[0]), finish="stop", model=str(body.get("model") or "")[:200] or None)


def scored_tokens(body: Any) -> tuple[ScoredToken, ...]:
    """The first tokens of the only choice, with their scores; none where they are not told, or in no form known."""
    choices = body.get("choices") if isinstance(body, dict) else None
    scores = choices[0].get("logprobs") if isinstance(choices, list) and len(choices) == 1 else None
    if not isinstance(scores, dict):
        return ()
    try:
        return tuple(_of_chat(scores["content"]) if scores.get("content") else _of_completion(scores))[:KEPT]
    except (TypeError, KeyError, ValueError, AttributeError):
        return ()


def _of_chat(content: Sequence[Mapping[str, Any]]) -> Iterator[ScoredToken]:
    for token in content:
        places = [*token["top_logprobs"], token]
        yield _token(token["token"], ((place["token"], place["logprob"]) for place in places))


def _of_completion(scores: Mapping[str, Any]) -> Iterator[ScoredToken]:
    columns = (scores["tokens"], scores["token_logprobs"], scores["top_logprobs"])
    for text, logprob, likeliest in zip(*columns, strict=True):
        yield _token(text, [*likeliest.items(), (text, logprob)])


def _token(text: Any, places: Any) -> ScoredToken:
    """Raises ValueError for what is no text, and for a score that is no number."""
    logprobs = {str(other): float(logprob) for other, logprob in places if isfinite(float(logprob))}
    if not isinstance(text, str):
        raise ValueError("a token without text")
    return ScoredToken(text, logprobs)
