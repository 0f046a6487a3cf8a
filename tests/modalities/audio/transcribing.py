"""Answers of a scripted server that takes recordings, as `POST /v1/audio/transcriptions` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from safebench.testing.server import Reply, transcription


def by_hash(texts: Mapping[str, Reply | str]) -> Any:
    """Answer each recording by its SHA-256; a string is a transcription."""

    def answer(call: Any) -> Reply:
        reply = texts[call.body["file_sha256"]]
        return reply if isinstance(reply, Reply) else transcription(reply)

    return answer
