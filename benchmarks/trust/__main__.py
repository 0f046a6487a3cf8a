"""`python -m benchmarks.trust [WORDS …]`: plants all faults and controls, or those whose name or kind holds the words.

It writes `docs/trust.md` where all were run. Exit status 1 where a fault was missed or a control concluded wrongly.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.measured import ROOT
from benchmarks.trust import page
from benchmarks.trust.cases import CONTROLS, FAULTS, Case, Control, Fault
from benchmarks.trust.judging import controls_missed, faults_missed
from benchmarks.trust.running import Runner, workplace

PLACE = ROOT / "build" / "trust"


def main(words: Sequence[str]) -> int:
    every = (*FAULTS, *CONTROLS)
    chosen = [case for case in every if not words or any(word in f"{case.kind}: {case.name}" for word in words)]
    shutil.rmtree(PLACE / "runs" if words else PLACE, ignore_errors=True)  # some again: on the media that are there
    results = check_all(chosen, PLACE)
    if not words:
        page.write(results)
    missed = [case.name for case, _, problems in results if problems]
    sys.stdout.write(f"{len(results) - len(missed)} of {len(results)} as they should be\n")
    return int(bool(missed))


def check_all(cases: Sequence[Case], place: Path) -> list[page.Result]:
    """The media are made once and kept in `place`; as many cases at a time as there are cores."""
    with workplace(place, {case.data for case in cases}) as runner, ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda case: check(case, runner), cases))


def check(case: Case, runner: Runner) -> page.Result:
    found = runner.run(case)
    if isinstance(case, Control):
        problems = controls_missed(case, found)
    else:
        assert isinstance(case, Fault)
        problems = faults_missed(case, found)
    told = [f"{'MISS' if problems else 'ok  '} {case.kind}: {case.name}", *(f"     {problem}" for problem in problems)]
    sys.stdout.write("\n".join(told) + "\n")
    sys.stdout.flush()
    return case, found, problems


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
