"""Reads text in images with RapidOCR, whose wheel carries its models."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np
from PIL import Image

from converters.pictures import decode
from modalities.image import lines
from safebench.models.torch_backend import installed
from safebench.plugins import PluginOptions, Recogniser
from safebench.types import Media

_SETTINGS = {
    "Global.log_level": "error",
    "Det.limit_type": "max",
    "Det.limit_side_len": lines.LONGEST,  # larger images are scaled down
    "EngineConfig.onnxruntime.enable_cpu_mem_arena": True,  # a sixth faster
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,  # the run has one worker a core already
}
_SCRIPTS = ("LATIN", "CJK", "HIRAGANA", "KATAKANA", "FULLWIDTH")


NAME = "rapidocr"
LINES = f"{NAME}:lines"


class RapidOcr(Recogniser):
    """Written `rapidocr`. `rapidocr:lines` reads plain lines of text alone, and nothing in any other picture.

    It takes less than half of the time, as it needs no detector, and does not find all of one picture in ten: what it
    makes of a picture may confirm a text that is known, and says nothing where it differs. Ink that is of no text it
    found makes it find nothing.
    """

    name = NAME
    summary = "reads Latin, Chinese and Japanese text in images, offline"
    needs = ("rapidocr", "onnxruntime")
    extra = "embedded"
    version = f"2 rapidocr {installed('rapidocr')} onnxruntime {installed('onnxruntime')}"
    medium = "image"

    class Options(PluginOptions):
        argument: Literal["", "lines"] = ""

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self._engine = _engine()

    def recognise(self, media: Media) -> str:
        picture = decode(media.read())
        return self._read_lines(picture) if self.options.argument else self._read_all(picture.convert("RGB"))

    def _read_all(self, picture: Image.Image) -> str:
        read: Any = self._engine(_blue_first(picture), use_det=True, use_cls=False)
        if read.boxes is None or not read.txts:
            return ""
        return in_reading_order(_Piece.of(box, text) for box, text in zip(read.boxes, read.txts, strict=True))

    def _read_lines(self, picture: Image.Image) -> str:
        read = [(strip, self._read_strip(strip.picture)) for strip in lines.strips(picture) or []]
        return " ".join(text for _, text in read) if all(strip.pieces.are_of(text) for strip, text in read) else ""

    def _read_strip(self, strip: Image.Image) -> str:
        return " ".join(self._engine(_blue_first(strip), use_det=False, use_cls=False).txts)


@cache
def _engine() -> Any:
    """One a process: to load its models takes a second, and they take 100 MB."""
    from rapidocr import RapidOCR

    return RapidOCR(params=_SETTINGS)


def _blue_first(picture: Image.Image) -> Any:
    """As the engine wants it, (height, width, 3)."""
    return np.ascontiguousarray(np.asarray(picture.convert("RGB"))[:, :, ::-1])


def unreadable(text: str) -> list[str]:
    """Letters of scripts that RapidOCR was never taught: what it makes of them says nothing about the image."""
    return sorted({c for c in text if c.isalpha() and not unicodedata.name(c, "").startswith(_SCRIPTS)})


class _Piece(NamedTuple):
    """A piece of text and where it lies, in px, y downwards."""

    left: float
    middle: float
    height: float
    text: str

    @classmethod
    def of(cls, box: Sequence[Sequence[float]], text: str) -> _Piece:
        xs, ys = [float(x) for x, _ in box], [float(y) for _, y in box]
        return cls(min(xs), (min(ys) + max(ys)) / 2, max(ys) - min(ys), text)


def in_reading_order(pieces: Iterable[_Piece]) -> str:
    """Lines from the top, pieces of one line from the left. Pieces whose middles are near are on one line."""
    lines: list[list[_Piece]] = []
    for piece in sorted(pieces, key=lambda p: p.middle):
        if lines and piece.middle - lines[-1][0].middle < lines[-1][0].height / 2:
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return " ".join(piece.text for line in lines for piece in sorted(line))
