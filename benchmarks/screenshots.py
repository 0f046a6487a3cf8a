"""Pictures of every page, at the widths of a phone, a tablet and a desk, in light and dark: to look at.

    python -m benchmarks.screenshots FOLDER RUN OTHER [--pages report item …] [--whole] [--site build/site]

RUN and OTHER are runs that `safebench compare` takes. `--whole`: the page from top to end, not its first screen.
`--site`: pages of the documentation, as `make docs` built it, too. FOLDER/PAGE-WIDTH-SCHEME.png. Needs chromium, as the
tests of pages do.
"""

from __future__ import annotations

import argparse
import base64
import io
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

import safebench as sb
from safebench.cli.main import run_command
from tests.browser import Browser, start
from tests.safebench.review.test_page import served

SIZES = {390: 844, 768: 1024, 1440: 900}
SCHEMES = ("light", "dark")
OF_SITE = {
    **{"home": "index", "start": "start-test", "how-to": "converting", "real": "real-results", "concept": "statistics"},
    **{"published": "published", "calibration": "calibration", "reference": "reference/commands"},
    **{"formats": "reference/formats", "api": "reference/api-testing"},
}
NOTEBOOK = "<!doctype html><meta name=viewport content=width=device-width><meta name=color-scheme content='light dark'>"
Opener = Callable[[Browser], None]


def main(out: Path, runs: list[Path], pages: list[str], site: Path | None, *, whole: bool) -> int:
    driver = start()
    if driver is None:
        sys.exit("no browser on this machine: install chromium and chromium-driver")
    out.mkdir(parents=True, exist_ok=True)
    try:
        with openers(runs, site) as every:
            for name in pages or every:
                shoot(Browser(driver), name, every[name], out, whole=whole)
    finally:
        driver.quit()
    return 0


@contextmanager
def openers(runs: list[Path], site: Path | None) -> Iterator[dict[str, Opener]]:
    """What opens each page, by its name. The runs stay as they are: pages and labels are those of copies."""
    with tempfile.TemporaryDirectory() as place:
        copies = [shutil.copytree(run, Path(place, run.name)) for run in runs]
        files = {"report": copies[0] / "report.html"}
        run_command(["report", str(copies[0]), "--html"])
        files["notebook"] = _notebook(Path(place, "notebook.html"), copies[0])
        for name in ("compare", "leaderboard"):
            files[name] = Path(place, f"{name}.html")
            run_command([name, *map(str, copies), "--html", str(files[name])])
        if site:
            files |= {f"site-{name}": site / f"{page}.html" for name, page in OF_SITE.items()}
        made: dict[str, Opener] = {name: lambda browser, file=file: browser.open(file) for name, file in files.items()}
        made["items"] = lambda browser: browser.open(files["report"], "#items")
        made["item"] = lambda browser: _open_item(browser, files["report"])
        made["details"] = lambda browser: _unfold(browser, files["report"])
        with served(copies[0], size=1) as url:
            made["review"] = lambda browser: browser.visit(url)
            made["review-item"] = lambda browser: browser.visit(f"{url}item?reviewer=Ada")
            made["review-done"] = lambda browser: _label(browser, url)
            made["review-agreement"] = lambda browser: browser.visit(f"{url}agreement?reviewer=Ada")
            yield made


def _open_item(browser: Browser, report: Path) -> None:
    browser.open(report)
    browser.one("#list button").click()
    browser.one(".card")


def _unfold(browser: Browser, report: Path) -> None:
    browser.open(report, "#more")
    browser.run("document.querySelectorAll('details').forEach(one => { one.open = true })")


def _notebook(file: Path, run: Path) -> Path:
    """What a notebook shows of a run and of its first item."""
    reported = sb.report(run)
    file.write_text(f"{NOTEBOOK}{reported._repr_html_()}<hr>{next(iter(reported))._repr_html_()}", encoding="utf-8")
    return file


def _label(browser: Browser, url: str) -> None:
    browser.visit(f"{url}item?reviewer=Ada")
    for answer in browser.all("#hidden summary"):
        answer.click()
    for button in browser.all("[value='label:refused']"):
        button.click()
        browser.gone(button)


def shoot(browser: Browser, name: str, opener: Opener, out: Path, *, whole: bool) -> None:
    for width, height in SIZES.items():
        for scheme in SCHEMES:
            browser.resize(width, height)
            browser.media(scheme=scheme)
            opener(browser)
            if whole:
                browser.resize(width, browser.run("return document.documentElement.scrollHeight"))
            picture = Image.open(io.BytesIO(base64.b64decode(browser.driver.get_screenshot_as_base64())))
            picture.convert("RGB").quantize(64).save(out / f"{name}-{width}-{scheme}.png", optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("runs", type=Path, nargs=2, metavar="RUN")
    parser.add_argument("--pages", nargs="+", default=[], metavar="PAGE")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--site", type=Path)
    given = parser.parse_args()
    sys.exit(main(given.folder, given.runs, given.pages, given.site, whole=given.whole))
