"""Character error rates by OCR of the typographic layouts over the queries of a data set.

    python benchmarks/layouts_ocr.py DATA [--text-column NAME] [--limit N] [--recipe NAME …] [--options TABLE …]
                                     [--then STEP …] [--workers N] [--worst]

DATA is what `safebench run --data` takes. Each query is drawn by each image recipe and read back by RapidOCR, once for
each table of options, which are set over those of the recipe's last step, and for each step put behind it. Both are
written as in a recipe: `--options '{}' '{ max_font_size = 12 }'`, `--then '{ use = "blur", sigma = 2 }'`. The last
columns say how many renderings would fail a gate at that rate. Needs the extra `embedded`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from typing import Any

from safebench.datasets.load import load_dataset
from safebench.plugins import Step
from safebench.rendering.chain import RenderJob, render
from safebench.rendering.recipes import Recipe, load_recipes
from safebench.types import Query, Rendering

GATES = (0.02, 0.05, 0.1, 0.2)


def changed(recipe: Recipe, options: str, then: str | None) -> Recipe:
    """The recipe with options set in its last step, a step behind it, and no gate to speak of."""
    *before, layout = recipe.steps
    steps = [*before, Step(**layout.model_dump() | _inline(options))]
    steps += [Step(**_inline(then))] if then else []
    made = recipe.model_copy(update={"steps": tuple(steps), "gate": {"cer": 100.0}, "tries": 1})
    made.check()
    return made


def _inline(table: str) -> dict[str, Any]:
    return dict(tomllib.loads(f"table = {table}")["table"])


def rendered(query: Query, recipe: Recipe) -> Rendering:
    return render(RenderJob(query, recipe, recogniser="rapidocr"))


def row(name: str, renderings: Sequence[Rendering]) -> str:
    rates = sorted(rendering.fidelity.measures["cer"] for rendering in renderings if rendering.fidelity.measures)
    if not rates:
        return f"| {name} | 0 of {len(renderings)} drawn and read | {renderings[0].fidelity.reason}"
    at_95 = rates[min(len(rates) - 1, round(0.95 * len(rates)))]
    above = " | ".join(str(sum(rate > gate for rate in rates)) for gate in GATES)
    return f"| {name} | {len(rates)} | {statistics.mean(rates):.4f} | {at_95:.3f} | {rates[-1]:.3f} | {above} |"


def table(arguments: argparse.Namespace) -> Iterator[str]:
    queries = load_dataset(arguments.data, arguments.text_column).limited(arguments.limit).queries
    recipes = load_recipes()
    above = " | ".join(f"> {gate}" for gate in GATES)
    yield f"| recipe | options | step behind | read | mean | 95 % | worst | {above} |"
    yield "| --- " * (7 + len(GATES)) + "|"
    with ProcessPoolExecutor(arguments.workers) as pool:
        for name, options, then in product(arguments.recipe, arguments.options, arguments.then):
            recipe = changed(recipes["image", name], options, then)
            renderings = list(pool.map(partial(rendered, recipe=recipe), queries, chunksize=8))
            yield row(f"`{name}` | {options.strip('{} ')} | {then or ''}", renderings)
            yield from worst(renderings) if arguments.worst else ()


def worst(renderings: Sequence[Rendering]) -> Iterator[str]:
    """The five renderings that were read worst, and what was read."""
    read = [rendering for rendering in renderings if rendering.fidelity.measures]
    for rendering in sorted(read, key=lambda r: -r.fidelity.measures["cer"])[:5]:
        yield f"  {rendering.fidelity.measures['cer']:.3f} {rendering.fidelity.recognised!r}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data")
    parser.add_argument("--text-column")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--recipe", nargs="+", default=["typographic", "figstep", "chat"])
    parser.add_argument("--options", nargs="+", default=["{}", "{ max_font_size = 8 }"], metavar="TABLE")
    parser.add_argument("--then", nargs="+", default=[None], metavar="STEP")
    parser.add_argument("--worst", action="store_true", help="also show what was read worst")
    for line in table(parser.parse_args()):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
