"""A real browser, headless. Where there is none, the tests that want it say so and are skipped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Browser:
    """Opens pages from files and keeps what they asked for and what they complained about."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self.served: tuple[str, ...] = ()  # where else than in files requests may go

    def open(self, page: Path, fragment: str = "") -> None:
        self._open(page.resolve().as_uri() + fragment)

    def visit(self, url: str) -> None:
        """A page of a server on this machine."""
        self.served = (url,)
        self._open(url)

    def _open(self, url: str) -> None:
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(url)

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str) -> WebElement:
        return WebDriverWait(self.driver, 10).until(lambda _: next(iter(self.all(css)), None))

    def gone(self, element: WebElement) -> None:
        WebDriverWait(self.driver, 10).until(staleness_of(element))

    def run(self, script: str, *values: Any) -> Any:
        return self.driver.execute_script(script, *values)

    def until(self, script: str) -> Any:
        return WebDriverWait(self.driver, 10).until(lambda _: self.run(script))

    def resize(self, width: int, height: int) -> None:
        told = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", told)

    def media(self, kind: str = "", scheme: str = "light") -> None:
        """`kind`: print, or the screen where it is empty."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": kind, "features": features})

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


def start() -> webdriver.Chrome | None:
    """None where there is no browser."""
    binary = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        return None
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(driver))


@pytest.fixture(scope="session")
def chromium() -> Iterator[webdriver.Chrome]:
    started = start()
    if started is None:
        pytest.skip("no browser on this machine: install chromium and chromium-driver")
    yield started
    started.quit()


@pytest.fixture
def browser(chromium: webdriver.Chrome) -> Iterator[Browser]:
    """After each test: nothing was asked for but files, data and the page's own server, and the console is silent."""
    opened = Browser(chromium)
    opened.resize(1280, 900)
    opened.media()
    yield opened
    assert not opened.complaints()
    elsewhere = [
        url for url in opened.requests() if not url.startswith(("file:", "data:", "about:", "blob:", *opened.served))
    ]
    assert not elsewhere
