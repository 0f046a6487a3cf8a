"""Pictures of text: 512x512 px, fitted, written to a file and checked.

    python benchmarks/typographic.py VARIANT [--size 400]

| variant | what draws |
| --- | --- |
| ours | the layout `typographic`: the largest type that fits, then the file, decoded again and found not to be blank |
| pillow | the loop that draws the same texts in grey at one size: no fitting, no check, the quickest compression |
| pillow-default | the same, as Pillow compresses when it is not told how |
| pyrit | PyRIT's AddImageTextConverter at one size, as it comes |
| pyrit-fitted | the same, told to find the size |
| workers-1, workers-2 | a run's stage *render* with one or two worker processes, read back by OCR as the recipe says |
| unchecked-1, unchecked-2 | the same without the check |
| figstep, chat, banner | the other layouts |
| read | as `ours`, and read back by OCR as a whole |
| checked | as `ours`, and checked by OCR as in a run: plain lines first, the whole where they do not have it all |

Ratios of items/s and their goals: ours/pyrit >= 2.5, ours/pillow >= 0.8, workers-2/workers-1 >= 1.7, checked/read >= 3.
`read`, `checked` and `workers-…` take up to a second a picture, and need the extra `embedded`: --size 24. Smoke: --size
8, everywhere. Those of PyRIT run in an environment of its own (constraints-bench-pyrit.txt).
"""

from __future__ import annotations

import asyncio
import io
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measuring import ROOT, arguments, measuring, sentences

SIDE, FONT_SIZE, COLUMNS = 512, 32, 25  # px, px, characters in a line: fills most of the picture
FONT = ROOT / "data" / "fonts" / "DejaVuSans.ttf"
Draw = Callable[[str], Any]


def ours(folder: Path, layout: str = "typographic") -> Draw:
    from converters.pictures import decode, is_blank
    from safebench import registry
    from safebench.plugins import Converter, Work
    from safebench.store.store import Store
    from safebench.types import Media, Query

    store = Store(folder)
    converter = registry.create(Converter, layout, "benchmark")
    behind = Media.of("image", "image/png", picture_behind()) if layout == "banner" else None

    def draw(text: str) -> Media:
        media = store.keep(converter.convert(Work(Query("q", text), text, media=behind)))
        if is_blank(decode(media.read())):
            raise ValueError(f"a blank picture of {text!r}")
        return media

    return draw


def picture_behind() -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(file, "PNG")
    return file.getvalue()


def read(folder: Path) -> Draw:
    from safebench.rendering.chain import recognise

    drawn = ours(folder)
    return lambda text: recognise("rapidocr", drawn(text))


def checked(folder: Path) -> Draw:
    from modalities.image import ImageModality
    from safebench.plugins import Checking
    from safebench.rendering.chain import recognise
    from safebench.types import Query

    drawn = ours(folder)
    gate = {"cer": 0.05}
    return lambda text: ImageModality().check(Checking(Query("q", text), drawn(text), gate, recognise, "rapidocr"))


def pillow(folder: Path, **saving: int) -> Draw:
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(str(FONT), FONT_SIZE)

    def draw(text: str) -> None:
        picture = Image.new("L", (SIDE, SIDE), 255)
        ImageDraw.Draw(picture).multiline_text((16, 16), "\n".join(textwrap.wrap(text, COLUMNS)), 0, font)
        picture.save(folder / f"{hash(text)}.png", **saving)

    return draw


def pyrit(folder: Path, font_size: int | tuple[int, int]) -> Draw:
    from PIL import Image
    from pyrit.converter import AddImageTextConverter
    from pyrit.memory import CentralMemory, SQLiteMemory

    memory = SQLiteMemory(db_path=":memory:")
    memory.results_path = str(folder)
    CentralMemory.set_memory_instance(memory)
    white = folder / "white.png"
    Image.new("RGB", (SIDE, SIDE), "white").save(white)
    converter = AddImageTextConverter(img_to_add=str(white), font_name=str(FONT), font_size=font_size)
    loop = asyncio.new_event_loop()
    return lambda text: loop.run_until_complete(converter.convert_async(prompt=text, input_type="text"))


DRAW: dict[str, Callable[[Path], Draw]] = {
    "ours": ours,
    "read": read,
    "checked": checked,
    "pillow": lambda folder: pillow(folder, compress_level=1),
    "pillow-default": pillow,
    "pyrit": lambda folder: pyrit(folder, FONT_SIZE),
    "pyrit-fitted": lambda folder: pyrit(folder, (6, 64)),
    **{layout: lambda folder, layout=layout: ours(folder, layout) for layout in ("figstep", "chat", "banner")},
}


WORKERS = ("workers-1", "workers-2", "unchecked-1", "unchecked-2")


def in_turn(folder: Path, variant: str, texts: list[str]) -> None:
    draw = DRAW[variant](folder)
    draw(texts[0])
    with measuring(len(texts) - 1):
        for text in texts[1:]:
            draw(text)


def main() -> None:
    options = arguments(__doc__, [*DRAW, *WORKERS], 400).parse_args()
    texts = sentences(options.size + 1)
    with tempfile.TemporaryDirectory() as place:
        if options.variant in WORKERS:
            from rendered import in_workers

            kind, _, count = options.variant.partition("-")
            in_workers(Path(place), ("image", "typographic"), int(count), texts, check=kind == "workers")
        else:
            in_turn(Path(place), options.variant, texts)


if __name__ == "__main__":
    main()
