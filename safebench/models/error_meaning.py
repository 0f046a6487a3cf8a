"""What an endpoint's error means. A filter's stop is a decided outcome, so no word alone may make an error one;
and when an endpoint's errors stop the work: one request that is refused says nothing of the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal

from safebench.models.families import Family
from safebench.serialisation import json_or

Meaning = Literal["blocked", "no service", "refused", "failed"]
OF_FILTERS = (400, 403, 422, 451)  # with any other status a filter's words tell of a filter that is out of order
NO_SERVICE = frozenset({401, 402})
NO_SERVICE_CODES = ("insufficient_quota", "billing_hard_limit_reached")  # whatever the status
NO_ACCESS_CODES = (  # with 403
    *("invalid_api_key", "authentication_error", "permission_denied", "permission_error", "unauthorized"),
    *("account_deactivated", "model_not_found", "unsupported_country_region_territory"),
)
NO_ACCESS_MESSAGES = ("key limit exceeded*",)  # OpenRouter, openrouter.ai/docs/api/reference/limits
THIS_REQUEST = ("no endpoints found that support*", "no endpoints found matching*", "no allowed providers*")  # with 404
CODES = (  # fields that hold a code
    *("code", "type", "status", "reason", "error_type", "error_code", "finish_reason"),
    "status_code",  # MiniMax
)
INSIDE = (  # fields that hold an error, or its message
    *("error", "innererror", "inner_error", "metadata", "raw", "details", "provider_specific_fields"),
    *("message", "detail", "base_resp", "prompt_feedback", "promptFeedback"),
)
DEEPEST = 8  # levels; real ones have four
UNSPECIFIED = "_UNSPECIFIED"  # how Google's enumerations call what was never set

SCHEMA_NAMES = (  # what servers call the parameter that asks for structured output, and its parts
    *("response_format", "json_schema", "json_object", "response_schema", "structured_output", "structured_outputs"),
    *("guided_json", "guided_decoding", "guided_generation"),
    *(
        "failed_to_parse_grammar",
        "failed_to_compile_grammar",
        "invalid_grammar",
        "grammar_error",
    ),  # llama.cpp, xgrammar
    "required_for_format",  # Ollama, amurex/amurex-backend/issues/38
)
ONE_ANSWER = ("json_validate_failed",)  # codes: a schema is taken, and this answer did not follow it (Groq)
POINTERS = ("param", "loc")  # fields that name the parameter that is wrong

_NO_LETTER = re.compile(r"[\W_]+")
_SCHEMA_NAME = re.compile(rf"(?<![a-z0-9_])(?:{'|'.join(SCHEMA_NAMES).replace('_', '[ _-]')})(?![a-z0-9_])")
_STREAM_ONLY = re.compile(  # infiniflow/ragflow/issues/5912 (Qwen), and in other words
    r"only supports? (?:the )?stream"
    r"|\bstream(?:ing)?[`'\"]? (?:parameter |mode )?(?:must|should|has to|needs to) be (?:set to )?(?:true|enabled)"
    r"|\bnon-stream\w*(?: \w+){0,3} not (?:supported|allowed)"
)
_QUOTED = re.compile(r"""(?<!\w)(?:"[^"]*"|'[^']*'|`[^`]*`|“[^”]*”)(?!\w)""")


def meaning(status: int, body: object, family: Family) -> Meaning:
    """What an error says: a filter stopped this request, no request at all can succeed, this one was refused for a
    reason that may be its own, or it failed.

    `body` is the whole body, as text or as JSON read.
    """
    if status in OF_FILTERS and is_filters_stop(body, family):
        return "blocked"
    if status in NO_SERVICE or _has_code(body, NO_SERVICE_CODES):
        return "no service"
    if status == 403:
        certain = _has_code(body, NO_ACCESS_CODES) or _begins(body, NO_ACCESS_MESSAGES)
        return "no service" if certain else "refused"
    if status == 404:  # an unknown model or path; some routers say so of what this one request needs
        return "refused" if _begins(body, THIS_REQUEST) else "no service"
    return "failed"


def _has_code(body: object, codes: Iterable[str]) -> bool:
    return any(_names(level, codes) for level in _levels(body) if not isinstance(level, str))


def _begins(body: object, patterns: Iterable[str]) -> bool:
    messages = [" ".join(level.lower().split()) for level in _levels(body) if isinstance(level, str)]
    return any(fnmatchcase(message, pattern) for message in messages for pattern in patterns)


def is_filters_stop(body: object, family: Family) -> bool:
    """Whether an error is that of a content filter.

    It is one by a code in one of the fields that hold codes, by a field that only such errors have, or by a message
    that begins with one of the sentences that the family is known to send: those of `data/families.toml`. A word
    somewhere in the text is none: an error may name a parameter, or repeat the query.
    """
    return any(_is_stop(level, family) for level in _levels(body))


def is_about_schema(body: object, messages: Iterable[Mapping[str, Any]]) -> bool:
    """Whether an error says that the endpoint takes no structured output, or not this schema.

    It does by the parameter that it points at, or, where it points at none, by a code or a message that names it. What
    it repeats of the `messages` that were sent, and what it quotes beyond a mere name, does not count: a query may hold
    such a word.
    """
    levels = list(_levels(body))
    tables = [level for level in levels if not isinstance(level, str)]
    pointed = [str(level[field]) for level in tables for field in POINTERS if level.get(field)]
    if pointed:
        return any(map(_names_schema, pointed))
    codes = [level[field] for level in tables for field in CODES if isinstance(level.get(field), str)]
    said = [_in_its_own_words(level, _texts(messages)) for level in levels if isinstance(level, str)]
    return any(map(_names_schema, [*codes, *said]))


def is_about_answers_form(body: object) -> bool:
    """Whether an error says that what the model wrote this time did not follow the schema."""
    return _has_code(body, ONE_ANSWER)


def is_about_streaming(body: object, messages: Iterable[Mapping[str, Any]]) -> bool:
    """Whether an error says that the model answers in a stream alone. What it repeats of the `messages` counts not."""
    said = [_in_its_own_words(level, _texts(messages)) for level in _levels(body) if isinstance(level, str)]
    return any(_STREAM_ONLY.search(text.lower()) for text in said)


def _texts(messages: Iterable[Mapping[str, Any]]) -> list[str]:
    """Texts of more than one word, the longest first."""
    contents = [message.get("content") for message in messages]
    parts = [part for content in contents for part in (content if isinstance(content, list) else [{"text": content}])]
    texts = {" ".join(str(part.get("text") or "").split()) for part in parts}
    return sorted((text for text in texts if " " in text), key=len, reverse=True)


def _in_its_own_words(message: str, sent: Iterable[str]) -> str:
    message = " ".join(message.split())
    for text in sent:
        message = message.replace(text, " ")
    return _QUOTED.sub(lambda quoted: " " if " " in quoted[0] else quoted[0], message)


def _names_schema(text: str) -> bool:
    """Whether one of the names stands there whole, however its words are joined."""
    return _SCHEMA_NAME.search(text.lower()) is not None


def _is_stop(level: Mapping[str, Any] | str, family: Family) -> bool:
    if isinstance(level, str):
        text = " ".join(level.lower().replace("’", "'").split())
        return any(fnmatchcase(text, f"{known.lower()}*") for known in family.blocked_messages)
    return _names(level, family.blocked_codes) or any(_is_told(level.get(field)) for field in family.blocked_fields)


def _is_told(value: object) -> bool:
    return bool(value) and not str(value).upper().endswith(UNSPECIFIED)


def _names(level: Mapping[str, Any], codes: Iterable[str]) -> bool:
    """Whether a field that holds a code has one of these, whole: `content_filter` or `ContentFilter`."""
    present = {_letters(str(level[field])) for field in CODES if isinstance(level.get(field), str | int)}
    return not present.isdisjoint(map(_letters, codes))


def _letters(code: str) -> str:
    return _NO_LETTER.sub("", code).lower()


def _levels(body: object, depth: int = 0) -> Iterator[Mapping[str, Any] | str]:
    """An error and the errors that it wraps, as tables, and their messages. Gateways put one error into another."""
    if isinstance(body, str):
        read = json_or(body, body)
        body = read if isinstance(read, dict | list) else body
    if isinstance(body, str):
        yield body
    elif isinstance(body, list) and depth < DEEPEST:  # Gemini wraps its error in a list
        for one in body:
            yield from _levels(one, depth + 1)
    elif isinstance(body, Mapping) and depth < DEEPEST:
        yield body
        for field in INSIDE:
            yield from _levels(body.get(field), depth + 1)


# --- when errors stop the work

IN_A_ROW = 10  # requests refused one after the other, after which nobody believes that it is theirs
ABOUT_REQUESTS = (403, 404)  # statuses that a firewall, a guard or a router also gives to one request alone
MEND = "look at the key, the model and what stands before the endpoint (firewall, gateway, guard)"


class Service:
    """What one endpoint has done with the requests so far."""

    def __init__(self) -> None:
        self._has_answered = False
        self._refused = 0

    def answered(self) -> None:
        self._has_answered, self._refused = True, 0

    def refused(self, meaning: Meaning, status: int) -> str | None:
        """Why no further request is worth while after this error; None where the next one may well be answered.

        A wrong key, a spent account, or before any answer a model that is not there: no request survives it.
        """
        if meaning == "no service" and not (self._has_answered and status in ABOUT_REQUESTS):
            return ""
        if meaning not in ("no service", "refused"):
            return None
        self._refused += 1
        if self._refused < IN_A_ROW:
            return None
        row = f"{self._refused} requests in a row were refused"
        return f"{row}: {MEND}, then --retry-failed asks them again; the last: "
