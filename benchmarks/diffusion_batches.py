"""Generated pictures: batches against the usual loop, with the same pipeline, steps, size and seeds.

    python benchmarks/diffusion_batches.py MODEL [--pictures 32] [--batch 8] [--steps 20] …

MODEL is a folder or the name of a published pipeline. Three ways draw the same pictures in turn, round by round: the
loop that calls diffusers with one prompt after the other and saves each picture (what the paper's script does), our
converter with one work at a time, and our converter with batches. Shown are pictures per second (median of the rounds),
the ratio to the loop, and how far the pictures are from those of the loop, in steps of 255. The pipeline is loaded
twice, so twice its memory is needed.
"""

from __future__ import annotations

import argparse
import io
import itertools
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from converters.text_to_image.diffusers_call import parameters
from converters.text_to_image.diffusers_files import load_pipeline
from safebench import registry
from safebench.errors import ConversionError
from safebench.plugins import Converter, Work
from safebench.torch_backend import choose_device, reproducible, seed_of
from safebench.types import Media, Query

COLOURS = ("red", "green", "blue", "yellow", "black", "white", "brown", "grey")
THINGS = ("apple", "bicycle", "cat", "door", "kettle", "lamp", "ship", "tree")
Draw = Callable[[Sequence[Work]], list[bytes]]


def works(count: int) -> list[Work]:
    pairs = itertools.cycle(itertools.product(COLOURS, THINGS))
    texts = [f"a {colour} {thing}" for colour, thing in itertools.islice(pairs, count)]
    return [Work(Query(f"q{n}", text), text) for n, text in enumerate(texts)]


def bare_loop(options: Any) -> Draw:
    """Calls diffusers and Pillow; nothing of ours but how the pipeline is loaded."""
    import diffusers
    import torch

    pipeline = load_pipeline(diffusers, options, choose_device(options.device))

    def draw(works: Sequence[Work]) -> list[bytes]:
        drawn = []
        for work in works:
            generator = torch.Generator("cpu").manual_seed(seed_of(work))
            with reproducible(0, options.threads):
                image = pipeline([work.text], generator=generator, **parameters(options, 1)).images[0]
            file = io.BytesIO()
            image.save(file, "PNG")
            drawn.append(file.getvalue())
        return drawn

    return draw


def one_by_one(converter: Converter) -> Draw:
    return lambda works: [converter.convert(work).read() for work in works]


def in_batches(converter: Converter) -> Draw:
    def draw(works: Sequence[Work]) -> list[bytes]:
        starts = range(0, len(works), converter.batch)
        found = [one for n in starts for one in converter.convert_batch(works[n : n + converter.batch])]
        for one in found:
            if isinstance(one, ConversionError):
                raise one
        return [one.read() for one in found if isinstance(one, Media)]

    return draw


def difference(drawn: Sequence[bytes], others: Sequence[bytes]) -> int:
    """The largest difference of two pixels, in steps of 255."""
    from PIL import Image

    pairs = zip(drawn, others, strict=True)
    pixels = ([np.asarray(Image.open(io.BytesIO(file)), dtype=int) for file in pair] for pair in pairs)
    return max(int(np.abs(one - other).max()) for one, other in pixels)


def measure(
    ways: dict[str, Draw], wanted: Sequence[Work], rounds: int
) -> tuple[dict[str, float], dict[str, list[bytes]]]:
    """Pictures per second and pictures, by way; in turn, so that other load on the machine meets all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    drawn: dict[str, list[bytes]] = {}
    for draw in ways.values():
        draw(wanted[:2])  # what is done once only is not measured
    for _ in range(rounds):
        for name, draw in ways.items():
            started = time.perf_counter()
            drawn[name] = draw(wanted)
            seconds[name].append(time.perf_counter() - started)
    return {name: len(wanted) / statistics.median(times) for name, times in seconds.items()}, drawn


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model")
    parser.add_argument("--pictures", type=int, default=32)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--size", type=int, help="px; the pipeline's own when not given")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def main() -> None:
    told = arguments()
    options = {name: getattr(told, name) for name in ("model", "steps", "dtype", "device", "threads", "batch")}
    converter = registry.create(Converter, "diffusers", "options", **options, width=told.size, height=told.size)
    ways = {
        "bare loop": bare_loop(converter.options),
        "one by one": one_by_one(converter),
        f"batches of {told.batch}": in_batches(converter),
    }
    speeds, drawn = measure(ways, works(told.pictures), told.rounds)
    sys.stdout.write(f"{'':16} {'pictures/s':>10} {'ratio':>6} {'off by':>6}\n")
    for name, speed in speeds.items():
        off = difference(drawn[name], drawn["bare loop"])
        sys.stdout.write(f"{name:16} {speed:10.3f} {speed / speeds['bare loop']:6.2f} {off:6}\n")


if __name__ == "__main__":
    main()
