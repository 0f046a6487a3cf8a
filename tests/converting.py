"""Conversions that tests make."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safebench.datasets import conversion
from safebench.datasets.config import make_convert_config
from safebench.datasets.conversion import Conversion
from safebench.progress import Progress


def convert(
    data: str, conditions: Sequence[str], out: Path, progress: Progress | None = None, **values: Any
) -> Conversion:
    """Speech is not heard, which takes a second a clip, unless `values` name who hears it."""
    values.setdefault("recognisers", ("none", "rapidocr"))
    if "recipes" in values:
        values["recipes"] = str(values["recipes"])
    return conversion.convert(
        make_convert_config("test", data=data, conditions=conditions, out=str(out), **values), progress
    )
