"""Media on a page: linked where they lie beside it, or put inside up to a limit; clips with their waveform."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from safebench import registry
from safebench.errors import BadInput, ConversionError
from safebench.store.store import Store
from safebench.types import Media

PEAKS = 160  # bars of a waveform
DOWNLOADED = "application/octet-stream"  # what no browser shows
SMALL = 200_000  # bytes of a preview that may stand inside a page
PLAYED = ("image", "audio", "video")  # main types that every browser shows without running anything in them


@dataclass(slots=True)
class Shelf:
    """Turns references of a store into what the page needs. `room`: bytes that may still be put inside."""

    store: Store
    room: int = 0

    def show(self, reference: Mapping[str, Any]) -> dict[str, Any]:
        """`kind` (None: not shown), `url`, `mime`, `size`, `peaks` (loudest sample of each part, 0-100); `link` to what
        a browser does not show.
        """
        mime, size = reference["mime"], reference["size"]
        path = self.store.media_path(reference["sha256"], mime)
        kind = mime.partition("/")[0]
        shown = {"mime": mime, "size": size, "name": path.name, "kind": None, "url": None, "peaks": None}
        if not path.is_file():
            return {**shown, "missing": True}
        if kind not in PLAYED:
            link = None if _may_run(mime) else self._address(path, size, DOWNLOADED)
            return {**shown, "link": link, **previewed(self.store.find(dict(reference)))}
        url = self._address(path, size, mime)
        return {**shown, "kind": kind, "url": url, "peaks": _peaks(path) if kind == "audio" else None}

    def _address(self, path: Path, size: int, mime: str) -> str:
        """Of the file inside the page, where there is room, or else beside it."""
        inside = 4 * -(-size // 3)  # as base64
        if inside > self.room:
            return quote(path.relative_to(self.store.folder).as_posix())
        self.room -= inside
        return _data_uri(path, mime)


def _may_run(mime: str) -> bool:
    """Whether a browser would run what it finds in a file of that type that is opened from beside the page."""
    return mime.startswith("text/") or any(word in mime for word in ("xml", "html", "script"))


def previewed(media: Media) -> dict[str, Any]:
    """`kind` and `url`, or `text`, of what the modality shows in its place; nothing where it shows nothing."""
    try:
        shown = registry.modality(media.medium).preview(media)
    except (BadInput, ConversionError, ValueError, OSError):  # no such modality here, or no such file
        return {}
    if isinstance(shown, str):
        return {"text": shown}
    if shown is None or shown.size > SMALL or shown.mime.partition("/")[0] not in PLAYED:
        return {}
    return {"kind": shown.mime.partition("/")[0], "url": shown.data_uri()}


def _data_uri(path: Path, mime: str) -> str:
    return f"data:{quote(mime, safe='/')};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def _peaks(path: Path) -> list[int] | None:
    """None for what libsndfile cannot read: the player is there all the same."""
    import numpy as np
    import soundfile

    try:
        samples, _ = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError):
        return None
    loudness = np.nan_to_num(np.abs(samples).max(axis=1)) if len(samples) else np.zeros(0)
    parts = np.array_split(loudness, min(PEAKS, len(loudness)) or 1)
    return [min(100, round(100 * float(part.max()))) if len(part) else 0 for part in parts]
