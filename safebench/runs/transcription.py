"""The stage *transcribe*: what was said in a spoken answer, by the recogniser that the user chose for its medium."""

from __future__ import annotations

from collections.abc import Mapping

from safebench.errors import SafeBenchError, Stopping, TargetRefusesService
from safebench.rendering.recognition import RecogniserCache
from safebench.serialisation import storable
from safebench.types import Response, Transcript


async def transcribe(response: Response, recognisers: Mapping[str, str], cache: RecogniserCache) -> Transcript | None:
    """The text of all media of an answer; None where there are none, or no recogniser was chosen for one of them.

    Nothing recognised is an empty text, which no jury takes for an answer. Raises TargetRefusesService where the
    recogniser's endpoint will hear nothing at all.
    """
    chosen = [(recognisers.get(media.medium), media) for media in response.media]
    names = ", ".join(dict.fromkeys(name for name, _ in chosen if name is not None))
    if not chosen or any(name is None for name, _ in chosen):
        return None
    try:
        heard = "\n".join([await cache.recognise(name or "", media) for name, media in chosen])
        return Transcript(storable(heard), names)
    except (TargetRefusesService, Stopping):
        raise
    except (SafeBenchError, ValueError, RuntimeError) as error:  # its endpoint failed, broken media, a dead worker
        return Transcript("", names, storable(f"{type(error).__name__}: {error}"))
