"""Charts as SVG, drawn by Vega-Lite while the page is made, so that the page itself needs no script for them.

Colours are the page's own custom properties, so that dark, light and print follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from safebench.reports.formats import percent, points
from safebench.reports.words import Words
from safebench.statistics.gap import GapRow

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, ROW, LABELS = 280, 36, 150  # pixels: of the plot, of one row in it, and the longest label
WHOLE, QUARTERS = (0, 1), [0, 0.25, 0.5, 0.75, 1]
CONFIG = {
    "background": "transparent",
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "currentColor", "titleColor": "currentColor", "tickColor": "var(--line)", "labelLimit": LABELS,
        "domainColor": "var(--line)", "gridColor": "var(--line)", "labelFontSize": 14, "titleFontSize": 14,
        "titleFontWeight": "normal",
    },
}  # fmt: skip


def interval_chart(
    rows: Sequence[Mapping[str, Any]], title: str, domain: tuple[float, float], *, zero: bool = False
) -> Markup | None:
    """A dot with its interval on a bar of bounds for each row: `name`, `value`, `low`, `high`, `least`, `most`, and
    `doubted` where nothing can be concluded: then the row says so.

    Fractions; a row without a value shows its bounds only. `zero` draws the line of no difference. None without rows.
    """
    if not rows:
        return None
    names = [row["name"] for row in rows]
    lines = {"labelExpr": "split(datum.label, '\\n')"}
    y = {"field": "name", "type": "nominal", "sort": names, "title": None, "axis": lines}
    scale = {"domain": list(domain), "nice": False}
    axis: dict[str, Any] = {"format": ".0%", "tickCount": 5, "title": title}
    if domain == WHOLE:
        axis["values"] = QUARTERS  # closer ones run into the last, which ends at the edge
    if zero:
        axis["labelExpr"] = "datum.value ? format(100 * datum.value, '+.0f') : '0'"
    x = {"type": "quantitative", "scale": scale, "axis": axis}
    valued = [{"filter": "isValid(datum.value)"}]
    bounds = {"mark": _mark("bar", height=16, color="var(--bounds)"), "encoding": _span(x, "least", "most")}
    interval = {
        "mark": _mark("rule", strokeWidth=2.5, color="var(--accent)"),
        "encoding": _span(x, "low", "high"),
        "transform": [{"filter": "isValid(datum.low)"}],
    }
    dot = {
        "mark": _mark("point", filled=True, size=90, color="var(--accent)", opacity=1),
        "encoding": {"x": {"field": "value", **x}},
        "transform": valued,
    }
    label = {"mark": {**_mark("text", dy=-13, fontSize=13, color="currentColor")}, "transform": valued}
    label["encoding"] = {"x": {"field": "value", **x}, "text": {"field": "label"}}
    layers = [bounds, interval, dot, label]
    if zero:
        line = {"mark": _mark("rule", color="currentColor", strokeDash=[4, 3])}
        line["encoding"] = {"x": {"datum": 0, **x}, **_WHOLE_HEIGHT}
        layers.insert(1, line)
    encoding = {"y": y}
    labelled = [{**row, "label": _label(row, points if zero else percent)} for row in rows]
    return _svg({"encoding": encoding, "layer": layers, "height": {"step": ROW}}, labelled, title)


def _label(row: Mapping[str, Any], shown: Callable[[float | None], str]) -> str:
    return f"({shown(row['value'])})" if row.get("doubted") else shown(row["value"])


def doubted_name(name: str, doubted: bool) -> str:
    """What stands beside a row, in two lines where nothing can be concluded from it."""
    return f"{name}\nnot concludable" if doubted else name


def scatter_chart(points: Sequence[Mapping[str, Any]], x: str, y: str, *, is_log: bool) -> Markup | None:
    """A dot with its interval for each of `points`: `name`, `x`, `rate`, `ci95_low`, `ci95_high`, fractions; an empty
    one where it `is_open`. None without any.
    """
    if not points:
        return None
    across = {
        "field": "x", "type": "quantitative", "axis": {"title": x, "tickCount": 5, "format": "~r"},
        "scale": {"type": "log" if is_log else "linear", "zero": False, "nice": True, "padding": 20},
    }  # fmt: skip
    up = {
        "type": "quantitative",
        "scale": {"domain": list(WHOLE)},
        "axis": {"title": y, "format": ".0%", "tickCount": 5},
    }
    interval = {
        "mark": _mark("rule", strokeWidth=2, color="var(--accent)"),
        "transform": [{"filter": "isValid(datum.ci95_low)"}],
    }
    interval["encoding"] = {"x": across, "y": {"field": "ci95_low", **up}, "y2": {"field": "ci95_high"}}
    dots = [
        {
            "mark": _mark("point", filled=not is_open, size=90, color="var(--accent)", opacity=1, fill=fill),
            "encoding": {"x": across, "y": {"field": "rate", **up}},
            "transform": [{"filter": f"datum.is_open === {str(is_open).lower()}"}],
        }
        for is_open, fill in ((True, "var(--paper)"), (False, "var(--accent)"))
    ]
    label = {"mark": {**_mark("text", dx=9, align="left", fontSize=13, color="currentColor")}}
    label["encoding"] = {"x": across, "y": {"field": "rate", **up}, "text": {"field": "name"}}
    return _svg({"layer": [interval, *dots, label], "height": WIDTH}, points, f"{y} against {x}")


def gap_chart(rows: Sequence[GapRow], words: Words) -> Markup | None:
    """Rows of a gap around the line of no difference. None without any pair."""
    charted: list[dict[str, Any]] = [
        {
            "name": doubted_name(row.condition, row.concluded == "not_concludable"),
            "doubted": row.concluded == "not_concludable",
            "value": row.decided.difference if row.decided else None,
            "low": row.decided.ci95[0] if row.decided else None,
            "high": row.decided.ci95[1] if row.decided else None,
            "least": row.bounds[0],
            "most": row.bounds[1],
        }
        for row in rows
        if row.bounds
    ]
    ends = [abs(row[end]) for row in charted for end in ("low", "high", "least", "most") if row[end] is not None]
    reach = min(1.0, max([0.1, *ends]) * 1.1)
    return interval_chart(charted, f"gap of {words.asr}, in points ({words.worse})", (-reach, reach), zero=True)


def _mark(kind: str, **options: Any) -> dict[str, Any]:
    return {"type": kind, "aria": False, **options}


_WHOLE_HEIGHT = {"y": {"value": 0}, "y2": {"value": "height"}}


def _span(x: Mapping[str, Any], low: str, high: str) -> dict[str, Any]:
    return {"x": {"field": low, **x}, "x2": {"field": high}}


def _svg(spec: dict[str, Any], rows: Sequence[Mapping[str, Any]], description: str) -> Markup:
    import vl_convert
    from markupsafe import Markup, escape

    whole = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {"values": [dict(row) for row in rows]},
        "width": WIDTH,
        "config": CONFIG,
        **spec,
    }
    drawn = vl_convert.vegalite_to_svg(whole, allowed_base_urls=[])
    named = f'<svg role="img" aria-label="{escape(description)}; the table below holds the numbers" '
    return Markup(drawn.replace("<svg ", named, 1))  # noqa: S704 - Vega escapes all text
