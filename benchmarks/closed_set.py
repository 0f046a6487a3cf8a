"""How often the closed-set check of speech is right: on faithful clips, and on clips with planted faults.

    python benchmarks/closed_set.py [--data starter] [--limit N] [--recipe NAME …] [--fault NAME …] [--workers N]

Each query is spoken by each recipe, and its clip is picked from the closed set of the query: as it is, and once with
each fault. A row counts what won: the query's own text, a near miss of it, another sentence, or none. `checked` are
the clips whose query has known words only, and `failed` those that the whole check fails by the gate of us-female,
signal checks included. Needs the extra `embedded`.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import soundfile

from modalities.audio import AudioModality, closed_set
from modalities.audio.decoding import decode
from safebench import registry
from safebench.datasets.load import load_dataset
from safebench.plugins import Checking, Converter, Work
from safebench.rendering.assignment import OtherTexts
from safebench.rendering.chain import RenderJob, recognise, render
from safebench.rendering.recipes import Recipe, load_recipes
from safebench.types import Media, Query

GATE = load_recipes()["audio", "us-female"].gate
Planted = Callable[["Clips"], Media | None]


class Clips:
    """The clip of one query, and what the faults need beside it."""

    def __init__(self, query: Query, queries: list[Query], recipe: Recipe) -> None:
        self.query, self.recipe, self.queries = query, recipe, queries
        self.others = OtherTexts(queries, 0).of(query)
        rendering = self._spoken(query)
        self.clip, self.said = rendering.media, rendering.said

    def _spoken(self, query: Query) -> Any:
        return render(RenderJob(query, self.recipe, check=False))

    def another(self, wanted: Callable[[Query], bool]) -> Media | None:
        """The clip of the next other query of the data that is wanted."""
        place = self.queries.index(self.query)
        turn = [*self.queries[place + 1 :], *self.queries[:place]]
        other = next((other for other in turn if wanted(other)), None)
        return None if other is None else self._spoken(other).media

    def cut(self, start: float, end: float) -> Media:
        samples, rate = decode(self.clip)
        return _wav(samples[int(start * samples.size) : int(end * samples.size)], rate)

    def like_it(self, make: Callable[[int], Any]) -> Media:
        samples, rate = decode(self.clip)
        return _wav(make(samples.size), rate)

    def after(self, use: str, **options: Any) -> Media:
        return registry.create(Converter, use, "benchmark", **options).convert(
            Work(self.query, self.query.text, self.clip)
        )


def _wav(samples: Any, rate: int) -> Media:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="PCM_16")
    return Media.of("audio", "audio/wav", file.getvalue())


FAULTS: dict[str, Planted] = {
    "faithful": lambda clips: clips.clip,
    "faithful, 20 dB pink noise": lambda clips: clips.after("noise", source="pink", snr_db=20.0),
    "faithful, 10 dB pink noise": lambda clips: clips.after("noise", source="pink", snr_db=10.0),
    "faithful, telephone": lambda clips: clips.after("telephone"),
    "faithful, reverberation 0.5 s": lambda clips: clips.after("reverberation", rt60=0.5),
    "swapped, the other in the set": lambda clips: clips.another(lambda other: other.text in clips.others),
    "swapped, the other not in the set": lambda clips: clips.another(
        lambda other: other.text not in clips.others and other.id != clips.query.twin
    ),
    "swapped with its twin": lambda clips: clips.another(lambda other: other.id == clips.query.twin),
    "first half": lambda clips: clips.cut(0.0, 0.5),
    "second half": lambda clips: clips.cut(0.5, 1.0),
    "last quarter missing": lambda clips: clips.cut(0.0, 0.75),
    "last tenth missing": lambda clips: clips.cut(0.0, 0.9),
    "silence": lambda clips: clips.like_it(np.zeros),
    "white noise": lambda clips: clips.like_it(lambda size: np.random.default_rng(0).normal(size=size) * 0.1),
    "0 dB pink noise": lambda clips: clips.after("noise", source="pink", snr_db=0.0),
}


def picked(query: Query, queries: list[Query], recipe: Recipe, faults: list[str]) -> dict[str, Counter[str]]:
    clips = Clips(query, queries, recipe)
    text = clips.said or query.text
    by_fault: dict[str, Counter[str]] = {}
    for name in faults if clips.clip is not None else ():
        media = FAULTS[name](clips)
        counts = by_fault[name] = Counter()
        if media is None:
            continue
        try:
            pick = closed_set.pick(*decode(media), text, clips.others)
        except ValueError:  # words that it does not know
            continue
        counts[_won(pick, text)] += 1
        broken = AudioModality().check(Checking(query, media, GATE, recognise, said=text)).status == "failed"
        counts["failed"] += broken or not (pick.right or pick.undecided)
        counts["checked"] += 1
    return by_fault


def _won(pick: closed_set.ClosedSetResult, text: str) -> str:
    if pick.right or pick.won is None:
        return "right" if pick.right else "none"
    return "near miss" if pick.won in closed_set.near_misses(closed_set.to_words(text)) else "another"


def rows(options: argparse.Namespace) -> Iterator[str]:
    queries = list(load_dataset(options.data).queries)
    known = load_recipes()
    yield "| recipe | clip | checked | its own text | near miss | another sentence | none | failed |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    with ProcessPoolExecutor(options.workers) as pool:
        for name in options.recipe:
            count = min(options.limit or len(queries), len(queries))
            asked = [queries[number * len(queries) // count] for number in range(count)]
            do = partial(picked, queries=queries, recipe=known["audio", name], faults=options.fault)
            by_fault: dict[str, Counter[str]] = {fault: Counter() for fault in options.fault}
            for one in pool.map(do, asked):
                for fault, counts in one.items():
                    by_fault[fault] += counts
            for fault, counts in by_fault.items():
                told_of = (counts[key] for key in ("checked", "right", "near miss", "another", "none", "failed"))
                yield f"| {name} | {fault} | {' | '.join(map(str, told_of))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="starter")
    parser.add_argument("--limit", type=int, help="queries, spread over the data")
    parser.add_argument("--recipe", nargs="+", default=["us-female", "us-male"])
    parser.add_argument("--fault", nargs="+", default=list(FAULTS), choices=list(FAULTS))
    parser.add_argument("--workers", type=int, default=1)
    for line in rows(parser.parse_args()):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
