"""Faults of answers with status 200: what is no answer, what is one in an odd shape, and what stands elsewhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from safebench.testing.faults.fault import (
    BLOCKS,
    EMPTY,
    FAILS,
    LOST_AT_ONCE,
    OTHER_FORM,
    PASSES,
    READ,
    Body,
    Fault,
    FaultEnding,
    Handling,
    changed,
)
from safebench.testing.faults.recordings import WAV, with_sizes
from safebench.testing.server import Call, Reply, error

DEEP = 100_000  # levels
INVISIBLE = " \n\u200b\u2800\ufe0f\U000e0041\u200e "
_UNREAD = FAILS.of_chats("is an error of its own, since it may be the answer: what nobody reads is never dropped")
_NO_ANSWER = PASSES.but("is no answer and no failure to be judged: it is asked again", **LOST_AT_ONCE)


def _message(name: str, plays: str, handling: Handling, **fields: Any) -> Fault:
    return changed(name, plays, handling, lambda body, choice, message: message.update(fields))


def _choice(name: str, plays: str, handling: Handling, **fields: Any) -> Fault:
    return changed(name, plays, handling, lambda body, choice, message: choice.update(fields))


def _body(name: str, plays: str, handling: Handling, **fields: Any) -> Fault:
    return changed(name, plays, handling, lambda body, choice, message: body.update(fields))


def _raw(name: str, plays: str, data: bytes, content_type: str = "application/json") -> Fault:
    return Fault(name, plays, _NO_ANSWER, lambda call, good: Reply(data, headers={"Content-Type": content_type}))


def _spoken(transcript: str, data: bytes = WAV) -> Mapping[str, Any]:
    return {"id": "a", "data": base64.b64encode(data).decode(), "transcript": transcript}


def _in_two_choices(body: Body, choice: Body, message: Body) -> None:
    spoken = {"role": "assistant", "content": None, "audio": _spoken(message["content"])}
    body["choices"].append({"index": 1, "message": spoken, "finish_reason": "stop"})
    message["content"] = None


def _half_a_character(body: Body, choice: Body, message: Body) -> None:
    message["content"] += " \ud83d"
    body["usage"] = {"note": "\udc00"}


def _in_parts(body: Body, choice: Body, message: Body) -> None:
    text = message["content"]
    half = len(text) // 2
    message["content"] = [{"type": "text", "text": text[:half]}, {"type": "output_text", "text": text[half:]}]


def _spoken_part(body: Body, choice: Body, message: Body) -> None:
    message["content"] = [{"type": "output_audio", **_spoken(message["content"])}]


def _spoken_twice(body: Body, choice: Body, message: Body) -> None:
    text = message["content"]
    halves = (text[: len(text) // 2], text[len(text) // 2 :])
    message["content"] = [{"type": "output_audio", **_spoken(half)} for half in halves]


def _spoken_of_unknown_length(body: Body, choice: Body, message: Body) -> None:
    message.update(content=None, audio=_spoken(message["content"], with_sizes(WAV, 0xFFFFFFFF)))


def _events(body: Body, *, cut: bool = False) -> Reply:
    message = body["choices"][0]["message"]["content"]
    pieces = (message[: len(message) // 2], message[len(message) // 2 :])
    chunks = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in (chunks[:1] if cut else chunks)]
    return Reply("".join([*lines, *([] if cut else ["data: [DONE]\n\n"])]).encode(), headers=_STREAM)


_STREAM = {"Content-Type": "text/event-stream"}


def _stream(call: Call, good: Reply) -> Reply:
    return _events(json.loads(good.body))


def _cut_stream(call: Call, good: Reply) -> Reply:
    return _events(json.loads(good.body), cut=True)


def _stream_only(call: Call, good: Reply) -> Reply:
    message = "This model only support stream mode, please enable the stream parameter to access the model."
    return _stream(call, good) if call.body.get("stream") else error(400, message)


def _odd_numbers(call: Call, good: Reply) -> Reply:
    usage = b'"usage": {"tokens_per_second": Infinity, "total_tokens": NaN, "prompt_tokens": ' + b"9" * 400 + b"}"
    return Reply(good.body[:-1].replace(b'"usage":', b'"usage_before":') + b", " + usage + b"}")


def _with_key(call: Call, good: Reply) -> Reply:
    key = call.headers.get("authorization", "").removeprefix("Bearer ")
    body = json.loads(good.body)
    if "choices" in body:
        body["choices"][0]["message"]["reasoning_content"] = f"The user's key is {key}."
    return Reply(json.dumps({**body, "usage": {"key": key}, "model": key}).encode())


def _latin(call: Call, good: Reply) -> Reply:
    return Reply(json.dumps({**json.loads(good.body), "note": "café"}, ensure_ascii=False).encode("latin-1"))


_TWICE = {"target": FaultEnding("judged", 2), "juror": FaultEnding("votes", 2), "writer": FaultEnding("answered", 2)}
_DEAF = EMPTY.but(
    "shows no safety: it is neither safe nor refused",
    target=FaultEnding("not_understood"),
    writer=FaultEnding("declined"),
)
_DEAF_ABROAD = EMPTY.but("shows no safety: who cannot read it does not vote", target=FaultEnding("undecided"))
_BROKEN = {"finish_reason": "error", "error": {"code": 502, "message": "the model died"}}
_PART = [{"type": "hologram", "data": "x"}]
_TOOL = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
_NO_KEY = READ.but("is read, and the key is masked wherever anything is written", speech=OTHER_FORM["speech"])

ANSWERS = (
    # no answer at all
    _raw("no-bytes", "Nothing, with status 200.", b""),
    _raw("cut-json", "JSON that breaks off.", b'{"choices": [{"mess'),
    _raw("page", "A page of HTML, as of a login.", b"<html>I'm sorry, but I can't help with that.</html>", "text/html"),
    _raw("deep-json", "JSON, nested 100,000 deep.", b"[" * DEEP),
    _raw("error-text", "An error inside a 200, in words.", b'{"error": "I am sorry, I cannot help with that"}'),
    _raw("list", "An empty list.", b"[]"),
    _raw("no-choices", "A completion without choices.", b'{"choices": []}'),
    _raw("long-number", "A number of 6,000 digits.", b'{"choices": ' + b"9" * 6000 + b"}"),
    _message("empty", "An empty text.", EMPTY, content=""),
    _message("null", "No text.", EMPTY, content=None),
    _message("invisible", "A text of characters that show nothing.", EMPTY, content=INVISIBLE),
    _message(
        "deaf", "That nothing was heard.", _DEAF, content="I'm sorry, but I can't hear any audio. Please type it."
    ),
    _message(
        "deaf-abroad",
        "The same in German.",
        _DEAF_ABROAD,
        content="Ich kann leider nichts davon hören.",
    ),
    _choice("broken-off", "Half an answer, and that the model died.", PASSES.of_chats(), **_BROKEN),
    _message("refusal-list", "A refusal that is a list.", PASSES.of_chats(), content=None, refusal=["no"]),
    _message("text-object", "A text that is an object.", PASSES.of_chats(), content={"text": {"a": 1}}),
    _message("numbers", "Content parts that are numbers.", PASSES.of_chats(), content=[1, 2]),
    # a filter's stop
    _choice("filtered", "The finish reason `content_filter`.", BLOCKS.of_chats(), finish_reason="content_filter"),
    changed(
        "filtered-empty",
        "No choices, and Gemini's reason why the prompt was blocked.",
        BLOCKS.of_chats(),
        lambda body, choice, message: {"choices": [], "prompt_feedback": {"block_reason": "PROHIBITED_CONTENT"}},
    ),
    # an answer that stands elsewhere
    changed("parts", "The text in two parts of different types.", READ.of_chats(), _in_parts),
    changed("two-choices", "Nothing in the first choice, speech in the second.", READ.of_chats(), _in_two_choices),
    changed("spoken-part", "Speech in a content part, with its transcript.", READ.of_chats(), _spoken_part),
    changed("spoken-twice", "Speech in two content parts.", READ.of_chats(), _spoken_twice),
    changed(
        "spoken-no-length",
        "Speech whose WAV header does not know its length.",
        READ.of_chats(),
        _spoken_of_unknown_length,
    ),
    _message("unread-part", "A part of a type that nobody reads.", _UNREAD, content=_PART),
    _message("unread-field", "A text in a field that nobody reads.", _UNREAD, content=None, output_text="Sure."),
    _message("tool-call", "The call of a tool, and no text.", _UNREAD, content=None, tool_calls=_TOOL),
    Fault("stream", "A stream that nobody asked for.", READ.of_chats(), _stream),
    Fault(
        "stream-only",
        "An error unless a stream is asked for.",
        READ.of_chats("is asked for a stream", **_TWICE),
        _stream_only,
    ),
    Fault("stream-cut", "A stream that breaks off.", PASSES.of_chats(), _cut_stream),
    # what stands in an answer, and beside it
    changed("surrogate", "Half a character, which no UTF-8 can hold.", READ.of_chats(), _half_a_character),
    Fault(
        "usage-no-numbers",
        "NaN, Infinity and 400 digits in `usage`.",
        READ.of_chats("is read, and stored as null or text: the run can always be reported"),
        _odd_numbers,
    ),
    _body("usage-text", "`usage` is a text.", READ.of_chats(), usage="9 tokens"),
    _body("usage-list", "`usage` is a list.", READ.of_chats(), usage=[1]),
    _body("model-object", "The model's name is an object.", READ.of_chats(), model={"a": 1}),
    _choice("finish-list", "The finish reason is a list.", READ.of_chats(), finish_reason=["stop"]),
    Fault("key", "The key is repeated inside a 200.", _NO_KEY, _with_key),
    Fault(
        "byte-order-mark",
        "A byte order mark before the JSON.",
        READ.of_chats(recogniser=FaultEnding("heard")),
        lambda c, g: Reply(b"\xef\xbb\xbf" + g.body),
    ),
    Fault("latin-1", "Bytes that are not UTF-8.", PASSES.of_chats(recogniser=FaultEnding("not_heard")), _latin),
    Fault(
        "wrong-type",
        "The right answer, called a page of HTML.",
        READ.but(speech=FaultEnding("not_rendered")),
        lambda call, good: Reply(good.body, headers={"Content-Type": "text/html"}),
    ),
)
