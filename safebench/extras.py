"""The extras of this package, and what of them is installed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement

US = "safebench"


def extras() -> list[str]:
    return sorted(metadata(US).get_all("Provides-Extra") or [])


def missing(extra: str) -> list[str]:
    """What an extra requires, itself and by the extras that it takes in, and nothing installed meets."""
    return [str(needed) for needed in _required(extra) if not _is_met(needed)]


def _required(extra: str) -> Iterator[Requirement]:
    for needed in map(Requirement, requires(US) or []):
        marker, needed.marker = needed.marker, None
        if marker is None or marker.evaluate({"extra": ""}) or not marker.evaluate({"extra": extra}):
            continue
        if needed.name == US:
            for inner in needed.extras:
                yield from _required(inner)
        else:
            yield needed


def _is_met(needed: Requirement) -> bool:
    try:
        return needed.specifier.contains(version(needed.name), prereleases=True)
    except PackageNotFoundError:
        return False
