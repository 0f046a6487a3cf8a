"""Which names of the Python interface stand on which page; mkdocstrings writes what their docstrings say."""

from __future__ import annotations

from collections.abc import Iterable

import safebench

MEMBERS = "    options:\n      show_root_heading: false\n      show_root_toc_entry: false\n"
TESTING = ("safebench.testing.contracts", "safebench.testing.server", "safebench.testing.faults")


def pages() -> dict[str, str]:
    """By their names."""
    return {
        "api.md": _page(
            "Python",
            "What `import safebench` gives; by example in [As a library](../library.md).",
            (f"::: safebench.{name}\n" for name in sorted(safebench.__all__)),
        ),
        "api-plugins.md": _page(
            "Python for plug-ins",
            "What a package of yours is made of: `safebench.plugins`, and its vocabulary. By example in"
            " [Adding a modality](../adding-a-modality.md).",
            (f"## {name}\n\n::: {name}\n{MEMBERS}" for name in ("safebench.plugins", "safebench.types")),
        ),
        "api-testing.md": _page(
            "Python for tests",
            "Contracts that plug-ins keep, a scripted endpoint, and faults by name; by example in [Adding a"
            " modality](../adding-a-modality.md#what-every-plug-in-keeps).",
            (f"## {name}\n\n::: {name}\n{MEMBERS}" for name in TESTING),
        ),
    }


def _page(title: str, about: str, parts: Iterable[str]) -> str:
    return "\n".join([f"# {title}\n\n{about}\n", *parts])
