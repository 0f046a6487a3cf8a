"""How a run, its report and its continuation grow with the number of items: time and memory.

    python benchmarks/growth.py VARIANT [--size 1000]

| variant | what is measured, each in a process of its own |
| --- | --- |
| run | `safebench.run`: text, the reference target, the embedded jury, everything recorded |
| resume | the same call again on the finished run: to find that nothing is left |
| report | `safebench.report` on it: `summary.json` and `items.parquet` |
| plan | what a run holds before its first call: data read, and all checked |

Goals: resume of 20,000 items <= 5 s, report of 100,000 <= 5 s with memory flat, a million queries planned in 400 MiB.
From 100 to 100,000 items: straight lines.
Smoke: --size 50. `peak_mib` is all that the process held, packages included; `start_mib` what it held before.

    python benchmarks/growth.py chart [--sizes 100 1000 10000 100000] [--out docs/images/growth.png]

runs all three at each size and draws them. The rows are the shipped queries, numbered; `resume` and `report` work on
a finished run that is kept in the folder that the variable BENCHMARK_RUNS names, or else made before the clock starts.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from measuring import ROOT, measuring, peak_mib

VARIANTS = ("run", "resume", "report")  # of the chart
SIZES = (100, 300, 1000, 3000, 10_000, 30_000, 100_000)


def write_queries(path: Path, size: int) -> None:
    rows = [json.loads(row) for row in (ROOT / "data" / "starter.jsonl").read_text(encoding="utf-8").splitlines()]
    with path.open("w", encoding="utf-8") as file:
        for n in range(size):
            starter = rows[n % len(rows)]
            row = {
                "id": f"q{n}",
                "query": f"{starter['query']} ({n})",
                "intent": starter["intent"],
                "scenario": starter["scenario"],
            }
            file.write(json.dumps(row) + "\n")


def work(folder: Path, size: int) -> dict[str, Callable[[], object]]:
    import safebench

    queries, out = folder / f"{size}.jsonl", folder / f"run-{size}"
    if not queries.exists():
        write_queries(queries, size)

    asked = {"data": str(queries), "conditions": ["text"], "target": "reference", "out": str(out), "workers": 1}

    def run() -> object:
        return safebench.run(safebench.make_config("benchmark", **asked))

    def plan() -> object:
        from safebench.runs.plan import make_plan

        return make_plan(safebench.make_config("benchmark", **asked))

    return {"run": run, "resume": run, "report": lambda: safebench.report(out), "plan": plan}


def measure(variant: str, size: int, folder: Path) -> None:
    done = work(folder, size)
    if variant in ("resume", "report") and not (folder / f"run-{size}" / "run.db").exists():
        subprocess.run([sys.executable, __file__, "run", "--size", str(size), "--folder", str(folder)], check=True)
    start = peak_mib()
    with measuring(size) as figures:
        done[variant]()
        figures.update(peak_mib=peak_mib(), start_mib=start)


# --- the chart


def points(sizes: Sequence[int]) -> list[dict[str, Any]]:
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            for variant in VARIANTS:
                command = [sys.executable, __file__, variant, "--size", str(size), "--folder", folder]
                line = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
                measured.append({"step": variant, **json.loads(line)})
                sys.stdout.write(f"{variant} {line}\n")
                sys.stdout.flush()
    return measured


def chart(values: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Vega-Lite: processor time and memory against items; where they grow with the items, the lines are straight."""

    def panel(field: str, title: str) -> dict[str, Any]:
        x = {"field": "items", "type": "quantitative", "title": "items", "axis": {"format": "~s", "tickCount": 5}}
        y = {"field": field, "type": "quantitative", "title": title, "axis": {"tickCount": 6}}
        colour = {"field": "step", "type": "nominal", "title": None, "sort": list(VARIANTS)}
        mark = {"type": "line", "point": True}
        return {"width": 320, "height": 240, "mark": mark, "encoding": {"x": x, "y": y, "color": colour}}

    panels = [panel("cpu_seconds", "processor time (s)"), panel("peak_mib", "peak memory (MiB)")]
    return {"data": {"values": list(values)}, "hconcat": panels, "background": "white"}


def draw(values: Sequence[dict[str, Any]], out: Path) -> None:
    import vl_convert
    from PIL import Image

    drawn = Image.open(io.BytesIO(vl_convert.vegalite_to_png(chart(values), scale=1.5)))
    drawn.convert("RGB").quantize(64).save(out, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variant", choices=[*VARIANTS, "plan", "chart"])
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=os.environ.get("BENCHMARK_RUNS"))
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "growth.png")
    options = parser.parse_args()
    if options.variant == "chart":
        draw(points(options.sizes), options.out)
        return
    with tempfile.TemporaryDirectory() as place:
        measure(options.variant, options.size, options.folder or Path(place))


if __name__ == "__main__":
    main()
