"""Pictures of a text-to-image pipeline, one by one and in batches.

    python benchmarks/diffusion_batches.py VARIANT [--size 16] [--model tiny] [--batch 8] [--steps 4] [--device auto] …

| variant | what draws |
| --- | --- |
| batches | our converter, with `--batch` works at a time |
| singles | our converter, with one work at a time |
| loop | diffusers, with one prompt after the other, each picture saved: what the paper's script does |
| pipeline | diffusers, with `--batch` prompts at a time, as it comes, each picture saved |
| difference | batches and loop: `off_by` is the largest difference of two pixels, in steps of 255 |

`--model` is a folder, the name of a published pipeline, or `tiny`: a Stable Diffusion with random weights at 64 px.
Ratios of pictures/s: batches/pipeline >= 0.95; batches/loop on a CPU about 1, on a GPU there is no figure yet.
Smoke: --size 2 --batch 2.
Needs the extra `local`.
"""

from __future__ import annotations

import io
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from measuring import ROOT, arguments, measuring

from converters.text_to_image.diffusers_call import parameters
from converters.text_to_image.diffusers_files import load_pipeline
from safebench import registry
from safebench.errors import ConversionError
from safebench.models.torch_backend import choose_device, reproducible, seed_of
from safebench.plugins import Converter, Work
from safebench.types import Media, Query

COLOURS = ("red", "green", "blue", "yellow", "black", "white", "brown", "grey")
THINGS = ("apple", "bicycle", "cat", "door", "kettle", "lamp", "ship", "tree")
Draw = Callable[[Sequence[Work]], list[bytes]]


def works(count: int) -> list[Work]:
    pairs = itertools.cycle(itertools.product(COLOURS, THINGS))
    texts = [f"a {colour} {thing}" for colour, thing in itertools.islice(pairs, count)]
    return [Work(Query(f"q{n}", text), text) for n, text in enumerate(texts)]


def chunks(works: Sequence[Work], count: int) -> Iterator[Sequence[Work]]:
    return (works[start : start + count] for start in range(0, len(works), count))


def loop(options: Any, count: int) -> Draw:
    """Calls diffusers and Pillow, `count` prompts at a time; nothing of ours but how the pipeline is loaded."""
    import diffusers
    import torch

    pipeline = load_pipeline(diffusers, options, choose_device(options.device))
    pipeline.vae.disable_slicing()

    def draw(works: Sequence[Work]) -> list[bytes]:
        drawn = []
        for some in chunks(works, count):
            generators = [torch.Generator("cpu").manual_seed(seed_of(work)) for work in some]
            with reproducible(0, options.threads):
                texts = [work.text for work in some]
                images = pipeline(texts, generator=generators, **parameters(options, len(some))).images
            for image in images:
                file = io.BytesIO()
                image.save(file, "PNG")
                drawn.append(file.getvalue())
        return drawn

    return draw


def singles(converter: Converter) -> Draw:
    return lambda works: [converter.convert(work).read() for work in works]


def batches(converter: Converter) -> Draw:
    def draw(works: Sequence[Work]) -> list[bytes]:
        made = [one for some in chunks(works, converter.batch) for one in converter.convert_batch(some)]
        for one in made:
            if isinstance(one, ConversionError):
                raise one
        return [one.read() for one in made if isinstance(one, Media)]

    return draw


def difference(drawn: Sequence[bytes], others: Sequence[bytes]) -> int:
    """The largest difference of two pixels, in steps of 255."""
    from PIL import Image

    pairs = zip(drawn, others, strict=True)
    pixels = ([np.asarray(Image.open(io.BytesIO(file)), dtype=int) for file in pair] for pair in pairs)
    return max(int(np.abs(one - other).max()) for one, other in pixels)


def pipeline_folder(model: str, place: Path) -> str:
    if model != "tiny":
        return model
    sys.path.insert(0, str(ROOT))
    from tests.local.tiny_diffusion import tiny_diffusion

    return str(tiny_diffusion(place / "tiny"))


def main() -> None:
    parser = arguments(__doc__, ["batches", "singles", "loop", "pipeline", "difference"], 16)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--side", type=int, help="px; the pipeline's own when not given")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    options = {name: getattr(given, name) for name in ("steps", "dtype", "device", "threads", "batch")}
    with tempfile.TemporaryDirectory() as place:
        options |= {
            "model": pipeline_folder(given.model, Path(place)),
            "width": given.side,
            "height": given.side,
        }
        converter = registry.create(Converter, "diffusers", "benchmark", **options)
        ways = {"batches": lambda: batches(converter), "singles": lambda: singles(converter)}
        ways["loop"] = lambda: loop(converter.options, 1)
        ways["pipeline"] = lambda: loop(converter.options, given.batch)
        draw = ways["batches" if given.variant == "difference" else given.variant]()
        draw(works(2))
        with measuring(given.size) as more:
            drawn = draw(works(given.size))
            if given.variant == "difference":
                more["off_by"] = difference(drawn, ways["loop"]()(works(given.size)))


if __name__ == "__main__":
    main()
