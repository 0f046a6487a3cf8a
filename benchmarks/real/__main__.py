"""`python -m benchmarks.real [--full] [--xstest FILE]`: asks a real model, and writes `docs/real-run.md`.

`--full` takes all prompts of the starter set, and with `--xstest xstest_prompts.csv` all harmless ones of XSTest. What
was asked before is kept in `build/real` and not asked again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.measured import ROOT
from benchmarks.real import arms, model, page, prompts, serving

KEY = {"OPENAI_API_KEY": "none"}  # the server wants none, the client wants one


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="all prompts, as long as it takes")
    parser.add_argument("--xstest", type=Path, help="xstest_prompts.csv of XSTest, with --full")
    told = parser.parse_args()
    place = ROOT / "build" / ("real-full" if told.full else "real")
    prompts.write(prompts.starter(None if told.full else prompts.PAIRS), place / "starter.jsonl")
    prompts.write(prompts.xstest(told.xstest), place / "xstest.jsonl")
    seconds = {arm: _run(arm, place) for arm in arms.ARMS}  # of what was kept from before: as long as it took then
    problems = page.write(place, seconds, full=told.full)
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    return int(bool(problems))


def _run(arm: arms.Arm, place: Path) -> float:
    """How long the arm took, in s; of a run that was finished before, how long it took then."""
    taken = place / f"{arm.name}.seconds"
    if not taken.exists():
        taken.write_text(f"{_asked(arm, place):.1f}", encoding="utf-8")
    return float(taken.read_text(encoding="utf-8"))


def _asked(arm: arms.Arm, place: Path) -> float:
    started = time.monotonic()
    weights = model.unpacked(place / model.NAME)
    if arm.way != arms.IN_PROCESS:
        with serving.served(model.gguf(), place / "server.log", arm.threads) as url:
            _safebench(arms.write(arm, place, weights, url))
    else:
        _safebench(arms.write(arm, place, weights, ""))
    return time.monotonic() - started


def _safebench(run_file: Path) -> None:
    """Exit status 1 says that something is open or not concludable: that is a result, and the page says it."""
    command = [sys.executable, "-m", "safebench", "run", str(run_file)]
    done = subprocess.run(command, check=False, env={**os.environ, **KEY}, cwd=ROOT)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command[2:])}: exit status {done.returncode}")


if __name__ == "__main__":
    sys.exit(main())
