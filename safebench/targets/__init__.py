"""Targets: models under test, and the models behind jurors."""

from __future__ import annotations

from safebench.registry import Recognise, open_target

__all__ = ["Recognise", "open_target"]
