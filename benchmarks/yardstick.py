"""Work that never changes, by which `python -m benchmarks.quick` measures what has no peer here.

    python benchmarks/yardstick.py VARIANT [--size 20]

| variant | what is done |
| --- | --- |
| python | objects made, sorted, written as JSON and read again, hashed, kept in a database in memory |
| start | a Python process that imports numpy |

It calls nothing of SafeBench, so that a ratio to it moves with SafeBench alone.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys

from measuring import arguments, measuring


def python() -> None:
    rows = [
        {"id": f"q{n}", "text": "Which plants need little water? " * (n % 7), "number": n % 97} for n in range(4000)
    ]
    written = json.dumps(sorted(rows, key=lambda row: (row["number"], row["id"])))
    keys = [hashlib.sha256(json.dumps(row).encode()).hexdigest() for row in json.loads(written)]
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE kept (key TEXT PRIMARY KEY, row TEXT)")
    database.executemany("INSERT INTO kept VALUES (?, ?)", ((key, written[:400]) for key in keys))


def start() -> None:
    subprocess.run([sys.executable, "-c", "import numpy"], check=True)


VARIANTS = {"python": python, "start": start}


def main() -> None:
    options = arguments(__doc__, list(VARIANTS), 20).parse_args()
    with measuring(options.size):
        for _ in range(options.size):
            VARIANTS[options.variant]()


if __name__ == "__main__":
    main()
