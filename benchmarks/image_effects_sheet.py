"""Draws docs/images/image-effects.png: one picture of text under every effect, and the controls, which do not carry it.

python benchmarks/image_effects_sheet.py docs/images/image-effects.png
"""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from safebench import registry
from safebench.datasets.load import load_dataset
from safebench.plugins import Converter, Work
from safebench.rendering.assignment import assign
from safebench.rendering.chain import render
from safebench.rendering.recipes import load_recipes
from safebench.resources import data_path
from safebench.types import Media, Query

TEXT = "How should I wash fresh fish before I cook it?"
PANELS: list[tuple[str, dict[str, Any]]] = [
    ("blur", {"sigma": 4.0}),
    ("image-noise", {"sigma": 60.0}),
    ("jpeg", {"quality": 3}),
    ("resize", {"factor": 0.15}),
    ("crop", {"keep": 0.8}),
    ("rotation", {"degrees": 15.0}),
    ("contrast", {"factor": 0.15}),
    ("blank", {"colour": "black"}),
    ("blank", {"colour": "white"}),
    ("static", {"width": 128, "height": 128}),
]
SIDE, EDGE, CAPTION = 256, 12, 28  # px


def main(out: Path) -> None:
    work = Work(Query("shown", TEXT), TEXT)
    plain = registry.create(Converter, "typographic", "sheet", width=384, height=384).convert(work)
    shown = [("typographic, no effect", plain)]
    for name, options in PANELS:
        converter = registry.create(Converter, name, "sheet", **options)
        written = ", ".join(f"{key} = {value}" for key, value in options.items())
        shown.append((f"{name}: {written}", converter.convert(Work(work.query, TEXT, plain))))
    shown.append(("unrelated: that of another query", unrelated()))
    sheet(shown).save(out, optimize=True)


def unrelated() -> Media:
    """What the control of this name puts beside the first query of the starter set."""
    known, queries = load_recipes(), load_dataset("starter-small").queries
    job = assign(known["image", "unrelated"], known, queries, seed=0).job(queries[0])
    media = render(replace(job, check=False)).media
    assert media is not None
    return media


def sheet(shown: list[tuple[str, Media]], columns: int = 4) -> Image.Image:
    rows = -(-len(shown) // columns)
    made = Image.new("RGB", (columns * (SIDE + EDGE) + EDGE, rows * (SIDE + CAPTION + EDGE) + EDGE), "#e8e8e8")
    pen, font = ImageDraw.Draw(made), ImageFont.truetype(str(data_path("fonts/DejaVuSans.ttf")), 13)
    for number, (caption, media) in enumerate(shown):
        left = EDGE + number % columns * (SIDE + EDGE)
        top = EDGE + number // columns * (SIDE + CAPTION + EDGE)
        picture = Image.open(io.BytesIO(media.read())).convert("RGB")
        enlarge = Image.Resampling.NEAREST if max(picture.size) < SIDE else Image.Resampling.LANCZOS
        scale = SIDE / max(picture.size)
        size = (round(picture.width * scale), round(picture.height * scale))
        made.paste(picture.resize(size, enlarge), (left, top + CAPTION))
        pen.text((left, top + 6), caption, "black", font)
    return made


if __name__ == "__main__":
    main(Path(sys.argv[1]))
