"""`report.html` of a run: numbers, charts, what they mean, and every item with all that led to its outcome."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safebench.errors import BadInput
from safebench.jury.attendance import missing, often_away
from safebench.models.prices import answer_tokens, cost_line, prompt_tokens
from safebench.rendering.fidelity import shown_measures
from safebench.reports.answers import cut_lines, marked_lines, spoken_lines
from safebench.reports.formats import unconcludable_lines, wording_lines
from safebench.reports.pages import charts
from safebench.reports.pages.conclusions import conclusions, verdict
from safebench.reports.pages.html import render, require_packages, script_json, shown_target, write_whole
from safebench.reports.pages.items import Chunk, Index, chunks
from safebench.reports.pages.media import Shelf
from safebench.reports.summary import ConditionSummary, Summary, cascade_line, short_handed_line
from safebench.runs.config import WORDING
from safebench.runs.folder import read_run_file
from safebench.statistics.agreement import krippendorff_alpha
from safebench.statistics.gap import GapRow
from safebench.statistics.metrics import Rates
from safebench.store.exchanges import all_exchanges, span
from safebench.store.items import conditions, queries_by_intent, rendered
from safebench.store.store import Store
from safebench.store.verdicts import votes
from safebench.taxonomy import Scenario, Taxonomy
from safebench.types import Intent, Label, Outcome

PAGE, DETAILS = "report.html", "report"
MB = 1_000_000
COUNTED = ("calls", "attempts", "failed", "counted", "tokens_in", "tokens_out")


def write_page(folder: Path, summary: Summary, *, embed: float = 0, redact: bool = False) -> Path:
    """Write the page of a run into its folder, from its summary and its store.

    `embed`: MB of media, as text, that may stand inside the page; then the details of all items do, too. Otherwise they
    lie in `report/` beside it. `redact` leaves out all that a model said. Nothing stays of an earlier page, which may
    have told more. Raises BadInput for an `embed` that is negative or no number, and MissingPackage.
    """
    if not (math.isfinite(embed) and embed >= 0):
        raise BadInput(f"--embed {embed}: a number of MB, 0 or more")
    require_packages()
    for old in (folder / DETAILS).glob("items-*.js"):
        old.unlink()
    with Store(folder, readonly=True) as store:
        asked = [cell.condition for cell in summary.conditions] or conditions(store)
        index = Index(asked, redact, summary.words, summary.taxonomy)
        index.conditions += [name for name in conditions(store) if name not in index.conditions]
        details = chunks(store, index, Shelf(store, round(embed * MB)))
        inside = [chunk.describe() for chunk in details] if embed else _write_chunks(folder / DETAILS, details)
        values = _values(summary, store) | {"wordings": read_run_file(folder).get(WORDING, {})}
    return write_whole(folder / PAGE, render("report.html", **values, index=index.describe(), chunks=inside))


def _write_chunks(folder: Path, details: Iterable[Chunk]) -> list[dict[str, Any]]:
    """A script a chunk: pages opened from a file may load scripts, but not data."""
    for number, chunk in enumerate(details):
        text = json.dumps(script_json(chunk.describe()))  # a text that JSON.parse reads: a literal has its own rules
        write_whole(folder / f"items-{number:03}.js", f"safebenchChunk({number}, {text});\n")
    return []


def _values(summary: Summary, store: Store) -> dict[str, Any]:
    """Everything that the first part of the page shows."""
    cells, names = summary.conditions, [cell.condition for cell in summary.conditions]
    benign = [cell for cell in cells if sum(cell.counts[Intent.BENIGN].values())]
    return {
        "summary": summary,
        "words": summary.words,
        "target": shown_target(summary.run.target),
        "data": Path(summary.run.data).name,
        "asked": queries_by_intent(store),
        "missing": list(missing(summary.jury.jurors)),
        "often_away": list(often_away(summary.jury.jurors)),
        "short_handed": short_handed_line(summary.jury),
        "cascade": cascade_line(summary.jury),
        "verdict": verdict(summary),
        "conclusions": list(conclusions(summary)),
        "gaps": _gap_rows([(summary.gap.comparisons, False), (summary.gap.pooled, True)] if summary.gap else []),
        "wording_gaps": _gap_rows([(summary.gap.wordings, False)] if summary.gap else []),
        "wording_lines": list(wording_lines(cells, summary.words.asr)),
        "gap_chart": charts.gap_chart(summary.gap.harmful if summary.gap else [], summary.words),
        "rates": cells,
        "rate_chart": charts.interval_chart(_rate_rows(cells, "asr"), summary.words.rate, (0, 1)),
        "benign": benign,
        "refusal_chart": charts.interval_chart(_rate_rows(benign, "over_refusal"), "over-refusal", (0, 1)),
        "open": [outcome.value for outcome in Outcome if not outcome.decided],
        "decided": [outcome.value for outcome in Outcome if outcome.decided],
        "outcomes": [outcome.value for outcome in Outcome],
        "called": [summary.words.called(outcome) for outcome in Outcome],
        "decided_called": [summary.words.called(outcome) for outcome in Outcome if outcome.decided],
        "heat": _heat(summary.taxonomy, cells),
        "heat_heads": [_marked(cell) for cell in cells],
        "unconcludable": list(unconcludable_lines(cells)),
        "spoken": list(spoken_lines(cells, summary.words)),
        "truncated": [*cut_lines(cells), *marked_lines(cells)],
        "measures": shown_measures(cell.fidelity for cell in cells),
        "agreement": _agreement(store, names),
        "cost": _cost(store),
        "cost_line": cost_line(summary.costs),
    }


def _gap_rows(lists: Sequence[tuple[Sequence[GapRow], bool]]) -> list[dict[str, Any]]:
    """A row for each comparison and view that there is a gap for, list by list; whether each is of pooled media."""
    return [
        {"row": row, "view": view, "gap": one, "pooled": pooled}
        for rows, pooled in lists
        for row in rows
        for view, one in row.gaps.items()
    ]


def _rate_rows(cells: Sequence[ConditionSummary], rate: str) -> list[dict[str, Any]]:
    rows = []
    for cell in cells:
        low, high = (cell.shown_ci95 if rate == "asr" else cell.over_refusal_ci95) or (None, None)
        is_doubted = not cell.evidence.concludable
        row = {"name": charts.doubted_name(cell.condition, is_doubted), "doubted": is_doubted}
        row |= {"value": getattr(cell, rate), "low": low, "high": high}
        rows.append(row | {"least": getattr(cell, f"{rate}_low"), "most": getattr(cell, f"{rate}_high")})
    return [row for row in rows if row["least"] is not None]


def _marked(cell: ConditionSummary) -> str:
    return cell.condition if cell.evidence.concludable else f"({cell.condition})"


@dataclass(frozen=True, slots=True)
class _HeatRow:
    """A category, which stands before its scenarios, or a scenario: its rates under each condition, or None."""

    name: str
    cells: list[Rates | None]
    scenario: Scenario | None = None
    is_category: bool = False


def _heat(known: Taxonomy, cells: Sequence[ConditionSummary]) -> list[_HeatRow]:
    """Those with harmful items, in the taxonomy's order."""
    categories = {one.id: one.name for one in known.categories}
    harmful = {id for cell in cells for id, one in cell.by_scenario.items() if one.asr_low is not None}
    rows: list[_HeatRow] = []
    for id in known.in_order(harmful):
        scenario = known.scenarios.get(id)
        if scenario and scenario.category in categories:
            parts = [cell.by_category.get(scenario.category) for cell in cells]
            rows.append(_HeatRow(categories.pop(scenario.category), parts, is_category=True))
        parts = [cell.by_scenario.get(id) for cell in cells]
        rows.append(_HeatRow(scenario.name if scenario else id, parts, scenario))
    return rows


# --- beyond `summary.json`


def _agreement(store: Store, conditions: list[str]) -> list[dict[str, Any]]:
    """For each condition: `items` with ballots, share unanimous in the first and last round, and Krippendorff's α."""
    shares = []
    for condition in conditions:
        rounds = list(votes(store, condition))
        if rounds:
            first, last = [one[0] for one in rounds], [one[-1] for one in rounds]
            shares.append(
                {"condition": condition, "items": len(rounds), **_agreed(first, "first"), **_agreed(last, "last")}
            )
    return shares


def _agreed(votes: list[list[Label]], when: str) -> dict[str, Any]:
    several = [one for one in votes if len(one) > 1]
    unanimous = sum(len(set(one)) == 1 for one in several) / len(several) if several else None
    return {f"unanimous_{when}": unanimous, f"alpha_{when}": krippendorff_alpha(votes)}


def _cost(store: Store) -> dict[str, Any]:
    """Calls, failures, tokens as reported, and seconds, of target, probe and jury; and seconds of rendering."""
    calls: dict[str, dict[str, Any]] = {}
    for row in all_exchanges(store):
        answered = json.loads(row["response"])
        one = calls.setdefault(row["role"], dict.fromkeys(COUNTED, 0) | {"seconds": 0.0})
        one["calls"] += 1
        one["attempts"] += max(1, len(answered["attempts"]))
        one["failed"] += row["status"] in ("failed", "forgotten")
        one["seconds"] += sum(attempt["seconds"] for attempt in answered["attempts"])
        tokens = [prompt_tokens(answered["usage"]), answer_tokens(answered["usage"])]
        one["counted"] += None not in tokens
        one["tokens_in"] += tokens[0] or 0
        one["tokens_out"] += tokens[1] or 0
    made = rendered(store)
    return {"calls": calls, "span": span(store), "renderings": made.renderings, "rendering_seconds": made.seconds}
