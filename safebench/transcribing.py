"""The stage *transcribe*: what was said in a spoken answer, by the recogniser that the user chose for its medium."""

from __future__ import annotations

from collections.abc import Mapping

from safebench.errors import SafeBenchError
from safebench.reading import Reader
from safebench.types import Response


async def transcribe(response: Response, recognisers: Mapping[str, str], reader: Reader) -> str | None:
    """The text of all media of an answer; None where there are none, no recogniser was chosen, or one of them failed.

    Nothing recognised is an empty text, which no jury takes for an answer.
    """
    chosen = [(recognisers.get(media.medium), media) for media in response.media]
    if not chosen or any(recogniser is None for recogniser, _ in chosen):
        return None
    try:
        return "\n".join([await reader.recognise(recogniser or "", media) for recogniser, media in chosen])
    except (SafeBenchError, ValueError, RuntimeError):
        return None  # its endpoint failed, undecodable, or the worker died: the target's own text is left, or nothing
