"""The reference of plug-ins: each with its line and its options, as the registry finds them."""

from __future__ import annotations

from collections.abc import Iterator

from safebench import registry
from safebench.plugins import Plugin
from website.schemas import schema, tables
from website.tables import cell, code

INTRODUCTION = """\
# Plug-ins

What SafeBench itself brings, by kind, with every option; `safebench list KIND` shows also what other packages add. To
write one: [Adding a modality](../adding-a-modality.md).
"""


def page() -> str:
    """A section for each kind."""
    return "\n".join([INTRODUCTION, *_sections()])


def _sections() -> Iterator[str]:
    for title, kind in registry.LISTED.items():
        yield f"## {title.capitalize()}\n"
        yield from (_plugin(registry.load(kind, name)) for name in registry.names(kind))


def _plugin(plugin: type[Plugin]) -> str:
    needs = f"\n\nNeeds the extra `{plugin.extra}`." if plugin.extra else ""
    return f"### {code(plugin.name)}\n\n{cell(plugin.summary)}{needs}\n\n{tables(schema(plugin.Options))}"
