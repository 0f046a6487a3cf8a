"""What a notebook shows of a run and its items: HTML that holds all it needs, without a script.

It stands on the notebook's own paper, light or dark: text and lines have the colour of the text around them. Whatever
comes from outside is text of an element or of an attribute, and never markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, tostring

from safebench.errors import BrokenMedia
from safebench.jury.attendance import missing, often_away
from safebench.reports.formats import doubted, percent, percents, point_range, points, unconcludable_lines, unparted
from safebench.reports.pages.conclusions import conclusions, verdict
from safebench.reports.pages.html import COMMAND, TEMPLATES, shown_target
from safebench.reports.pages.media import PLAYED, previewed
from safebench.reports.summary import ConditionSummary, Summary
from safebench.reports.words import Words
from safebench.statistics.gap import GapRow
from safebench.types import Intent, Media, Outcome

if TYPE_CHECKING:
    from safebench.reports.report import ItemMedia, RunItem

ACCENT = "#3f86e8"  # 3 : 1 or more on white and on black
Part = Element | str


def _tag(name: str, *content: Part, **attributes: str) -> Element:
    """An element; a trailing `_` of an attribute's name is left out, any other is a hyphen."""
    made = Element(name, {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()})
    last: Element | None = None
    for part in content:
        if isinstance(part, Element):
            made.append(part)
            last = part
        elif last is None:
            made.text = (made.text or "") + part
        else:
            last.tail = (last.tail or "") + part
    return made


def _whole(*content: Part) -> str:
    return tostring(_tag("div", _tag("style", _style()), *content, class_="safebench"), "unicode", method="html")


@cache
def _style() -> str:
    return (TEMPLATES / "notebook.css").read_text(encoding="utf-8")


def _table(caption: str, heads: Sequence[Part], rows: Sequence[Sequence[Part]], kind: str = "") -> Element:
    head = _tag("thead", _tag("tr", *(_tag("th", one, scope="col") for one in heads)))
    body = _tag("tbody", *map(_row, rows))
    return _tag("div", _tag("table", _tag("caption", caption), head, body, class_=kind), class_="scroll")


def _row(cells: Sequence[Part]) -> Element:
    return _tag("tr", _tag("th", cells[0], scope="row"), *(_tag("td", one) for one in cells[1:]))


def _sentence(kind: str, text: str, **attributes: str) -> Element:
    """One of ours, with its commands as such."""
    parts = enumerate(COMMAND.split(unparted(text)))
    return _tag(kind, *(_tag("code", part) if n % 2 else part for n, part in parts), **attributes)


def _folded(title: str, *content: Part, **attributes: str) -> Element:
    return _tag("details", _tag("summary", title), *content, **attributes)


# --- a run


def report_html(summary: Summary) -> str:
    """Its verdict, notices, rates and gaps with charts, outcomes, and what can and cannot be concluded."""
    run = summary.run
    jurors = ", ".join(run.jurors) or "no juror"
    return _whole(
        _tag("h3", run.name),
        _tag("p", f"{Path(run.data).name}, put to {shown_target(run.target)}, judged by {jurors}."),
        _tag("p", _tag("b", verdict(summary))),
        *(_sentence("p", line, class_="note") for line in _notices(summary)),
        *_rates(summary),
        *_corrected(summary),
        *_gaps(summary),
        _outcomes(summary),
        *_conclusions(summary),
    )


def _notices(summary: Summary) -> Iterator[str]:
    for line in (*missing(summary.jury.jurors), *often_away(summary.jury.jurors), *summary.gate):
        yield f"{line[0].upper()}{line[1:]}."
    if summary.run.notice:
        yield summary.run.notice
    if summary.run.pending:
        yield f"Unfinished: {summary.run.pending} items have no outcome yet."
    yield from summary.calibration.warnings if summary.calibration else ()


def _rates(summary: Summary) -> Iterator[Element]:
    words, cells = summary.words, summary.conditions
    if not cells:
        return
    heads: list[Part] = ["condition", "decided", words.asr, "95 % interval", _ends("0 %", "100 %"), "over-refusal"]
    caption = (
        f"{words.events} among decided harmful items. Dot and line: rate and 95 % interval; bar: where open items could"
        " put it."
    )
    yield _table(caption, heads, [_rate_row(cell, words) for cell in cells])
    for line in unconcludable_lines(cells):
        yield _sentence("p", f"{line}.")


def _rate_row(cell: ConditionSummary, words: Words) -> list[Part]:
    asr, benign = cell.precision.asr, cell.precision.over_refusal
    bounds = None if cell.asr_low is None or cell.asr_high is None else (cell.asr_low, cell.asr_high)
    label = f"{words.asr} {percent(cell.asr)}, interval {percents(cell.shown_ci95)}, bounds {percents(bounds)}"
    return [
        cell.condition,
        f"{asr.n} of {sum(cell.counts[Intent.HARMFUL].values())}",
        doubted(percent(cell.asr), cell),
        percents(cell.shown_ci95),
        _strip(label, cell.asr, cell.shown_ci95, bounds, lambda rate: rate),
        f"{percent(cell.over_refusal)} of {benign.n}" if benign.n else "–",
    ]


def _corrected(summary: Summary) -> Iterator[Element]:
    if (known := summary.calibration) is None:
        return
    rates = {cell.condition: known.conditions[cell.condition] for cell in summary.conditions}
    rows: list[list[Part]] = [
        [name, percent(rate.asr), percents(rate.ci95), rate.reason or ""] for name, rate in rates.items()
    ]
    (right, unsafe), (left, others) = known.sensitivity, known.specificity
    caption = (
        f"Corrected for the jury's errors on the labels of {known.name}: it found {right} of {unsafe} unsafe answers,"
        f" and left {left} of {others} others alone."
    )
    yield _table(caption, ["condition", "corrected ASR", "95 % interval", ""], rows)


def _gaps(summary: Summary) -> Iterator[Element]:
    rows = [row for row in (summary.gap.harmful if summary.gap else ()) if row.bounds]
    if not summary.gap or not rows:
        return
    ends = [abs(end) for row in rows for end in (*(row.bounds or ()), *(row.decided.ci95 if row.decided else ()))]
    reach = min(1.0, max([0.1, *ends]))
    heads: list[Part] = ["condition", "pairs", "gap, points", "95 % interval", _ends(points(-reach), points(reach))]
    caption = (
        f"Gap of {summary.words.asr} to {summary.gap.reference}, over the same harmful queries ({summary.words.worse})."
    )
    yield _table(caption, heads, [_gap_row(row, reach) for row in rows])


def _gap_row(row: GapRow, reach: float) -> list[Part]:
    gap, bounds = row.decided, row.bounds or (0.0, 0.0)
    difference, ci95 = (gap.difference, gap.ci95) if gap else (None, None)
    shown = points(difference)
    label = f"gap {shown} points, interval {point_range(ci95)}, bounds {point_range(bounds)}"
    return [
        row.condition,
        f"{gap.n if gap else 0} of {row.pairs}",
        f"({shown})" if gap and row.concluded == "not_concludable" else shown,
        point_range(ci95),
        _strip(label, difference, ci95, bounds, lambda value: (value + reach) / (2 * reach)),
    ]


def _outcomes(summary: Summary) -> Element:
    counted = [(cell, intent) for cell in summary.conditions for intent in Intent if any(cell.counts[intent].values())]
    ended = [one for one in Outcome if any(cell.counts[intent][one] for cell, intent in counted)]
    heads = ["condition", "intent", *(summary.words.called(outcome) for outcome in ended)]
    rows = [[cell.condition, intent, *(str(cell.counts[intent][one]) for one in ended)] for cell, intent in counted]
    return _table("How items ended.", heads, rows)


def _conclusions(summary: Summary) -> Iterator[Element]:
    every = list(conclusions(summary))
    for kind, title in (("can", "Shown"), ("cannot", "Not shown")):
        lines = [_sentence("li", one.text) for one in every if one.kind == kind] or [_tag("li", "Nothing.")]
        yield _folded(title, _tag("ul", *lines), open="open")


# --- charts


def _ends(low: str, high: str) -> Element:
    return _tag("span", _tag("span", low), _tag("span", high), class_="ends")


def _strip(
    label: str,
    value: float | None,
    interval: Sequence[float] | None,
    bounds: Sequence[float] | None,
    place: Callable[[float], float],
) -> Element:
    """A dot with its interval on the bar of its bounds; `place` gives a value's place from 0 (left) to 1."""
    grid = [_line(x, x, stroke="currentColor", stroke_opacity="0.25") for x in (0.0, 0.5, 1.0)]
    drawn = []
    if bounds:
        low, high = (place(end) for end in bounds)
        shape = {"x": _at(low), "width": _at(high - low), "y": "15%", "height": "70%"}
        drawn.append(_tag("rect", **shape, fill=ACCENT, fill_opacity="0.35"))
    if interval:
        low, high = (place(end) for end in interval)
        drawn.append(_line(low, high, y1="50%", y2="50%", stroke=ACCENT, stroke_width="2.5"))
    if value is not None:
        drawn.append(_tag("circle", cx=_at(place(value)), cy="50%", r="5", fill=ACCENT))
    return _tag("svg", *grid, *drawn, class_="strip", role="img", aria_label=label)


def _line(start: float, end: float, y1: str = "0", y2: str = "100%", **attributes: str) -> Element:
    return _tag("line", x1=_at(start), x2=_at(end), y1=y1, y2=y2, **attributes)


def _at(share: float) -> str:
    return f"{100 * min(1.0, max(0.0, share)):.2f}%"


# --- an item


def item_html(item: RunItem) -> str:
    """What was asked and sent, what came of it, and the ballots; what may be harmful only on a click."""
    query, outcome = item.query, item.outcome
    facts = [query.intent, query.scenario, item.condition, f"repeat {item.repeat + 1}" if item.repeat else None]
    mark = "" if outcome is None else "○ " if not outcome.decided else "▲ " if outcome is Outcome.UNSAFE else "● "
    ended = item.words.called(outcome) if outcome else "no outcome yet"
    rating = f" · rating {item.rating} of 5" if item.rating is not None else ""
    answer = _answer(item)
    return _whole(
        _tag("h3", f"Query {query.id}"),
        _tag("p", " · ".join(filter(None, facts))),
        _text(query.text),
        *([_shown(item.media)] if item.media else []),
        _tag("p", _tag("b", mark + ended), rating),
        _folded(item.words.hidden, *answer) if item.hidden else _tag("div", *answer),
    )


def _answer(item: RunItem) -> Iterator[Element]:
    """All that may quote a model."""
    if item.reason:
        yield _tag("p", item.reason, dir="auto")
    if item.answer:
        yield _text(item.answer)
    yield from map(_shown, item.answer_media)
    if item.heard:
        yield _text(f"Heard: {item.heard}")
    if item.response is None:
        yield _tag("p", "Not asked.")
    elif item.response.failure:
        yield _text(str(item.response.failure))
    if item.ballots:
        heads = ["round", "juror", "label", "rating", "reason"]
        rows: list[list[Part]] = [
            [str(b.round + 1), b.juror, item.words.called(b.label), str(b.rating or "–"), b.reason or "–"]
            for b in item.ballots
        ]
        yield _folded(f"Ballots ({len(rows)})", _table("Votes of the jurors.", heads, rows, "ballots"))


def _text(text: str) -> Element:
    return _tag("div", text, class_="text", dir="auto")


# --- media


def media_html(shown: ItemMedia) -> str:
    """A player, a picture, or what the modality shows in its place."""
    return _whole(_shown(shown))


def _shown(shown: ItemMedia) -> Element:
    media = shown.media
    try:
        return _played(media, shown.label)
    except (BrokenMedia, OSError):
        return _tag("p", f"Missing or not whole: {_name(media)}")


def _played(media: Media, label: str) -> Element:
    kind = media.mime.partition("/")[0]
    preview = {"kind": kind, "url": media.data_uri()} if kind in PLAYED else previewed(media)
    match preview:
        case {"text": str(text)}:
            return _tag("div", _text(text), _tag("p", _name(media)))
        case {"kind": "image", "url": str(url)}:
            return _tag("img", src=url, alt=label)
        case {"kind": str(kind), "url": str(url)}:
            return _tag(kind, src=url, controls="controls", preload="metadata", aria_label=label)
    return _tag("p", _tag("a", _name(media), href=media.data_uri(), download=f"{media.sha256[:12]}"))


def _name(media: Media) -> str:
    return f"{media.medium} ({media.mime}, {media.size} bytes, {media.sha256[:12]})"
