"""The page of a run with many items: how long it takes to write, to open and to search, and how big it is.

    python -m benchmarks.page_scale [--items 100000] [--folder FOLDER]

The run is made up: queries and their twins as text and as speech, without media. Needs chromium. The folder is kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safebench.reports.pages.run_page import write_page
from safebench.reports.report import report
from tests.browser import Browser, start
from tests.safebench.recorded import record
from tests.safebench.reports.pages.test_run_page import outcome, queries

SEARCH = """
    const started = performance.now();
    const search = document.getElementById("f-search");
    search.value = arguments[0];
    search.dispatchEvent(new Event("input", { bubbles: true }));
    return (performance.now() - started) / 1000;
"""
STATUS = "return document.getElementById('status').textContent"


def main(items: int, folder: Path) -> int:
    driver = start()
    if driver is None:
        sys.exit("no browser on this machine: install chromium and chromium-driver")
    if not folder.exists():
        record(folder, queries(items // 4), ["text", "audio:female"], outcome)
    summary = report(folder).summary
    page, write_s = timed(lambda: write_page(folder, summary))
    browser = Browser(driver)
    try:
        _, open_s = timed(lambda: browser.open(page))
        told = browser.run(STATUS)
        search_s = browser.run(SEARCH, f"question {items // 4 - 1}")
        measured = {"page_mb": page.stat().st_size / 1e6, "write_s": write_s, "open_s": open_s, "search_s": search_s}
        figures = {name: round(value, 2) for name, value in measured.items()}
        sys.stdout.write(json.dumps({"told": told, "found": browser.run(STATUS), **figures}) + "\n")
    finally:
        driver.quit()
    return 0


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        sys.exit(main(given.items, given.folder or Path(place, "run")))
