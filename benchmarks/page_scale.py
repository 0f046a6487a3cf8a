"""The page of a run with many items: how long it takes to write, to open and to use, and how big it is.

    python -m benchmarks.page_scale [--items 100000] [--folder FOLDER] [--pictures FOLDER]

The run is made up: queries and their twins as text and as speech, without media. Needs chromium. The folder is kept.
`--pictures`: what is to be seen of the list and of an item, on a desk and on a phone.
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

STATUS = "return document.getElementById('status').textContent"
USED = """
    const byId = (id) => document.getElementById(id);
    const set = (id, value, event) => {
        byId(id).value = value;
        byId(id).dispatchEvent(new Event(event, { bubbles: true }));
    };
    const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const timed = async (work) => {
        await frame();
        const started = performance.now();
        await work();
        await frame();
        return (performance.now() - started) / 1000;
    };
    const whole = document.documentElement.scrollHeight;
    const scrolled = Array.from({ length: 50 }, (_, n) => () => scrollTo(0, n * whole / 50));
    return (async () => ({
        filter_s: await timed(() => set("f-condition", 1, "change")),
        filtered: byId("status").textContent,
        search_s: await timed(() => set("f-search", arguments[0], "input")),
        found: byId("status").textContent,
        back_s: await timed(() => byId("filters").reset()),
        turn_s: await timed(() => byId("next").click()),
        scroll_s: Math.max(...await Array.fromAsync(scrolled, timed)),
        item_s: await timed(async () => {
            document.querySelector("#list button").click();
            while (!document.querySelector(".card")) await frame();
        }),
    }))();
"""
SIZES = {"desk": (1440, 900), "phone": (390, 844)}


def main(items: int, folder: Path, pictures: Path | None) -> int:
    driver = start()
    if driver is None:
        sys.exit("no browser on this machine: install chromium and chromium-driver")
    if not folder.exists():
        record(folder, queries(items // 4), ["text", "audio:female"], outcome)
    summary = report(folder).summary
    page, write_s = timed(lambda: write_page(folder, summary))
    browser = Browser(driver)
    try:
        browser.resize(*SIZES["desk"])
        _, open_s = timed(lambda: browser.open(page))
        told = {"page_mb": page.stat().st_size / 1e6, "write_s": write_s, "open_s": open_s, "all": browser.run(STATUS)}
        told |= browser.run(USED, f"question {items // 4 - 1}")
        figures = {name: round(value, 2) if isinstance(value, float) else value for name, value in told.items()}
        sys.stdout.write(json.dumps(figures) + "\n")
        if pictures:
            shoot(browser, page, pictures)
    finally:
        driver.quit()
    return 0


def shoot(browser: Browser, page: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for size, (width, height) in SIZES.items():
        browser.resize(width, height)
        for part in ("rates", "items", "item-1"):
            browser.open(page, f"#{part}")
            if part == "item-1":
                browser.one(".card")
            browser.driver.save_screenshot(str(out / f"{part}-{size}.png"))


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--pictures", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        sys.exit(main(given.items, given.folder or Path(place, "run"), given.pictures))
