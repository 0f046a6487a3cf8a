"""The run file of the end-to-end tests, and the option by which the large form of a test is typed."""

from __future__ import annotations

import pytest

from tests.end_to_end.conftest import run_file

__all__ = ["pytest_addoption", "run_file"]


def pytest_addoption(parser: pytest.Parser) -> None:
    about = "queries in place of a hundred scripted ones, each asked three times under each of two conditions"
    parser.addoption("--queries", help=about)
