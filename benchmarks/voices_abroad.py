"""How well voices of other languages than English are understood: error rates of Whisper base, what the gate passes.

    python benchmarks/voices_abroad.py [--voice NAME …] [--limit N] [--ears MODEL]

The texts are those of benchmarks/sentences.toml in the voice's language. Nobody tells the model the language. Rates
are means over the sentences, in which more may be wrong than is there; `passes` are the clips that the gate passes at
the first try. Needs the extras `embedded`, `hearing` and `weights-base`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from statistics import fmean

from benchmarks.languages import sentences
from modalities.audio.voices import voice_recipes
from safebench.rendering.chain import RenderJob, render
from safebench.rendering.recipes import Recipe
from safebench.resources import load_toml
from safebench.types import Fidelity, Query


def heard(name: str, language: str, options: argparse.Namespace) -> list[Fidelity]:
    recipe = Recipe.model_validate({**voice_recipes()[name], "name": name, "medium": "audio", "tries": 1})
    queries = [Query(f"{language}-{n}", text, language=language) for n, text in enumerate(sentences()[language])]
    jobs = [RenderJob(query, recipe, recogniser=f"faster-whisper:{options.ears}") for query in queries[: options.limit]]
    return [render(job).fidelity for job in jobs]


def rows(options: argparse.Namespace) -> Iterator[str]:
    voices = {name: voice for name, voice in load_toml("voices.toml").items() if name != "schema"}
    abroad = [name for name, voice in voices.items() if voice["language"] != "en"]
    yield "| voice | espeak-ng | sentences | word error rate | character error rate | passes |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name in options.voice or abroad:
        found = heard(name, voices[name]["language"], options)
        rates = [fmean(one.measures.get(rate, 1.0) for one in found) for rate in ("wer", "cer")]
        words = "–" if "max_cer" in voices[name].get("gate", {}) else f"{rates[0]:.2f}"
        passed = sum(one.status == "passed" for one in found)
        made = " at ".join(map(str, voices[name]["parameters"].values()))
        yield f"| `{name}` | {made} | {len(found)} | {words} | {rates[1]:.2f} | {passed} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice", nargs="+")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--ears", default="base")
    for line in rows(parser.parse_args()):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
