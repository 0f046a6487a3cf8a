"""`make bench-quick`: whether something became slow, by ratios that are compared with those kept in quick.json.

    python -m benchmarks.quick [NAME ...] [--keep N]

Each ratio sets processor time, or memory, of ours over that of a peer or of work that never changes, each in a fresh
process, one right after the other. It is slow where the median is above its bound: twice the median that was kept, or
half as much again as the largest that was seen when the noise was measured, whichever is more. What looks slow is
measured three times more before it is said. Exit status 1 where something is slow.

`--keep N` measures N times and writes medians and extremes to quick.json, which belongs into the same commit as what
changed them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.measured import ROOT, once
from benchmarks.suite import Figure, Variant

KEPT = ROOT / "benchmarks" / "quick.json"
USED = Figure("processor time, s", lambda result: result["cpu_seconds"])
HELD = Figure("memory, MiB", lambda result: result["peak_mib"])
TIMES, AGAIN = 2, 3  # how often each is measured, and how often again where it looks slow
SLOWER, ABOVE_NOISE = 2.0, 1.5


@dataclass(frozen=True, slots=True)
class Ratio:
    """A figure of ours over that of something else; each is (script, variant)."""

    name: str
    ours: tuple[str, Variant]
    over: tuple[str, Variant]
    figure: Figure = USED


def _calls(name: str, job: str, size: int, over: str) -> Ratio:
    ours, other = (Variant(way, way, size=size, arguments=("--job", job)) for way in ("safebench", over))
    return Ratio(name, ("calls", ours), ("calls", other))


def _of(script: str, way: str, size: int) -> tuple[str, Variant]:
    return script, Variant(way, way, size=size)


YARDSTICK: Final = _of("yardstick", "python", 20)
RATIOS = (
    _calls("calls, target and five jurors", "jury", 60, "aiohttp"),
    _calls("calls, 150 KB of speech", "audio", 300, "openai"),
    Ratio("memory, 2,000 items over 500", _of("growth", "run", 2000), _of("growth", "run", 500), HELD),
    Ratio("run with the embedded jury", _of("growth", "run", 500), YARDSTICK),
    Ratio("report", _of("growth", "report", 500), YARDSTICK),
    Ratio("store", _of("store", "ours", 500), _of("store", "sqlite", 500)),
    Ratio("data, import", _of("data_scale", "import", 10_000), YARDSTICK),
    Ratio("pictures of text", _of("typographic", "ours", 200), _of("typographic", "pillow", 200)),
    Ratio("pictures checked", _of("typographic", "checked", 12), _of("typographic", "read", 12)),
    Ratio("speech", _of("speech", "finished", 40), _of("speech", "binding", 40)),
    Ratio("--help", _of("help", "ours", 2), _of("yardstick", "start", 2)),
)


def measured(ratio: Ratio, times: int) -> list[float]:
    """The ratio, so many times. A run that both sides need is made anew each time."""
    values = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as place:
            ours, over = (
                ratio.figure.of(once(script, way, way.size, Path(place))) for script, way in (ratio.ours, ratio.over)
            )
        values.append(ours / over)
    return values


def bound(kept: Sequence[float]) -> float:
    """Above it a median is called slow, by the values that were kept."""
    return max(SLOWER * median(kept), ABOVE_NOISE * max(kept))


def compare(ratios: Sequence[Ratio], kept: dict[str, list[float]]) -> list[str]:
    """The names of what is slow; a line for each is written as it is measured."""
    slow = []
    for ratio in ratios:
        limit, values = bound(kept[ratio.name]), measured(ratio, TIMES)
        if median(values) > limit:
            values += measured(ratio, AGAIN)
        if median(values) > limit:
            slow.append(ratio.name)
        said = "SLOW" if ratio.name in slow else "ok  "
        sys.stdout.write(
            f"{said} {ratio.name}: {median(values):.2f}; kept {median(kept[ratio.name]):.2f}, at most {limit:.2f}\n"
        )
        sys.stdout.flush()
    return slow


def keep(ratios: Sequence[Ratio], times: int) -> None:
    kept = read_kept()
    for ratio in ratios:
        kept[ratio.name] = [float(f"{value:.3g}") for value in sorted(measured(ratio, times))]
        sys.stdout.write(f"{ratio.name}: {kept[ratio.name]}\n")
        sys.stdout.flush()
    rows = (f"  {json.dumps(ratio.name)}: {json.dumps(kept[ratio.name])}" for ratio in RATIOS if ratio.name in kept)
    KEPT.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


def read_kept() -> dict[str, list[float]]:
    kept: dict[str, list[float]] = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    return kept


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quick", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="all when not given")
    parser.add_argument("--keep", type=int, metavar="N")
    options = parser.parse_args(words)
    unknown = set(options.names) - {ratio.name for ratio in RATIOS}
    if unknown:
        parser.error(f"no ratio {', '.join(sorted(unknown))}; there are: {', '.join(ratio.name for ratio in RATIOS)}")
    chosen = [ratio for ratio in RATIOS if not options.names or ratio.name in options.names]
    if options.keep:
        keep(chosen, options.keep)
        return 0
    slow = compare(chosen, read_kept())
    if slow:
        told = f"slower than is kept in {KEPT.name}: {', '.join(slow)}"
        sys.stderr.write(f"{told}; profile it, or keep the new ratios with --keep and say why\n")
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
