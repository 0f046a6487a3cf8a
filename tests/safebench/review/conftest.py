"""Pages are tested in a real browser."""

from tests.browser import browser, chromium

__all__ = ["browser", "chromium"]
