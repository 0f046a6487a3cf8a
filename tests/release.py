"""A folder after the documented layout of the paper's release, with harmless stand-ins for all that it holds.

By default the names are those of its loaders: `final_bench/text/{k}.csv`, `final_bench/image/{k}/{row}.png` with the
prompts in `out{k}.csv`, `final_bench/audio/audio_data_female|male/{k}/{row}.wav`; `category.csv` beside `final_bench`.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from safebench.taxonomy import paper
from tests.media_files import recorded, saved

SCENARIOS = list(paper().scenarios)
NAMES = {number: scenario.name for number, scenario in enumerate(paper().scenarios.values(), start=1)}
MINIBENCH = [number for number, id in enumerate(SCENARIOS, start=1) if paper().scenario(id).minibench]
PICTURE = saved(Image.radial_gradient("L").resize((8, 8)))
CLIP = recorded(0.1 * np.sin(np.arange(800)))


def text(number: int, row: int) -> str:
    """Of the query, which is the same wherever the scenario has which number."""
    return f"What is {row} times {number}?"


def prompt(number: int, row: int) -> str:
    return f"A slate on which {row} and {number}, in chalk,\nare multiplied"


@dataclass(frozen=True)
class Layout:
    """What lies where, below the folder of a set."""

    numbers: Sequence[int] = range(1, 24)  # of the scenarios, in the full set; they are numbered anew from 1
    rows: int = 100
    texts: str | None = "text"
    pictures: str | None = "image"
    clips: str | None = "audio"
    prompts: str | None = "out{}.csv"
    picture_ending: str = ".png"
    clip_ending: str = ".wav"


MINI = Layout(MINIBENCH, 50, pictures="img", clips=".")


def write_set(folder: Path, layout: Layout = Layout()) -> Path:
    for number, scenario in enumerate(layout.numbers, start=1):
        rows = range(1, layout.rows + 1)
        if layout.texts is not None:
            write_column(folder / layout.texts / f"{number}.csv", (text(scenario, row) for row in rows))
        if layout.pictures is not None:
            place = folder / layout.pictures / str(number)
            if layout.prompts is not None:
                write_column(place / layout.prompts.format(number), (prompt(scenario, row) for row in rows))
            write_files(place, {f"{row}{layout.picture_ending}": PICTURE for row in rows})
        for voice in ("female", "male") if layout.clips is not None else ():
            place = folder / str(layout.clips) / f"audio_data_{voice}" / str(number)
            write_files(place, {f"{row}{layout.clip_ending}": CLIP for row in rows})
    return folder


def write_column(file: Path, texts: Iterable[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f'"{one}"\n' for one in texts), encoding="utf-8")


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def write_categories(folder: Path, names: Mapping[int, str] = NAMES, head: str = "Index,Category\n") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{number},{name}\n" for number, name in names.items())
    (folder / "category.csv").write_text(head + rows, encoding="utf-8")


def pack(folder: Path, out: Path, parts: int = 1) -> list[Path]:
    """The folder in an archive that is cut into parts, `part_aa` and so on; a single one is the file `out` itself."""
    data = archive(lambda tar: tar.add(folder, folder.name))
    if parts == 1:
        out.write_bytes(data)
        return [out]
    size = -(-len(data) // parts)
    files = [out / f"part_a{chr(ord('a') + n)}" for n in range(parts)]
    for n, file in enumerate(files):
        file.write_bytes(data[n * size : (n + 1) * size])
    return files


def archive(fill: Callable[[tarfile.TarFile], object]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as tar:
        fill(tar)
    return file.getvalue()
