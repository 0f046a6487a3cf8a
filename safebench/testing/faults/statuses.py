"""Faults that are errors: by status, by what stands in their body, by how long they want one to wait."""

from __future__ import annotations

import json
from email.utils import formatdate
from typing import Any

from safebench.testing.faults.fault import BLOCKS, FAILS, LOST_AT_ONCE, PASSES, STOPPING, Fault, Handling
from safebench.testing.server import Call, Reply, error

NOW = "0"  # s to wait: what a server may say, and what costs no test any time
DEEP = 100_000  # levels


def _sends(name: str, plays: str, handling: Handling, reply: Reply) -> Fault:
    return Fault(name, plays, handling, lambda call, good: reply)


def _json(body: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(json.dumps(body).encode(), status, {name.replace("_", "-"): text for name, text in headers.items()})


def _limit(name: str, plays: str, wait: str) -> Fault:
    handling = PASSES.but("is asked again after a wait of our own")
    return _sends(name, plays, handling, error(429, "slow down", Retry_After=wait, retry_after_ms=wait))


def _filter(**more: Any) -> dict[str, Any]:
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"violence": {"filtered": True}}}
    return {"error": {"code": "content_filter", "message": "The prompt was filtered", "innererror": inner, **more}}


PASSING = tuple(
    _sends(f"status-{status}", f"Error {status}: {what}.", PASSES, error(status, what))
    for status, what in (
        (408, "request time-out"),
        (409, "conflict"),
        (424, "the model is loading"),
        (429, "too many requests"),
        (500, "internal error, I cannot help with that"),
        (502, "bad gateway"),
        (503, "overloaded"),
        (529, "overloaded"),
    )
)
_KEY = FAILS.but("is an error of its call alone, and the key is masked wherever anything is written")


def _repeats_key(call: Call, good: Reply) -> Reply:
    return error(400, f"{call.headers['authorization']} may not do this")


_QUERY = "is an error of its request alone: the work goes on, and after ten in a row stops with what to do"

STATUSES = (
    *PASSING,
    _sends("status-400", "Error 400: something about the request.", FAILS, error(400, "bad request")),
    _sends("status-400-deep", "Error 400, nested 100,000 deep.", FAILS, Reply(b'{"error":' * DEEP, 400)),
    _sends("status-500-deep", "Error 500, nested 100,000 deep.", PASSES, Reply(b'{"error":' * DEEP, 500)),
    _sends("wrong-key", "Error 401: the key is wrong.", STOPPING, error(401, "wrong key")),
    _sends("no-credit", "Error 402: nothing is left to pay with.", STOPPING, error(402, "no credit")),
    _sends("quota", "Error 429 by the code `insufficient_quota`.", STOPPING, error(429, code="insufficient_quota")),
    _sends("unknown-model", "Error 404: there is no such model.", STOPPING, error(404, "no such model")),
    _sends(
        "firewall",
        "Error 403 as a page of a firewall, for what it takes for an attack.",
        FAILS.but(_QUERY),
        Reply(b"<html>Sorry, you have been blocked</html>", 403, {"Content-Type": "text/html"}),
    ),
    _sends(
        "no-route",
        "Error 404 of a router: no endpoint takes what this one request needs.",
        FAILS.but(_QUERY),
        error(404, "No endpoints found that support input audio"),
    ),
    Fault("key-in-error", "Error 400, in which the key is repeated.", _KEY, _repeats_key),
    # filters
    _sends("filter-400", "Error 400 by the code `content_filter`.", BLOCKS, _json(_filter(), 400)),
    _sends("filter-200", "An error of Azure's filter inside a 200.", BLOCKS, _json(_filter(status=400))),
    _sends("filter-words", "Words of a filter in the error of a setting.", FAILS, error(400, "no content filter here")),
    # rate limits
    _sends(
        "limit-in-body",
        "Error 429 whose delay stands in its body, as Google's do.",
        PASSES.but("is asked again after the wait that the server wants"),
        _json([{"error": {"code": 429, "details": [{"retryDelay": "0.01s"}]}}], 429),
    ),
    _sends(
        "limit-reset",
        "Error 429 with the moment at which the limit is lifted.",
        PASSES.but("is asked again after the wait that the server wants"),
        error(429, "slow down", x_ratelimit_reset=NOW),
    ),
    _sends(
        "limit-in-200",
        "A rate limit told inside a 200.",
        PASSES.but(**LOST_AT_ONCE),
        _json({"error": {"code": 429, "message": "upstream", "metadata": {"retry_after": 0}}}),
    ),
    _sends(
        "limit-of-a-day",
        "A wait of years.",
        FAILS.but("is not waited for: the call fails"),
        error(429, "daily limit", Retry_After="99999999"),
    ),
    _limit("limit-overflow", "A wait of 400 digits.", "9" * 400),
    _limit("limit-no-number", "A wait that is no number.", "nan"),
    _limit("limit-negative", "A wait below nothing.", "-5"),
    _limit("limit-far-year", "A date in the year 99999.", "Fri, 31 Dec 99999 23:59:59 GMT"),
    _sends(
        "limit-past",
        "A date that is past.",
        PASSES.but("is asked again at once"),
        error(429, "slow down", Retry_After=formatdate(0, usegmt=True)),
    ),
)
