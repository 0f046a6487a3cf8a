"""`--dry-run` and `estimate`: what would be done and what it costs, what names stand for here, what would be better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console

from safebench.cli.options import output
from safebench.cli.style import listing, show_lines
from safebench.datasets.plan import DataPlan
from safebench.models.prices import RoleEstimate, estimate_line, usd
from safebench.rendering.alternatives import chosen_lines
from safebench.rendering.recognition import gate_lines
from safebench.rendering.renderer import RenderSettings


def show_plan(console: Console, data: DataPlan, settings: RenderSettings) -> None:
    """Nothing was written and nobody was called."""
    conditions = ", ".join(map(str, data.conditions))
    console.print(f"{len(data.queries)} queries under {conditions}", soft_wrap=True)
    show_lines(console, (*data.whole.notes, *_lines(data, settings)), soft_wrap=True)


def _lines(data: DataPlan, settings: RenderSettings) -> Iterator[str]:
    yield from chosen_lines({key: choice.describe() for key, choice in data.taken.items()})
    for medium, reader in settings.read_by().items():
        yield f"{medium} is read back by {reader['name']}, version {reader['version']}"
    yield from gate_lines(data.read_back, settings.recognisers, settings.named)
    yield from data.better(settings)
    for name, wording in data.named_wordings().items():
        yield f"wording {name}: {' / '.join(wording.texts)!r}"


def show_only_estimate(rows: Sequence[RoleEstimate]) -> int:
    """In place of the work; the exit status."""
    show_estimate(output, rows)
    return 0


def show_estimate(console: Console, rows: Sequence[RoleEstimate]) -> None:
    """What each role costs under each condition, or in each stage, and all together."""
    output.result({"estimate": rows})
    table = listing("condition", "role", "calls", "tokens", "price")
    for one in rows:
        tokens = one.tokens.shown() if one.tokens else "unknown"
        table.add_row(one.condition, one.role, one.calls.shown(), tokens, usd(one.cost))
    console.print(table)
    console.print(estimate_line(rows), soft_wrap=True, highlight=False)
