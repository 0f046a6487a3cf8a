"""Which errors pass, and how long a server wants one to wait before the next attempt: it says so in a header, or in the
body of its error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from safebench.serialisation import read_json

PASSING = frozenset({408, 409, 424, 425, 429, 498})  # and every 5xx
# Fields that hold a delay: Google's RetryInfo (googleapis/python-genai/issues/2114), OpenRouter and gateways.
DELAYS = ("retryDelay", "retry_delay", "retry_after", "retryAfter", "retry_after_seconds")
RESETS = ("x-ratelimit-reset", "ratelimit-reset", "x-ratelimit-reset-after")
LEFT = (  # headers of OpenAI, Anthropic and gateways: calls that are left, and when there are all again
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("ratelimit-remaining", "ratelimit-reset"),
)
LONGEST_RESET = 120.0  # s; a limit of hours or days is heeded when it is met
LONGEST_TOLD = 600.0  # s; a server that wants a longer wait is not asked again
KINDS = ("requests", "tokens")  # OpenAI has a header for each of these limits
MOMENT, MOMENT_MS = 1e8, 1e11  # numbers from here on are no delays but moments, in s or ms since 1970
DEEPEST = 10  # levels of an error that are looked at; real ones have six

_NUMBER = r"\d{1,20}(?:\.\d{1,20})?"
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PIECE = re.compile(rf"({_NUMBER})(ms|h|m|s)")
_DURATION = re.compile(rf"(?:{_NUMBER}(?:ms|h|m|s)){{1,4}}")
_UNIT = r"(?:ms|milliseconds?|hours?|minutes?|mins?|seconds?|secs?|[hms])(?![a-z])"
_WORDED = re.compile(
    rf"\b(?:retry|try again)(?: again)? (?:in|after) ((?:{_NUMBER}\s?{_UNIT},?\s?){{1,4}})", re.IGNORECASE
)


def passes(status: int) -> bool:
    """Whether another attempt may be answered after an error of this status."""
    return status in PASSING or status >= 500


def told_wait(status: int, headers: Mapping[str, str], body: bytes) -> float | None:
    """Seconds to wait, by the first of these that can be read; None where nothing says it.

    Retry-After-Ms and Retry-After (a number, a duration such as 1m30s, or a date), a delay in the body, and for a
    rate limit alone (429) the moment at which it is lifted.
    """
    if status < 400:
        return None
    waits = [_retry_after(headers), *_in_body(status, body), _reset(headers) if status == 429 else None]
    return next((wait for wait in waits if wait is not None), None)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    milliseconds = _seconds(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    after = headers.get("retry-after")
    wait = _seconds(after)
    return _until(after) if wait is None and after else wait


def _until(date: str) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time())
    except (ValueError, OverflowError, OSError):
        return None


def _seconds(delay: object) -> float | None:
    """A delay as it is written in headers and fields: 20, 1.5, "20s", "6m0s", "350ms"."""
    text = "" if isinstance(delay, bool) else str(delay).strip()
    if re.fullmatch(_NUMBER, text):
        return float(text)
    if _DURATION.fullmatch(text):
        return sum(float(number) * _UNITS[unit] for number, unit in _PIECE.findall(text))
    return None


def _reset(headers: Mapping[str, str]) -> float | None:
    """Until the limit that was met is lifted, where a header says of which one nothing is left."""
    spent = [f"x-ratelimit-reset-{kind}" for kind in KINDS if headers.get(f"x-ratelimit-remaining-{kind}") == "0"]
    delays = [_seconds(headers.get(name)) for name in (*RESETS, *spent)]
    waits = [_delay(seconds) for seconds in delays if seconds is not None]
    return max(waits, default=None)


def calls_left(headers: Mapping[str, str]) -> tuple[int, float] | None:
    """How many calls an endpoint still takes, and s until it takes all again; None where it does not say both."""
    for left, reset in LEFT:
        count, moment = headers.get(left), headers.get(reset)
        if count is None or moment is None:
            continue
        delay = _seconds(moment)
        wait = _until_iso(moment) if delay is None else _delay(delay)
        if re.fullmatch(r"[0-9]{1,9}", count) and wait is not None and wait <= LONGEST_RESET:
            return int(count), wait
    return None


def _until_iso(moment: str) -> float | None:
    try:
        return max(0.0, datetime.fromisoformat(moment).timestamp() - time())
    except (ValueError, OverflowError, OSError):
        return None


def _delay(number: float) -> float:
    moment = number / 1000 if number >= MOMENT_MS else number
    return max(0.0, moment - time()) if number >= MOMENT else number


def _in_body(status: int, body: bytes) -> Iterator[float | None]:
    try:
        levels = list(_levels(read_json(body)))
    except ValueError:
        return
    tables = [level for level in levels if isinstance(level, Mapping)]
    yield from (_seconds(table.get(name)) for table in tables for name in DELAYS)
    yield from (_worded(level) for level in levels if isinstance(level, str))
    for table in tables:  # OpenRouter repeats the headers of whom it asked
        headers = {str(name).lower(): str(value) for name, value in table.items()}
        yield _retry_after(headers)
        yield _reset(headers) if status == 429 else None


def _worded(message: str) -> float | None:
    """Of a sentence as OpenAI, Azure and Google write it: "Please try again in 6m0s"."""
    if (sentence := _WORDED.search(message)) is None:
        return None
    pieces = re.findall(rf"({_NUMBER})\s?(ms|milli|[hms])", sentence.group(1).lower())
    return _seconds("".join(f"{number}{unit.replace('milli', 'ms')}" for number, unit in pieces))


def _levels(value: Any, depth: int = 0) -> Iterator[Mapping[str, Any] | str]:
    if isinstance(value, str):
        yield value
    elif depth < DEEPEST and isinstance(value, Mapping):
        yield value
        for inner in value.values():
            yield from _levels(inner, depth + 1)
    elif depth < DEEPEST and isinstance(value, list):
        for inner in value:
            yield from _levels(inner, depth + 1)
