"""How well each voice is understood: word error rates by ears that were not told the text, with 95 % intervals.

    python benchmarks/voices.py [--voice NAME …] [--data SET …] [--limit N] [--ears MODEL …]
    python benchmarks/voices.py --espeak VARIANT … [--pace N …]
    python benchmarks/voices.py --kokoro SPEAKER …

A voice is one of data/voices.toml, or with --espeak each variant of espeak-ng's American voice at each pace in words a
minute, with --kokoro each speaker that is named. --limit takes so many queries of each set, spread over it. --ears are
models of faster-whisper: tiny.en is what the gate hears with, base an independent check of it, which finds out the
language by itself. `passes` are the clips that the gate would pass at the first try. The interval is a bootstrap over
queries. Needs the extras `embedded`, `piper`, `hearing`, `weights`, `weights-base`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from modalities.audio import hearing
from modalities.audio.voices import GATE, voice_recipes
from safebench import registry
from safebench.datasets.load import load_dataset
from safebench.plugins import Recogniser
from safebench.rendering.chain import RenderJob, render
from safebench.rendering.recipes import Recipe
from safebench.types import Query

DRAWS = 2000
Count = tuple[int, int]  # wrong words and words of one query


def recipe(name: str, table: Mapping[str, Any]) -> Recipe:
    return Recipe.model_validate({**table, "name": name, "medium": "audio"})


def spoken_by(engine: str, name: str, **options: object) -> Recipe:
    steps = [{"use": "spoken-form"}, {"use": engine, **options}]
    return recipe(f"{engine} {name}", {"description": "x", "steps": steps})


def espeak(variant: str, pace: int) -> Recipe:
    return spoken_by("espeak", f"{variant} at {pace}", voice=f"en-us+{variant}", words_per_minute=pace)


def chosen(options: argparse.Namespace) -> list[Recipe]:
    if options.espeak:
        return [espeak(variant, pace) for variant in options.espeak for pace in options.pace]
    if options.kokoro:
        return [spoken_by("kokoro", speaker, voice=speaker) for speaker in options.kokoro]
    known = voice_recipes()
    return [recipe(name, known[name]) for name in options.voice]


def sample(data: str, limit: int | None) -> list[Query]:
    queries = list(load_dataset(data).queries)
    count = min(limit or len(queries), len(queries))
    return [queries[n * len(queries) // count] for n in range(count)]


def heard(queries: Sequence[Query], voice: Recipe, ears: Mapping[str, Recogniser]) -> dict[str, list[Count]]:
    """By ears; what could not be spoken counts as a text of which no word was heard."""
    counts: dict[str, list[Count]] = {name: [] for name in ears}
    for query in queries:
        made = render(RenderJob(query, voice, check=False))
        for name, recogniser in ears.items():
            text = recogniser.recognise(made.media) if made.media else ""
            said = {query.text, made.said or query.text}
            counts[name].append(min((hearing.wrong_words(one, text), len(hearing.words(one))) for one in said))
    return counts


def interval(counts: Sequence[Count]) -> tuple[float, float]:
    drawn = np.random.default_rng(0).integers(len(counts), size=(DRAWS, len(counts)))
    sums = np.array(counts)[drawn].sum(axis=1)
    low, high = np.percentile(sums[:, 0] / sums[:, 1], [2.5, 97.5])
    return float(low), float(high)


def passes(count: Count) -> bool:
    wrong, words = count
    return wrong <= max(GATE["allowed_wrong_words"], GATE["max_wer"] * words)


def rows(options: argparse.Namespace) -> Iterator[str]:
    ears = {name: registry.create(Recogniser, "faster-whisper", "benchmark", argument=name) for name in options.ears}
    yield "| voice | heard by Whisper | queries | words | word error rate | 95 % interval | passes |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    queries = [query for data in options.data for query in sample(data, options.limit)]
    for voice in chosen(options):
        for name, counts in heard(queries, voice, ears).items():
            wrong, words = (sum(column) for column in zip(*counts, strict=True))
            low, high = interval(counts)
            rate = f"{wrong / words:.3f} | {low:.3f} to {high:.3f}"
            yield f"| {voice.name} | {name} | {len(counts)} | {words} | {rate} | {sum(map(passes, counts))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice", nargs="+", default=["jf-gongitsune", "joe", "jm-kumo", "us-female", "us-male"])
    parser.add_argument("--data", nargs="+", default=["starter"])
    parser.add_argument("--limit", type=int, help="queries of each set, spread over it")
    parser.add_argument("--ears", nargs="+", default=["tiny.en", "base"])
    parser.add_argument("--espeak", nargs="+", metavar="VARIANT", default=[])
    parser.add_argument("--kokoro", nargs="+", metavar="SPEAKER", default=[])
    parser.add_argument("--pace", nargs="+", type=int, default=[150])
    for line in rows(parser.parse_args()):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
