"""The built site in a real browser, opened from its files. `make docs` builds it and runs these; without it they are
skipped. The fixture `browser` fails what asks for anything from elsewhere.
"""

from __future__ import annotations

import pytest

from tests.browser import Browser
from tests.safebench.reports.pages.test_accessibility import axe
from website.staging import ROOT

SITE = ROOT / "build" / "site"
SEARCH = "[...document.body.children].map(one => one.shadowRoot).find(one => one)"
OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
KINDS = ("index", "start-test", "runs", "reference/api-testing", "decisions/0030-site")

pytestmark = pytest.mark.skipif(not SITE.exists(), reason="`make docs` builds the site")


def test_the_search_works_without_a_server(browser: Browser) -> None:
    browser.open(SITE / "index.html")
    browser.one(".md-search__button").click()
    words = browser.until(f"return {SEARCH}?.querySelector('input')")
    words.send_keys("holm")
    browser.until(f"return {SEARCH}.querySelectorAll('li').length > 0 && {SEARCH}.textContent.includes('Statistics')")
    assert words.get_property("value") == "holm"


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("width", [390, 1440])
def test_a_page_fits_and_keeps_wcag(name: str, width: int, browser: Browser) -> None:
    browser.resize(width, 900)
    browser.open(SITE / f"{name}.html")
    browser.one("article h1")
    assert browser.run(OVERFLOW) <= 0
    assert [one for one in axe(browser) if not one.startswith("landmark-unique")] == []  # of the theme's copy buttons
