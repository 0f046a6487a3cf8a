"""A run on a Ray of this machine, beside a plain one on the same processors. Needs the extra `ray`.

    python benchmarks/on_ray.py plain [--size 2000] [--shards 8]
    python benchmarks/on_ray.py ray [--size 2000] [--shards 8]

`--size` items: half as many queries, as text and as pictures of it, a quarter of which is read back (by default all of
them are, and Ray's start weighs less). The time is that of the whole command but its imports: on Ray that is starting
it, the workers' imports, putting shards into their folder, merging, and ending it. Goal: ray / plain at most 1.15 at
2,000 items.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from measuring import arguments, below, measuring, own_seconds, sentences

from safebench.bridges.ray.executor import OnRay
from safebench.bridges.ray.placing import Placement
from safebench.progress import NoProgress
from safebench.rendering.pool import default_workers
from safebench.runs.config import make_config
from safebench.runs.run import run

CHECKED = 0.25  # of the pictures
PR_SET_CHILD_SUBREAPER = 36
GLANCE = 1.0  # s


@contextmanager
def _all_counted(more: dict[str, float]) -> Iterator[None]:
    """Ray's processes outlive who started them, and are waited for by nobody: the time of each is looked at on Linux
    while it runs.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    used: dict[int, float] = defaultdict(float)
    looking, ended = [0.0], threading.Event()

    def look() -> None:
        while not ended.wait(GLANCE):
            for process in below(os.getpid()):
                used[process] = max(used[process], own_seconds(process))
            looking.append(time.thread_time())

    watching = threading.Thread(target=look)
    watching.start()
    own = time.process_time()
    try:
        yield
    finally:
        ended.set()
        watching.join()
        more["cpu_seconds"] = sum(used.values()) + time.process_time() - own - looking[-1]


def main() -> None:
    parser = arguments(__doc__, ["plain", "ray"], 2000)
    parser.add_argument("--shards", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "queries.jsonl"
        rows = [json.dumps({"id": f"q{n}", "query": text}) for n, text in enumerate(sentences(options.size // 2))]
        data.write_text("\n".join(rows), encoding="utf-8")
        asked = {"data": str(data), "conditions": ["text", "image:typographic"], "target": "reference"}
        config = make_config("benchmark", **asked, out=f"{name}/out", check_share=CHECKED)
        with measuring(options.size) as more:
            more["workers"] = default_workers()
            with _all_counted(more):
                if options.variant == "ray":
                    Placement(OnRay(), options.shards).run(config, NoProgress())
                else:
                    run(config)


if __name__ == "__main__":
    main()
