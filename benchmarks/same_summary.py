"""Whether a change of speed changed a result: the summary of 2,000 items, beside that of another version.

    python benchmarks/same_summary.py DATA OUT [--as OTHER/summary.json]

DATA: a table of 500 queries, such as FigStep's. Each is asked as text in two wordings, twice, of the reference target,
and judged by the embedded jury. Values that differ are printed with their names; the run's own name, and versions of
what is installed, may. Exit status 1 where a number does.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import safebench
from safebench.serialisation import leaves

NAMES = ("run.name", "run.resolved.target.readers")  # what two versions may tell differently


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("out", type=Path)
    parser.add_argument("--as", dest="other", type=Path)
    given = parser.parse_args()
    asked = {"conditions": ["text", "text~polite"], "repeats": 2, "target": "reference", "recognisers": ["none"]}
    safebench.run(safebench.make_config("same", data=given.data, out=str(given.out), workers=1, **asked))
    safebench.report(given.out)
    if given.other is None:
        return 0
    files = (given.other, given.out / "summary.json")
    there, here = (dict(leaves(json.loads(file.read_text(encoding="utf-8")))) for file in files)
    differing = [key for key in sorted({*there, *here}) if there.get(key) != here.get(key)]
    sys.stdout.writelines(f"{key}: {there.get(key)!r}, here {here.get(key)!r}\n" for key in differing)
    return int(any(not key.startswith(NAMES) for key in differing))


if __name__ == "__main__":
    sys.exit(main())
