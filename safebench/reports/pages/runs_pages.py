"""Pages of several runs: a paired comparison, and a leaderboard with the published tables."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safebench.reports import published
from safebench.reports.comparison import Compared, ComparisonPanel
from safebench.reports.finished_run import FinishedRun
from safebench.reports.formats import neutralise
from safebench.reports.leaderboard import Ranking
from safebench.reports.pages.charts import gap_chart, scatter_chart
from safebench.reports.pages.html import render, shown_target, write_whole
from safebench.reports.splitting import SPLIT_NOTE, split_lines
from safebench.reports.words import Words
from safebench.statistics.gap import Gap
from safebench.types import Intent

NUMBERS = ("n", "reference_rate", "rate", "difference", "p_holm")  # of a gap


def write_comparison(path: Path, compared: Compared, scalings: Sequence[Any] = (), about_scalings: str = "") -> Path:
    """Write the page of a comparison to a file; it needs nothing beside it. Raises MissingPackage.

    `scalings`: rates along an axis, each with `condition`, `axis`, `is_log`, `points`, `lacking` and a `line`.
    """
    panels = [{"panel": panel, "chart": _chart(panel, compared.words)} for panel in compared.panels]
    return write_whole(
        path,
        render(
            "compare.html",
            compared=compared,
            panels=panels,
            scalings=[(one, _scatter(one, compared.words)) for one in scalings],
            about_scalings=about_scalings,
            csv=_csv(_compared_rows(compared)),
            target=_target,
            words_of=lambda panel, name: " ".join([panel.title, *_column(compared, panel, name).values()]),
            intents=list(Intent),
            split_lines=split_lines,
            split_note=SPLIT_NOTE,
        ),
    )


def _chart(panel: ComparisonPanel, words: Words) -> Any:
    return gap_chart([row for row in panel.gaps if row.intent is Intent.HARMFUL], words)


def _scatter(scaling: Any, words: Words) -> Any:
    points = [{**asdict(one), **_ends("ci95", one.ci95)} for one in scaling.points]
    return scatter_chart(points, scaling.axis, words.asr, is_log=scaling.is_log)


def write_leaderboard(path: Path, rankings: Sequence[Ranking]) -> Path:
    """Write the page of many runs and the published tables to a file. Raises MissingPackage."""
    tables = [published.load(name) for name in published.names()]
    rows = _csv(_ranked_rows(rankings))
    return write_whole(path, render("leaderboard.html", rankings=rankings, tables=tables, target=_target, csv=rows))


def _target(run: FinishedRun) -> str:
    return shown_target(run.target)


def _column(compared: Compared, panel: ComparisonPanel, name: str) -> dict[str, str]:
    """What stands behind the head of a panel's column."""
    column = next(column for column in panel.columns if column.name == name)
    run = compared.runs[column.run]
    return {"run": run.name, "target": _target(run), "condition": column.condition}


def _compared_rows(compared: Compared) -> Iterator[dict[str, Any]]:
    """Every gap of a comparison; rates are fractions."""
    for panel in compared.panels:
        for row in panel.gaps:
            against = _column(compared, panel, row.reference)
            shared = {
                "panel": panel.title,
                **_column(compared, panel, row.condition),
                **{f"reference_{name}": value for name, value in against.items()},
                "intent": row.intent.value,
                "pairs": row.pairs,
                **_ends("bounds", row.bounds),
                "concluded": row.concluded,
            }
            gaps: Mapping[str, Gap | None] = row.gaps or {"": None}
            for view, gap in gaps.items():
                numbers = {name: getattr(gap, name, None) for name in NUMBERS}
                yield {**shared, "counted": view, **numbers, **_ends("ci95", gap.ci95 if gap else None)}


def _ranked_rows(rankings: Sequence[Ranking]) -> Iterator[dict[str, Any]]:
    """Every row of every group; rates are fractions."""
    for group, ranking in enumerate(rankings, start=1):
        for row in ranking.rows:
            cell = row.cell
            yield {
                "group": group,
                "condition": cell.condition,
                "target": _target(row.run),
                "run": row.run.name,
                "concludable": cell.evidence.concludable,
                "harmful": row.harmful,
                "decided": cell.precision.asr.n,
                **{name: getattr(cell, name) for name in ("asr", "asr_low", "asr_high", "sri", "over_refusal")},
                **_ends("ci95", cell.shown_ci95),
            }


def _ends(name: str, values: Sequence[float] | None) -> dict[str, float | None]:
    low, high = values or (None, None)
    return {f"{name}_low": low, f"{name}_high": high}


def _csv(rows: Iterator[Mapping[str, Any]]) -> str:
    """A file in base64, for a link of the page; UTF-8 with the mark by which spreadsheets know it."""
    every = list(rows)
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(every[0]) if every else [])
    writer.writeheader()
    for row in every:
        writer.writerow({key: neutralise(value) if isinstance(value, str) else value for key, value in row.items()})
    return base64.b64encode(file.getvalue().encode("utf-8-sig", "replace")).decode("ascii")
