"""The run file of the end-to-end tests."""

from __future__ import annotations

from tests.end_to_end.conftest import run_file

__all__ = ["run_file"]
