"""What endpoints send, with something wrong in it: the body, how it is packed, the headers, or the whole of it."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.odd import ODD_TEXTS, changed, damaged, values

KEY = "sk-fuzz-0123456789abcdef"  # some servers repeat it
STATUSES = (
    200,
    201,
    204,
    206,
    302,
    307,
    400,
    401,
    402,
    403,
    404,
    408,
    409,
    413,
    418,
    422,
    429,
    451,
    498,
    500,
    503,
    529,
)
AUDIO = {"id": "a", "data": "UklGRgAAAABXQVZF", "transcript": "Hello", "expires_at": 1}
COMPLETION: dict[str, Any] = {
    **{"id": "c", "object": "chat.completion", "model": "m", "usage": {"prompt_tokens": 1, "details": {"x": 2}}},
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {
                **{"role": "assistant", "content": "Here it is.", "refusal": None, "reasoning": "hm", "audio": AUDIO},
                "tool_calls": [],
            },
            "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}},
            "logprobs": {"content": [{"token": "a", "logprob": -0.1, "top_logprobs": []}]},
        },
        {
            "index": 1,
            "finish_reason": "length",
            "message": {
                "content": [
                    {"type": "text", "text": "<think>so</think>And so"},
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
                ]
            },
        },
    ],
}
ERRORS: list[Any] = [
    {
        "error": {
            "message": f"wrong key {KEY}",
            "type": "invalid_request_error",
            "code": "content_filter",
            "param": None,
        }
    },
    {"error": {"code": 400, "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}}}},
    [{"error": {"status": "RESOURCE_EXHAUSTED", "details": [{"retryDelay": "7s"}], "message": "try again in 6m0s"}}],
    {"detail": [{"loc": ["body", "response_format"], "msg": "extra"}], "base_resp": {"status_code": 1026}},
    {"choices": [], "promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {}},
]
CHUNKS: list[Any] = [
    {"model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Here "}}]},
    {"choices": [{"index": 0, "delta": {"content": "it is", "audio": {"data": "UklG", "transcript": "it"}}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": {"total_tokens": 3}},
]
texts_of_models = st.sampled_from([*ODD_TEXTS, KEY, "<think>", "</think>", "<|channel|>analysis<|message|>", "[THINK]"])


@dataclass(frozen=True, slots=True)
class Sent:
    status: int
    data: bytes  # of the whole reply
    is_sound: bool  # as HTTP


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    odd = values | texts_of_models
    match draw(st.sampled_from(["completion", "completion", "completion", "error", "stream", "any", "damaged"])):
        case "completion":
            return json.dumps(draw(changed(COMPLETION, odd))).encode()
        case "error":
            return json.dumps(draw(changed(draw(st.sampled_from(ERRORS)), odd) | st.sampled_from(ERRORS))).encode()
        case "stream":
            return _stream(draw, draw(changed(CHUNKS, odd) | st.just(CHUNKS)))
        case "any":
            return json.dumps(draw(values)).encode()
    return draw(damaged(draw(st.sampled_from([json.dumps(COMPLETION).encode(), _stream(draw, CHUNKS)]))))


def _stream(draw: st.DrawFn, chunks: Any) -> bytes:
    end = draw(st.sampled_from(["\n\n", "\r\n\r\n", "\r\r", "\n"]))
    events = [f"data: {json.dumps(chunk)}{end}" for chunk in chunks]
    return "".join([*events, draw(st.sampled_from([f"data: [DONE]{end}", ": ping\n\n", ""]))]).encode()


HEADERS = {
    "Content-Type": ("application/json", "text/event-stream", "text/html", "application/json; charset=x", "\xff", ""),
    "Retry-After": ("0", "7", "-1", "1e9", "9" * 30, "Wed, 21 Oct 2099 07:28:00 GMT", "Wed, 99 Zzz", "soon", "\xa07"),
    "X-RateLimit-Reset": ("0", "1e300", "17000000000000", "6m0s", "nan", "-5"),
    "Location": ("http://127.0.0.1:9/v1", "//", "\xe9", f"/?key={KEY}", "x" * 9000),
    "Set-Cookie": ("a=b; Domain=.", "=;", "\x01"),
    "Content-Encoding": ("identity", "gzip", "br", "deflate, gzip", "GZIP", ""),
}


@st.composite
def replies(draw: st.DrawFn) -> Sent:
    status, body = draw(st.just(200) | st.sampled_from(STATUSES)), draw(bodies())
    chosen = draw(st.lists(st.sampled_from(sorted(HEADERS)), max_size=2, unique=True))
    headers = {name: draw(st.sampled_from(HEADERS[name])) for name in chosen}
    match draw(st.sampled_from(["plain", "plain", "plain", "gzip", "deflate", "raw deflate"])):
        case "gzip":
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        case "deflate":
            body, headers["Content-Encoding"] = zlib.compress(body), "deflate"
        case "raw deflate":
            body, headers["Content-Encoding"] = zlib.compress(body)[2:-4], "deflate"
    match draw(st.sampled_from(["right", "right", "right", "long", "short", "none", "chunked", "odd"])):
        case "right":
            headers["Content-Length"] = str(len(body))
        case "long":
            headers["Content-Length"] = str(len(body) + 5)
        case "short":
            headers["Content-Length"] = str(max(0, len(body) - 5))
        case "chunked":
            headers["Transfer-Encoding"] = "chunked"
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        case "odd":
            headers["Content-Length"] = draw(st.sampled_from(["-1", "x", "1e3", "9" * 30]))
    head = "".join([f"HTTP/1.1 {status} X\r\n", *(f"{name}: {value}\r\n" for name, value in headers.items()), "\r\n"])
    whole = head.encode("latin-1") + body
    is_damaged = draw(st.integers(0, 9)) == 0
    return Sent(status, draw(damaged(whole)) if is_damaged else whole, not is_damaged)
