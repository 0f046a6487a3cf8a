"""Which recogniser of a medium can work here: the best one is taken wherever the user named none.

Those who read media back choose so: the fidelity gate, and targets that are made of recognisers.
"""

from __future__ import annotations

from safebench import registry
from safebench.plugins import Recogniser


def best(medium: str) -> str | None:
    """The first recogniser of the medium's modality that can work here; None where there is none."""
    return next((spec for spec in registry.modality(medium).recognisers if missing(spec) is None), None)


def missing(spec: str) -> str | None:
    """Why NAME[:ARGUMENT] cannot work here, in one line; None where nothing is missing."""
    name = spec.partition(":")[0]
    if name not in registry.names(Recogniser):
        return f"no package that is installed brings a recogniser {name!r}"
    return registry.missing(Recogniser, name, f"recogniser {spec!r}", **registry.argument_of(spec))


def better(medium: str, spec: str | None) -> dict[str, str]:
    """By recogniser that goes before this one, or before none at all: why it cannot work here."""
    known = registry.modality(medium).recognisers
    before = known[: known.index(spec)] if spec in known else known if spec is None else ()
    return {one: why for one in before if (why := missing(one)) is not None}
