"""Errors that come with status 200, in the body or in one of its choices: they mean what they would mean as errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from safebench.models.error_meaning import is_filters_stop
from safebench.models.families import Family

STATUSES = ("status", "code", "status_code", "http_status", "http_code")  # fields that may tell one
PLACES = ("error", "base_resp")  # fields of a body or a choice that hold an error; MiniMax has the second
BAD_REQUEST = 400  # the status of a filter's stop that tells none
_OF_ERRORS = re.compile(r"[45]\d\d")


def inner_error(body: Any, family: Family) -> tuple[int, Any] | None:
    """Status and error, where a body with status 200 holds one that tells its status, or that is a filter's stop.

    Where there are no choices at all, the whole body may be the error.
    """
    for error in _errors(body):
        status = _status(error)
        if status is None and is_filters_stop(error, family):
            status = BAD_REQUEST
        if status is not None:
            return status, error
    return None


def _errors(body: Any) -> Iterator[Any]:
    if isinstance(body, list) and len(body) == 1:  # Gemini wraps its error in a list
        body = body[0]
    if not isinstance(body, Mapping):
        return
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices:
        yield body
        return
    places = [place for place in (body, *choices) if isinstance(place, Mapping)]
    yield from (place[name] for place in places for name in PLACES if place.get(name))


def _status(error: Any) -> int | None:
    if not isinstance(error, Mapping):
        return None
    levels = [level for level in (error, error.get("error")) if isinstance(level, Mapping)]
    codes = (str(level.get(field)) for level in levels for field in STATUSES)
    return next((int(one) for one in codes if _OF_ERRORS.fullmatch(one)), None)
