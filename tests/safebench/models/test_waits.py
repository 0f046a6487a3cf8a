"""Waits as servers tell them; the right number is written beside each."""

from __future__ import annotations

import json
from email.utils import formatdate
from typing import Any

import pytest

from safebench.models.waits import told_wait

NOW = 1_795_000_000
IN_A_MINUTE = NOW + 60


@pytest.fixture(autouse=True)
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safebench.models.waits.time", lambda: NOW)


def as_json(error: Any) -> bytes:
    return json.dumps(error).encode()


@pytest.mark.parametrize(
    ("told", "wait"),
    [
        ("3", 3),
        ("1.5", 1.5),
        ("1s", 1),
        ("6m0s", 360),
        ("1h2m3.5s", 3723.5),
        ("20ms", 0.02),
        (formatdate(NOW - 100, usegmt=True), 0),
    ],
)
def test_retry_after_is_a_number_a_duration_or_a_date(told: str, wait: float) -> None:
    assert told_wait(429, {"retry-after": told}, b"") == pytest.approx(wait)
    assert told_wait(503, {"retry-after": formatdate(IN_A_MINUTE, usegmt=True)}, b"") == pytest.approx(60)


@pytest.mark.parametrize(
    "told",
    [
        "",
        "soon",
        "nan",
        "inf",
        "1e400",
        "-1",
        "9" * 400,
        "²",
        "Thu, 99 Foo",
        "Fri, 31 Dec 99999 23:59:59 GMT",
        "Mon, 1 Jan 99999999999999999999999 0:0:0",
        "Fri, 31 Dec 2027 23:59:59 +99999999999999",
    ],
)
def test_what_is_no_wait_is_none_and_no_error(told: str) -> None:
    assert told_wait(429, {"retry-after": told, "retry-after-ms": told}, told.encode()) is None
    assert told_wait(429, {"retry-after": told}, b'{"error": {"retry_after": 2}}') == 2


RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "20s"}


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        ([{"error": {"code": 429, "message": "Please retry in 20.3s.", "details": [RETRY_INFO]}}], 20),
        ({"error": {"code": 429, "message": "Rate limited upstream", "metadata": {"retry_after": 1}}}, 1),
        ({"error": {"message": "Please retry in 20.3s."}}, 20.3),
        ({"error": {"message": "Rate limit reached. Please try again in 6m0s. Visit the page."}}, 360),
        ({"error": {"message": "Please try again in 350ms"}}, 0.35),
        ({"error": {"message": "Please retry after 20 seconds."}}, 20),
        ({"error": {"message": "Please retry after 1 minute, 5 seconds"}}, 65),
        ({"detail": "Try again in 350 milliseconds"}, 0.35),
        ({"error": {"message": "try again in a while"}}, None),
        ({"error": {"message": "we retry in 3 shops"}}, None),
        ({"error": {"retry_after": True}}, None),
        ({"error": {"metadata": {"headers": {"X-RateLimit-Reset": str(int(IN_A_MINUTE * 1000))}}}}, 60),
        ("[" * 100_000, None),
    ],
)
def test_a_wait_in_the_body_of_an_error(error: Any, wait: float | None) -> None:
    body = error.encode() if isinstance(error, str) else as_json(error)
    assert told_wait(429, {}, body) == (None if wait is None else pytest.approx(wait))


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"x-ratelimit-reset": "30"}, 30),
        ({"ratelimit-reset": "30"}, 30),
        ({"x-ratelimit-reset": str(int(IN_A_MINUTE))}, 60),
        ({"x-ratelimit-reset": str(int(IN_A_MINUTE * 1000))}, 60),
        ({"x-ratelimit-reset": "1000000000"}, 0),  # in 2001
        ({"x-ratelimit-reset": "tomorrow"}, None),
        ({"x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "0"}, 360),
        ({"x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "9"}, None),
        ({"x-ratelimit-reset": "30", "retry-after": "2"}, 2),
    ],
)
def test_a_limit_that_is_lifted_at_a_moment(headers: dict[str, str], wait: float | None) -> None:
    assert told_wait(429, headers, b"") == (None if wait is None else pytest.approx(wait))


def test_a_limits_moment_says_nothing_of_other_errors() -> None:
    assert told_wait(500, {"x-ratelimit-reset": "30"}, b"") is None
    assert told_wait(200, {"retry-after": "30"}, b'{"retry_after": 3}') is None
