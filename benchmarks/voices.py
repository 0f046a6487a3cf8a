"""How well each voice is understood: word error rates by ears that were not told the text, with 95 % intervals.

    python benchmarks/voices.py [--voice NAME …] [--data SET …] [--limit N] [--ears MODEL …] [--kept FILE]
    python benchmarks/voices.py --espeak VARIANT … [--pace N …]
    python benchmarks/voices.py --kokoro SPEAKER …

A voice is one of data/voices.toml, or with --espeak each variant of espeak-ng's American voice at each pace in words a
minute, with --kokoro each speaker that is named. --limit takes so many queries of each set, spread over it. --ears are
models of faster-whisper: tiny.en is what the gate hears with, base an independent check of it, which finds out the
language by itself. `passes` are the clips that the gate would pass at the first try. The interval is a bootstrap over
queries. Ctrl-C ends it with the table of what was heard so far, which --kept keeps in a file, to go on with the same
voices. Needs the extras `embedded`, `piper`, `hearing`, `weights`, `weights-base`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
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
STRIDE = 10
Count = tuple[int, int]  # wrong words and words of one query
Key = tuple[str, str, str, str]  # voice, ears, set, query


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
    """Spread over the set, so that where the work is stopped it has been everywhere."""
    queries = list(load_dataset(data).queries)
    count = min(limit or len(queries), len(queries))
    spread = [queries[n * len(queries) // count] for n in range(count)]
    return [query for start in range(STRIDE) for query in spread[start::STRIDE]]


class Kept:
    """Wrong words and words by voice, ears, set and query, in a file to which each is added as it is known."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path and path.exists() else []
        self.counts: dict[Key, Count] = {tuple(key): tuple(count) for key, count in map(json.loads, lines)}

    def add(self, key: Key, count: Count) -> None:
        self.counts[key] = count
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([key, count]) + "\n")


def hear(data: str, query: Query, voice: Recipe, ears: Mapping[str, Recogniser], kept: Kept) -> None:
    """What could not be spoken counts as a text of which no word was heard."""
    missing = [name for name in ears if (voice.name, name, data, query.id) not in kept.counts]
    made = render(RenderJob(query, voice, check=False)) if missing else None
    for name in missing:
        text = ears[name].recognise(made.media) if made.media else ""
        said = {query.text, made.said or query.text}
        count = min((hearing.wrong_words(one, text), len(hearing.words(one))) for one in said)
        kept.add((voice.name, name, data, query.id), count)


def interval(counts: Sequence[Count]) -> tuple[float, float]:
    drawn = np.random.default_rng(0).integers(len(counts), size=(DRAWS, len(counts)))
    sums = np.array(counts)[drawn].sum(axis=1)
    low, high = np.percentile(sums[:, 0] / sums[:, 1], [2.5, 97.5])
    return float(low), float(high)


def passes(count: Count) -> bool:
    wrong, words = count
    return wrong <= max(GATE["allowed_wrong_words"], GATE["max_wer"] * words)


def measure(options: argparse.Namespace, kept: Kept) -> None:
    ears = {name: registry.create(Recogniser, "faster-whisper", "benchmark", argument=name) for name in options.ears}
    sets = [[(Path(data).stem, query) for query in sample(data, options.limit)] for data in options.data]
    for asked in zip_longest(*sets):
        for data, query in filter(None, asked):
            for voice in chosen(options):
                hear(data, query, voice, ears, kept)


def rows(counts: Mapping[Key, Count]) -> Iterator[str]:
    yield "| voice | heard by Whisper | set | queries | words | word error rate | 95 % interval | passes |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    groups: dict[tuple[str, ...], list[Count]] = {}
    for (*group, _), count in counts.items():
        groups.setdefault(tuple(group), []).append(count)
    for group, own in sorted(groups.items()):
        wrong, words = (sum(column) for column in zip(*own, strict=True))
        low, high = interval(own)
        rate = f"{wrong / words:.3f} | {low:.3f} to {high:.3f}"
        yield f"| {' | '.join(group)} | {len(own)} | {words} | {rate} | {sum(map(passes, own))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice", nargs="+", default=["jf-gongitsune", "joe", "jm-kumo", "us-female", "us-male"])
    parser.add_argument("--data", nargs="+", default=["starter"])
    parser.add_argument("--limit", type=int, help="queries of each set, spread over it")
    parser.add_argument("--ears", nargs="+", default=["tiny.en", "base"])
    parser.add_argument("--espeak", nargs="+", metavar="VARIANT", default=[])
    parser.add_argument("--kokoro", nargs="+", metavar="SPEAKER", default=[])
    parser.add_argument("--pace", nargs="+", type=int, default=[150])
    parser.add_argument("--kept", type=Path, help="file of counts, to go on after it was stopped")
    options = parser.parse_args()
    kept = Kept(options.kept)
    with suppress(KeyboardInterrupt):
        measure(options, kept)
    sys.stdout.writelines(f"{row}\n" for row in rows(kept.counts))


if __name__ == "__main__":
    main()
