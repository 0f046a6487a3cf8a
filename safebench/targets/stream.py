"""An answer that came as a stream of server-sent events, put together: some servers know no other."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from safebench.serialisation import read_json

DONE = "[DONE]"
_EVENT_STREAM = "text/event-stream"
_FIRST_LINES = (b"data:", b"event:", b":")
_LINE_ENDS = re.compile(r"\r\n|\r|\n")


def is_stream(content_type: str, body: bytes) -> bool:
    return content_type.startswith(_EVENT_STREAM) or body.lstrip().startswith(_FIRST_LINES)


def put_together(body: bytes) -> Any:
    """The chat completion that the chunks make, or the first that tells of an error.

    Raises ValueError for what is no stream of JSON, and for one that broke off: it has to say that it ends, by
    `[DONE]` or by a reason for each choice.
    """
    events = list(_events(body.decode("utf-8", "replace")))
    chunks = [read_json(event) for event in events if event != DONE]
    if not chunks or not all(isinstance(chunk, dict) for chunk in chunks):
        raise ValueError("the stream holds no chat completion")
    failed = next((chunk for chunk in chunks if chunk.get("error")), None)
    if failed is not None:  # what came before it is no answer
        return {key: value for key, value in failed.items() if key != "choices"}
    choices = _choices(chunks)
    if DONE not in events and not (choices and all(choice["finish_reason"] for choice in choices)):
        raise ValueError("the stream broke off")
    whole: dict[str, Any] = {}
    for chunk in chunks:
        whole |= {key: value for key, value in chunk.items() if value is not None}
    return {**whole, "choices": choices}


def _events(text: str) -> Iterator[str]:
    """The data of each event: its lines that begin with `data:`; all other lines say nothing of the answer."""
    data: list[str] = []
    for line in (*_LINE_ENDS.split(text), ""):
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            yield "\n".join(data).strip()
            data = []


def _choices(chunks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All choices, each with its deltas put together as its message."""
    pieces: dict[object, list[Mapping[str, Any]]] = {}
    for chunk in chunks:
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            if not isinstance(choice, dict):
                raise ValueError("malformed stream: a choice is no object")
            pieces.setdefault(str(choice.get("index", 0)), []).append(choice)
    return [_choice(of_one) for of_one in pieces.values()]


def _choice(pieces: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {"finish_reason": None}
    for piece in pieces:
        whole |= {key: value for key, value in piece.items() if value is not None}
    deltas = [piece[key] for piece in pieces for key in ("delta", "message") if isinstance(piece.get(key), dict)]
    message = _joined(deltas) if deltas else {}
    if isinstance(spoken := message.get("audio"), dict) and isinstance(spoken.get("data"), str):
        message["audio"] = {**spoken, "data": _one_base64(spoken["data"])}
    return {**whole, "message": message}


def _joined(values: Sequence[Any]) -> Any:
    """Texts one after the other, lists too, tables key by key; of anything else the last."""
    values = [value for value in values if value is not None]
    if values and all(isinstance(value, str) for value in values):
        return "".join(values)
    if values and all(isinstance(value, list) for value in values):
        return [one for value in values for one in value]
    if values and all(isinstance(value, dict) for value in values):
        keys = dict.fromkeys(key for value in values for key in value)
        return {key: _joined([value[key] for value in values if key in value]) for key in keys}
    return values[-1] if values else None


def _one_base64(data: str) -> str:
    """Of pieces: some servers encode each by itself, others cut one long text. Left as it is where it is wrong."""
    try:
        pieces = [base64.b64decode(piece, validate=True) for piece in re.findall(r"[^=]+={0,2}", data)]
    except binascii.Error:
        return data
    return base64.b64encode(b"".join(pieces)).decode()
