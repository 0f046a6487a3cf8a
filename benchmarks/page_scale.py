"""The page of a run with many items: how long it takes to open and to use, and how smoothly it scrolls.

    python benchmarks/page_scale.py page [--size 100000] [--folder FOLDER] [--pictures FOLDER]

The run is made up: queries and their twins as text and as speech, without media. Needs chromium. `open_s`: until the
page is there; `write_s`: of writing it; `frames`: a second while it is scrolled, 60 at most. Smoke: --size 200.
`--folder`: where the run is, or is kept; `--pictures`: what is to be seen of the list and of an item, on a desk and on
a phone.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measuring import ROOT, arguments, measuring

sys.path.append(str(ROOT))  # the browser and the made-up run are those of the tests

from safebench.reports.pages.run_page import write_page
from safebench.reports.report import report
from tests.browser import Browser, start
from tests.safebench.recorded import record
from tests.safebench.reports.pages.test_run_page import outcome, queries

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
    const scrolled = async (frames) => {
        const step = document.documentElement.scrollHeight / frames;
        const started = await new Promise(requestAnimationFrame);
        let last = started;
        for (let n = 0; n < frames; n++) {
            scrollTo(0, n * step);
            last = await new Promise(requestAnimationFrame);
        }
        return 1000 * frames / (last - started);
    };
    return (async () => ({
        filter_s: await timed(() => set("f-condition", 1, "change")),
        search_s: await timed(() => set("f-search", arguments[0], "input")),
        back_s: await timed(() => byId("filters").reset()),
        turn_s: await timed(() => byId("next").click()),
        frames: await scrolled(180),
        item_s: await timed(async () => {
            document.querySelector("#list button").click();
            while (!document.querySelector(".card")) await frame();
        }),
    }))();
"""
SIZES = {"desk": (1440, 900), "phone": (390, 844)}


def measure(items: int, folder: Path, pictures: Path | None) -> None:
    driver = start()
    if driver is None:
        sys.exit("no browser on this machine: install chromium and chromium-driver")
    browser = Browser(driver)
    try:
        if not folder.exists():
            record(folder, queries(items // 4), ["text", "audio:female"], outcome)
        summary = report(folder).summary
        page, write_s = timed(lambda: write_page(folder, summary))
        browser.resize(*SIZES["desk"])
        with measuring(items) as more:
            _, open_s = timed(lambda: browser.open(page))
            more.update(open_s=open_s, write_s=write_s, page_mb=page.stat().st_size / 1e6)
            more.update(browser.run(USED, f"question {items // 4 - 1}"))
        if pictures:
            shoot(browser, page, pictures)
    finally:
        driver.quit()


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


def main() -> None:
    parser = arguments(__doc__, ["page"], 100_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--pictures", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        measure(given.size, given.folder or Path(place, "run"), given.pictures)


if __name__ == "__main__":
    main()
