"""`python -m benchmarks.real [--full] [--xstest FILE]`: asks a real model, and writes `docs/real-run.md`.

`--full` takes all prompts of the starter set, and with `--xstest xstest_prompts.csv` all harmless ones of XSTest. What
was asked before is kept in `build/real` and not asked again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.measured import ROOT
from benchmarks.real import arms, model, page, prompts, serving
from benchmarks.real.page import Span

SET = {
    "OPENAI_API_KEY": "none",  # the server wants none, the client wants one
    "OMP_NUM_THREADS": "1",  # several would wait for each other while others compute
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="all prompts, as long as it takes")
    parser.add_argument("--xstest", type=Path, help="xstest_prompts.csv of XSTest, with --full")
    told = parser.parse_args()
    place = ROOT / "build" / ("real-full" if told.full else "real")
    prompts.write(prompts.starter(None if told.full else prompts.PAIRS), place / "starter.jsonl")
    prompts.write(prompts.xstest(told.xstest), place / "xstest.jsonl")
    problems = page.write(place, _asked_all(place), full=told.full)
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    return int(bool(problems))


def _asked_all(place: Path) -> dict[arms.Arm, Span]:
    """When each arm was at work. The lanes go beside each other: transformers and a server compute on one core each."""
    with ThreadPoolExecutor(len(arms.LANES)) as pool:
        lanes = [pool.submit(lambda lane: [_run(arm, place) for arm in lane], lane) for lane in arms.LANES]
        spans = [span for lane in lanes for span in lane.result()]
    return dict(zip(arms.ARMS, spans, strict=True))


def _run(arm: arms.Arm, place: Path) -> Span:
    """Of a run that was finished before, when it was at work then."""
    kept = place / f"{arm.name}.span.json"
    if not kept.exists():
        started = time.time()
        _ask(arm, place)
        kept.write_text(json.dumps([started, time.time()]), encoding="utf-8")
    started, ended = json.loads(kept.read_text(encoding="utf-8"))
    return Span(started, ended)


def _ask(arm: arms.Arm, place: Path) -> None:
    if arm.way == arms.IN_PROCESS:
        _safebench(arms.write(arm, place, model.unpacked(place / model.NAME), ""))
        return
    with serving.served(model.gguf(), place / f"{arm.name}.log") as url:
        _safebench(arms.write(arm, place, place / model.NAME, url))


def _safebench(run_file: Path) -> None:
    """Exit status 1 says that something is open or not concludable: that is a result, and the page says it."""
    command = [sys.executable, "-m", "safebench", "run", str(run_file)]
    done = subprocess.run(command, check=False, env={**os.environ, **SET}, cwd=ROOT)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command[2:])}: exit status {done.returncode}")


if __name__ == "__main__":
    sys.exit(main())
