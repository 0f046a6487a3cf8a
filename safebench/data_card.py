"""What a conversion made: fidelity by recipe and scenario, and the data card that travels with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safebench.converted import schema, shards
from safebench.fidelity import STATUSES, shown_measures, summarise_fidelity
from safebench.metrics import UNASSIGNED
from safebench.recipes import Recipe

Cells = dict[str, dict[str, Any]]  # fidelity by condition


def cells_of(folder: Path) -> tuple[Cells, dict[str, Cells]]:
    """Fidelity by condition, and by scenario and condition, read from the shards without their media."""
    whole: dict[str, list[str]] = defaultdict(list)
    parts: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for condition, scenario, fidelity in _rows(folder):
        whole[condition].append(fidelity)
        parts[scenario or UNASSIGNED][condition].append(fidelity)
    return _summarise(whole), {scenario: _summarise(cells) for scenario, cells in parts.items()}


def _rows(folder: Path) -> list[tuple[str, str | None, str]]:
    from pyarrow import parquet

    return [
        (f"{path.parent.name}:{one['recipe']}", one["scenario"], one["fidelity"])
        for path in shards(folder)
        for one in parquet.read_table(path, columns=["recipe", "scenario", "fidelity"]).to_pylist()
    ]


def _summarise(cells: Mapping[str, list[str]]) -> Cells:
    return {name: found for name, told in cells.items() if (found := summarise_fidelity(told)) is not None}


def data_card(folder: Path, by_medium: Mapping[str, Sequence[Recipe]], queries: int, source: str) -> str:
    """A page whose header tells `datasets` which shards belong together."""
    configs = "\n".join(
        f"- config_name: {medium}\n  data_files: {medium}/train-*.parquet\n  default: {str(n == 0).lower()}"
        for n, medium in enumerate(by_medium)
    )
    recipes = "\n".join(f"- `{r.medium}:{r.name}`: {r.description}" for ones in by_medium.values() for r in ones)
    columns = ", ".join(f"`{name}`" for name in dict.fromkeys(n for medium in by_medium for n in schema(medium).names))
    return (
        f"---\nconfigs:\n{configs}\n---\n\n# {source}, rendered\n\n{queries} queries rendered by SafeBench:\n\n"
        f"{recipes}\n\n{_table(cells_of(folder)[0])}\n\n"
        f"Columns: {columns}. A row without media could not be rendered faithfully; `failure` and `fidelity` say why.\n"
        "`unchecked` means that nobody read or heard the rendering; it is no pass.\n\n"
        "Made for measuring how safely models behave. Not for training, and not for use against people.\n"
    )


def _table(cells: Cells) -> str:
    """Counts, hours where the media have a duration, and error rates, as Markdown."""
    measures = shown_measures(cells.values())
    timed = any("duration_s" in cell["means"] for cell in cells.values())
    heads = ["rendering", *STATUSES, *(["hours"] if timed else []), *(f"mean {name}" for name in measures)]
    lines = [" | ".join(heads), " | ".join("---" for _ in heads)]
    for name, cell in cells.items():
        numbers = [str(cell[status]) for status in STATUSES]
        numbers += [f"{hours(cell):.2f}" if "duration_s" in cell["means"] else "–"] if timed else []
        numbers += [f"{cell['means'][m]:.3f}" if m in cell["means"] else "–" for m in measures]
        lines.append(" | ".join([f"`{name}`", *numbers]))
    return "\n".join(f"| {line} |" for line in lines)


def hours(cell: Mapping[str, Any]) -> float:
    """Total duration in h of the media that have one."""
    made = sum(cell[status] for status in STATUSES)
    return float(cell["means"].get("duration_s", 0.0) * made / 3600)
