"""What contracts are tried on: plug-ins that break them in one way each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

Tests = Mapping[str, Sequence[Callable[[], object]]]


def broken(tests: Tests) -> set[str]:
    """Names of those of which one fails at least."""
    return {name for name, each in tests.items() if any(map(_fails, each))}


def _fails(test: Callable[[], object]) -> bool:
    try:
        test()
    except (AssertionError, ValueError, pytest.fail.Exception):  # the last of `pytest.raises`
        return True
    return False
