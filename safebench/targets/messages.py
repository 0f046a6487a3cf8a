"""Messages in the chat format: what `openai` and `python` targets send.

A medium travels through an encoder for the target's family: the target's own one, or that of the medium's modality.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from mimetypes import guess_extension
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from safebench import registry
from safebench.errors import BadInput, unknown
from safebench.plugins import Encoder, Modality
from safebench.types import TEXT, Media, Message, Part, Text


def media_encoders(family: str, own: Mapping[str, Encoder], chosen: Mapping[str, str] = {}) -> dict[str, Encoder]:
    """By medium, all encoders that there are for a target family; `own` ones, which the target brings, win.

    `chosen` names another encoder of the modality for some media. Text needs none. No package of any modality is
    imported beyond its class. Raises BadInput for a broken modality and for an encoder that it does not have.
    """
    encoders: dict[str, Encoder] = {}
    for modality in (registry.load(Modality, name) for name in registry.names(Modality)):
        if modality.medium in chosen and chosen[modality.medium] not in modality.encoders:
            raise unknown(f"{modality.medium} encoder", chosen[modality.medium], modality.encoders)
        encoder = modality.encoders.get(chosen.get(modality.medium, family))
        encoders |= {modality.medium: encoder} if encoder is not None else {}
    return {medium: encoder for medium, encoder in {**encoders, **own}.items() if medium != TEXT}


def encode_messages(
    messages: Sequence[Message], family: str, own: Mapping[str, Encoder], chosen: Mapping[str, str] = {}
) -> list[dict[str, Any]]:
    """Chat messages as dictionaries with `role` and `content`.

    A message of one text has it as its content, any other a list of parts. Media that occur several times are read and
    encoded once. Raises BadInput for a medium that has no encoder for this family.
    """
    return encoded(messages, family, media_encoders(family, own, chosen))


def encoded(messages: Sequence[Message], family: str, encoders: Mapping[str, Encoder]) -> list[dict[str, Any]]:
    """The same with the encoders at hand, for who asks many times."""
    parts = _Parts(family, encoders)
    return [{"role": message.role, "content": _content(message, parts)} for message in messages]


def text_and_pictures(messages: Sequence[Mapping[str, Any]], most: int | None = None) -> tuple[str, list[Any]]:
    """The written text of the last message and its decoded pictures, for functions that answer with a model that sees.

    Raises ValueError for any other part, which would be missing from the question, and for more than `most` pictures.
    """
    content = messages[-1]["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    others = sorted({part["type"] for part in parts} - {"text", "image"})
    if others:
        raise ValueError(f"only text and pictures are taken (with media = 'decoded'), not {', '.join(others)}")
    pictures = [part["image"] for part in parts if part["type"] == "image"]
    if most is not None and len(pictures) > most:
        raise ValueError(f"{most} picture is taken at most, not {len(pictures)}")
    return "\n".join(part["text"] for part in parts if part["type"] == "text"), pictures


def media_file(media: Media) -> Path:
    """A file with the bytes, for models that take paths; that of media in memory ends with the process."""
    if isinstance(media.source, Path):
        return media.source
    path = Path(_folder().name) / f"{media.sha256}{guess_extension(media.mime) or ''}"
    if not path.exists():
        path.write_bytes(media.read())
    return path


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="safebench-media-")


def _content(message: Message, parts: _Parts) -> str | list[Mapping[str, Any]]:
    match message.parts:
        case ():
            return ""
        case (Text(text),):
            return text
    return [parts.encode(part) for part in message.parts]


class _Parts:
    """Encodes the parts of one request and remembers its media, which are large."""

    def __init__(self, family: str, encoders: Mapping[str, Encoder]) -> None:
        self._family = family
        self._encoders = encoders
        self._encoded: dict[tuple[str, str, str], Mapping[str, Any]] = {}

    def encode(self, part: Part) -> Mapping[str, Any]:
        if isinstance(part, Text):
            return {"type": "text", "text": part.text}
        key = (part.medium, part.mime, part.sha256)
        if key not in self._encoded:
            self._encoded[key] = self._encoder(part).encode(part)
        return self._encoded[key]

    def _encoder(self, media: Media) -> Encoder:
        if media.medium not in self._encoders:
            known = ", ".join(sorted(self._encoders)) or "none"
            raise BadInput(f"no encoder sends {media.medium} to targets of family {self._family!r}; there are: {known}")
        return self._encoders[media.medium]
