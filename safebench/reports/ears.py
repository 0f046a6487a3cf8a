"""Where the fidelity gate and a cascade hear by one recogniser: a limit on what the cascade can show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def shared_ears(resolved: Mapping[str, Any]) -> dict[str, str]:
    """By medium the recogniser, NAME[:ARGUMENT], of both gate and target; from what a run file was resolved to."""
    of_target = resolved.get("target", {}).get("recognisers", {})
    of_gate = resolved.get("recognisers", {})
    return {medium: ear["name"] for medium, ear in of_target.items() if of_gate.get(medium) == ear}


def ear_lines(resolved: Mapping[str, Any]) -> Iterator[str]:
    for medium, name in shared_ears(resolved).items():
        yield (
            f"the fidelity gate and the cascade read {medium} by the same recogniser ({name}): what it mishears was not"
            " sent, so that less is misheard here than by ears that the gate does not know"
        )
