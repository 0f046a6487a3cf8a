"""What the messages of an answer hold: text, thinking and media. What nothing here reads is an error, never dropped."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from safebench.models.families import Family
from safebench.models.words import same_words
from safebench.plugins import Encoder
from safebench.targets.thinking import split_thinking
from safebench.types import Media

TEXTS = ("text", "output_text", "refusal")  # types of content parts
THOUGHTS = ("thinking", "reasoning", "redacted_thinking", "reasoning_text", "thought", "summary_text")
CARRIERS = (  # fields of a message in which answers were seen
    *("audio", "audios", "image", "images", "video", "videos", "file", "files", "parts", "output", "outputs"),
    *("text", "output_text", "tool_calls", "function_call"),
)
KNOWN = (  # fields of a message that hold no answer
    *("content", "refusal", "role", "name", "annotations", "citations", "context", "search_results", "sources"),
    *("executed_tools", "provider_specific_fields"),
)
KNOWN_OF_CHOICE = (
    *("message", "delta", "index", "finish_reason", "native_finish_reason", "finish_details", "logprobs", "error"),
    *("content_filter_results", "content_filter_result", "content_filter_offsets", "stop_reason", "matched_stop"),
    *("token_ids", "prompt_token_ids", "prompt_logprobs", "grounding_metadata", "safety_ratings", "citations"),
)
KNOWN_OF_BODY = ("choices", "usage")
LONGEST_LABEL = 40  # characters from which a text with words in it is no name and no code
DATA_FIELDS = ("b64_json", "data", "bytes", "base64")
LONG = 256  # characters of a field named so that are data
DEEPEST = 8


class UnreadAnswer(ValueError):
    """The answer holds something that nobody reads here, and that may be the answer: nothing is said of the rest."""


@dataclass(frozen=True, slots=True)
class Contents:
    """`unknown`: a mark that may stand around thinking; see `split_thinking`."""

    text: str
    transcript: str
    media: tuple[Media, ...]
    thinking: str
    unknown: str

    @property
    def said(self) -> str:
        """All that it said: what it wrote, and the transcript of what it spoke where those are other words."""
        return "\n".join(_distinct([self.text, self.transcript]))


def contents(message: Mapping[str, Any], encoders: Mapping[str, Encoder], family: Family) -> Contents:
    """All of one message. Raises ValueError for a malformed one, and UnreadAnswer."""
    parts = _parts(message.get("content"))
    written, thoughts, decoded = [], [], []
    for part in parts:
        kind = part.get("type", "text" if "text" in part else None)
        if kind in THOUGHTS:
            thoughts += _told(part)
        elif kind in TEXTS:
            written.append(_text(part))
        else:
            decoded += _decoded(part, f"a part of type {kind}", encoders)
    thoughts += [thought for field in family.thinking_fields for thought in _told(message.get(field))]
    decoded += _in_fields(message, (*family.thinking_fields, *KNOWN), encoders, _carries_text)
    answer, thinking, unknown = split_thinking("".join(written), family)
    distinct = dict.fromkeys(thought.strip() for thought in (*thoughts, thinking) if thought.strip())
    transcript = "\n".join(transcript for _, transcript in decoded if transcript)
    media = tuple(media for media, _ in decoded)
    said = "\n".join(_distinct([answer, _refusal(message)]))
    return Contents(said, transcript, media, "\n".join(distinct), unknown)


def beside(body: Mapping[str, Any], encoders: Mapping[str, Encoder]) -> list[Contents]:
    """What the choices and the body hold beside the messages. Raises UnreadAnswer."""
    decoded = list(_in_fields(body, KNOWN_OF_BODY, encoders))
    for choice in body["choices"]:
        decoded += _in_fields(choice, KNOWN_OF_CHOICE, encoders, _carries_text)
    return [Contents("", transcript, (media,), "", "") for media, transcript in decoded]


def joined(all_contents: Sequence[Contents]) -> Contents:
    """Of several choices, of which any may hold the answer or a piece of it."""
    if len(all_contents) == 1:
        return all_contents[0]
    return Contents(
        "\n".join(_distinct(one.said for one in all_contents)),
        "",
        tuple(dict.fromkeys(media for one in all_contents for media in one.media)),
        "\n".join(dict.fromkeys(one.thinking for one in all_contents if one.thinking)),
        next((one.unknown for one in all_contents if one.unknown), ""),
    )


def _distinct(texts: Iterable[str]) -> list[str]:
    """Without those that are empty, or say in the same words what another one says."""
    kept: list[str] = []
    for text in texts:
        if text and not any(same_words(text, other) for other in kept):
            kept.append(text)
    return kept


# --- text


def _parts(content: object) -> list[Mapping[str, Any]]:
    if content is None or isinstance(content, str):
        return [{"type": "text", "text": content or ""}]
    parts = content if isinstance(content, list) else [content]
    return [_part(part) for part in parts]


def _part(part: object) -> Mapping[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if not isinstance(part, Mapping):
        raise ValueError(f"malformed chat completion: content is {type(part).__name__}")
    return part


def _text(part: Mapping[str, Any]) -> str:
    text = part.get("text") or part.get("refusal") or ""
    if isinstance(text, Mapping):  # as assistants give it
        text = text.get("value")
    if not isinstance(text, str):
        raise ValueError(f"malformed chat completion: the text of a part is {type(text).__name__}")
    return text


def _refusal(message: Mapping[str, Any]) -> str:
    refusal = message.get("refusal") or ""
    if not isinstance(refusal, str):
        raise ValueError(f"malformed chat completion: refusal is {type(refusal).__name__}")
    return refusal


def _told(value: object, depth: int = 0) -> list[str]:
    """The texts of thinking, however it is nested."""
    if isinstance(value, str):
        return [value]
    if depth > DEEPEST:
        return []
    if isinstance(value, Mapping):
        value = [value.get(key) for key in ("thinking", "reasoning", "text", "content", "summary")]
    return [text for one in value for text in _told(one, depth + 1)] if isinstance(value, list) else []


# --- media


def _in_fields(
    message: Mapping[str, Any],
    read: Container[str],
    encoders: Mapping[str, Encoder],
    carries_more: Callable[[object], bool] = lambda _: False,
) -> Iterator[tuple[Media, str]]:
    for field, value in message.items():
        if field in read or _is_blank(value):
            continue
        if field in CARRIERS or _carries_data(value) or carries_more(value):
            yield from _decoded({field: value}, f"{field!r}", encoders)


def _decoded(part: Mapping[str, Any], what: str, encoders: Mapping[str, Encoder]) -> list[tuple[Media, str]]:
    read = [decoded for encoder in encoders.values() if (decoded := encoder.decode(part)) is not None]
    if not read:
        raise UnreadAnswer(f"the answer holds {what}, which is not read")
    return [media for decoded in read for media in decoded]


def _is_blank(value: object) -> bool:
    """Nothing at all, or the frame of something that was not said."""
    if isinstance(value, Mapping) and value.get("data", None) == "":
        return not value.get("transcript")
    return not value


def _carries_text(value: object, depth: int = 0) -> bool:
    """Whether there is a long text in it, with blanks or letters beyond ASCII: no code, no hash and no signature."""
    if isinstance(value, str):
        return len(value) >= LONGEST_LABEL and (not value.isascii() or len(value.split()) > 1)
    if depth > DEEPEST:
        return True
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_carries_text(one, depth + 1) for one in values)


def _carries_data(value: object, depth: int = 0) -> bool:
    """Whether there is a medium in it, as a data URI or in a field that is named so."""
    if isinstance(value, str):
        return value.startswith("data:") and ";base64," in value[:200]
    if depth > DEEPEST:
        return False
    if isinstance(value, dict):
        named = (value.get(field) for field in DATA_FIELDS)
        if any(isinstance(one, str) and len(one) > LONG for one in named):
            return True
        value = list(value.values())
    return isinstance(value, list) and any(_carries_data(one, depth + 1) for one in value)
