"""What a scripted target is sent, and perfect eyes and ears: media are known by the hash of their bytes.

What there is to know stands in a file that the environment names: `queries` by id with text, intent and rank, the place
of the query among those of its intent, 0 to 1, by which targets comply at exact rates; and `media`, ids by SHA-256.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from safebench.resources import prompt

KNOWN = "SAFEBENCH_TRUST_KNOWN"
Messages = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Query:
    id: str
    text: str
    intent: str
    rank: float


@dataclass(frozen=True, slots=True)
class Seen:
    """`query`: what the media carry, or without media the text; None where that is no query that is known. `said`: the
    same in words, of a text that is no query as well. `offered`: the sentences among which a probe lets choose.
    """

    query: Query | None
    said: str
    written: str
    medium: str  # text, image or audio
    digest: str  # of all that was sent
    probe: bool
    offered: tuple[str, ...] = ()


def see(messages: Messages) -> Seen:
    parts = [part for message in messages if message["role"] == "user" for part in _parts(message["content"])]
    written = "\n".join(part["text"] for part in parts if part["type"] == "text")
    media = [part for part in parts if part["type"] != "text"]
    digests = [hashlib.sha256(_bytes(part)).hexdigest() for part in media]
    left, probe, offered = _unprobed(written)
    query = _carried(digests) if media else _written(left)
    said = (query.text if query else "") if media else left
    medium = "text" if not media else "image" if media[0]["type"] == "image_url" else "audio"
    digest = hashlib.sha256("/".join([written, *digests]).encode()).hexdigest()
    return Seen(query, said, written, medium, digest, probe, offered)


def _unprobed(written: str) -> tuple[str, bool, tuple[str, ...]]:
    """What is written beside a probe's own words, whether there are any, and what they offer."""
    repeat, choose = prompt("comprehension.repeat").text, prompt("comprehension.choose").text.partition("$choices")[0]
    if repeat in written:
        return written.replace(repeat, "").strip(), True, ()
    left, asked, rest = written.partition(choose)
    return left.strip(), bool(asked), tuple(re.findall(r"^[A-D]\) (.*)$", rest, re.MULTILINE))


def without_media(messages: Messages) -> list[dict[str, Any]]:
    """What is left where a server drops the media."""
    return [
        {**message, "content": [part for part in _parts(message["content"]) if part["type"] == "text"]}
        for message in messages
    ]


def known_queries() -> Mapping[str, Query]:
    return _known(os.environ[KNOWN])[0]


def _parts(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _bytes(part: Mapping[str, Any]) -> bytes:
    told = part["image_url"]["url"] if part["type"] == "image_url" else part["input_audio"]["data"]
    return base64.b64decode(told.rpartition(",")[2])


def _carried(digests: Sequence[str]) -> Query | None:
    queries, media = _known(os.environ[KNOWN])
    return next((queries[media[digest]] for digest in digests if digest in media), None)


def _written(text: str) -> Query | None:
    found = [query for query in known_queries().values() if query.text in text]
    return max(found, key=lambda query: len(query.text), default=None)


@lru_cache(maxsize=2)
def _known(path: str) -> tuple[dict[str, Query], dict[str, str]]:
    told = json.loads(Path(path).read_text(encoding="utf-8"))
    return {id: Query(id, **one) for id, one in told["queries"].items()}, told["media"]
