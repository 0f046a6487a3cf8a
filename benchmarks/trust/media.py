"""The converted folders that the cases share: sound ones, made once, and copies whose media or statuses are spoilt."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image
from pyarrow import parquet

from safebench.datasets.load import STARTER, load_dataset
from safebench.datasets.shards import shards, write_shards

Row = dict[str, Any]
Rows = list[Row]
Spoil = Callable[[Rows, str], Rows]  # rows of one medium, and its name
CONDITIONS = ("image:typographic", "audio:us-female")


def build(place: Path, names: set[str], limit: int | None = None) -> None:
    """Make what the cases need of FOLDERS, and the file of all that is known. `limit`: of queries, for the tests, which
    have no time to read pictures back.
    """
    small, full = place / "small-made", place / "full-made"
    _convert("starter-small", small, limit=limit, check_share=0.0 if limit else 1.0)
    _copy(small, place / "small", passed) if limit else _pass_speech(small, place / "small")
    if any(name.startswith("full") for name in names):
        _convert(STARTER, full)  # all checked, once: what is not checked here every run would check
        _pass_speech(full, place / "full")
    for name in names - {"small", "full", "starter-small", STARTER}:
        source, spoil = FOLDERS[name]
        _copy(place / source, place / name, spoil)
    write_known(place / "known.json", place / "full" if (place / "full").exists() else place / "small")


def _convert(data: str, out: Path, *, limit: int | None = None, check_share: float = 1.0) -> None:
    told = [*(part for condition in CONDITIONS for part in ("-c", condition)), "--check-share", str(check_share)]
    told += ["--recogniser", "none", "--recogniser", "rapidocr"]  # whether speech was heard is what cases plant
    told += ["--limit", str(limit)] if limit else []
    command = [sys.executable, "-m", "safebench", "convert", data, "--out", str(out), *told]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def write_known(path: Path, folder: Path | None) -> None:
    """What targets know of queries, and of the media in a folder; see seeing.py."""
    queries = load_dataset(STARTER).queries
    by_intent: dict[str, list[str]] = {}
    for query in sorted(queries, key=lambda query: hashlib.sha256(query.id.encode()).digest()):
        by_intent.setdefault(query.intent.value, []).append(query.id)
    ranks = {id: n / len(ids) for ids in by_intent.values() for n, id in enumerate(ids)}
    told = {q.id: {"text": q.text, "intent": q.intent.value, "rank": ranks[q.id]} for q in queries}
    media = {row["sha256"]: row["id"] for _, rows in (_read(folder) if folder else ()) for row in rows}
    path.write_text(json.dumps({"queries": told, "media": media}), encoding="utf-8")


def _read(folder: Path) -> Iterator[tuple[str, Rows]]:
    by_medium: dict[str, Rows] = {}
    for path in shards(folder):
        by_medium.setdefault(path.parent.name, []).extend(parquet.read_table(path).to_pylist())
    yield from by_medium.items()


def _copy(source: Path, out: Path, spoil: Spoil) -> None:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    shutil.copy(source / "convert.toml", out)
    for medium, rows in _read(source):
        write_shards(out, medium, spoil(rows, medium))


def _pass_speech(source: Path, out: Path) -> None:
    """Speech as if a recogniser had heard it well: none that is small transcribes; it is espeak's own and right."""
    _copy(source, out, lambda rows, medium: rows if medium == "image" else _with_status(rows, "passed"))


# --- spoiling


def _with_status(rows: Rows, status: str) -> Rows:
    return [
        {**row, "fidelity_status": status, "fidelity": json.dumps({**json.loads(row["fidelity"]), "status": status})}
        for row in rows
    ]


def _with_media(row: Row, medium: str, data: bytes) -> Row:
    return {**row, "sha256": hashlib.sha256(data).hexdigest(), medium: {"bytes": data, "path": None}}


def passed(rows: Rows, medium: str) -> Rows:
    return _with_status(rows, "passed")


def unchecked(rows: Rows, medium: str) -> Rows:
    return _with_status(rows, "unchecked")


def harmful_only(rows: Rows, medium: str) -> Rows:
    return [{**row, "twin": None} for row in rows if row["intent"] == "harmful"]


def swapped(rows: Rows, medium: str) -> Rows:
    """Each query has the media of another scenario's: five rows on, where twins are no more."""
    return [_with_media(row, medium, rows[(n + 5) % len(rows)][medium]["bytes"]) for n, row in enumerate(rows)]


def twins_swapped(rows: Rows, medium: str) -> Rows:
    by_id = {row["id"]: row[medium]["bytes"] for row in rows}
    return [_with_media(row, medium, by_id[row["twin"]]) for row in rows]


def sounds(change: Callable[[np.ndarray, int], np.ndarray]) -> Spoil:
    """`change` gets samples and their rate; pictures stay."""

    def changed(data: bytes) -> bytes:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
        written = io.BytesIO()
        soundfile.write(written, change(samples, rate), rate, format="WAV", subtype="PCM_16")
        return written.getvalue()

    return _each("audio", changed)


def pictures(change: Callable[[Image.Image], Image.Image]) -> Spoil:
    def changed(data: bytes) -> bytes:
        written = io.BytesIO()
        change(Image.open(io.BytesIO(data)).convert("RGB")).save(written, "PNG")
        return written.getvalue()

    return _each("image", changed)


def _each(wanted: str, change: Callable[[bytes], bytes]) -> Spoil:
    return lambda rows, medium: (
        [_with_media(row, medium, change(row[medium]["bytes"])) for row in rows] if medium == wanted else rows
    )


def _then(*steps: Spoil) -> Spoil:
    def spoil(rows: Rows, medium: str) -> Rows:
        for step in steps:
            rows = step(rows, medium)
        return rows

    return spoil


SILENT = sounds(lambda samples, rate: 0 * samples)
SHORT = sounds(lambda samples, rate: samples[: rate // 2])
NOISY = sounds(lambda samples, rate: np.random.default_rng(0).normal(0, 0.1, len(samples)).astype("float32"))
REVERSED = sounds(lambda samples, rate: samples[::-1])
BLANK = pictures(lambda picture: Image.new("RGB", picture.size, "white"))
TINY = pictures(lambda picture: picture.resize((12, 12)))
CROPPED = pictures(lambda picture: picture.crop((0, 0, picture.width // 5, picture.height // 5)))

FOLDERS: Mapping[str, tuple[str, Spoil]] = {  # name: (the sound folder, how it is spoilt); `small` says "passed"
    "small-unchecked": ("small", unchecked),
    "full-unchecked": ("full", unchecked),
    "full-harmful": ("full", harmful_only),
    "small-swapped": ("small", swapped),
    "small-swapped-unchecked": ("small", _then(swapped, unchecked)),
    "small-twins": ("small", twins_swapped),
    "small-twins-unchecked": ("small", _then(twins_swapped, unchecked)),
    "small-silent": ("small", SILENT),
    "small-silent-unchecked": ("small", _then(SILENT, unchecked)),
    "small-short": ("small", SHORT),
    "small-noise": ("small", NOISY),
    "small-reversed": ("small", REVERSED),
    "small-blank": ("small", BLANK),
    "small-tiny": ("small", TINY),
    "small-cropped": ("small", CROPPED),
}

RECIPES = """\
[image.tiny]
steps = [{ use = "typographic" }, { use = "resize", longest_side = 24 }]
gate = { cer = 0.05 }

[image.corner]
steps = [{ use = "typographic" }, { use = "crop", keep = 0.2, x = 0.0, y = 0.0 }]
gate = { cer = 0.05 }

[audio.german]
steps = [{ use = "spoken-form" }, { use = "espeak", voice = "de", words_per_minute = 150 }]
gate = { max_silence_share = 0.7 }

[audio.drowned]
steps = [{ use = "spoken-form" }, { use = "espeak", voice = "en-us+f5" }, { use = "noise", snr_db = -20.0 }]
gate = { max_wer = 0.05 }
"""
