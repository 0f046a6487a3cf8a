"""How numbers are written, on a page and in the terminal; None is a dash everywhere, and what nothing can be concluded
from stands in parentheses. And texts for spreadsheets and for others' eyes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from safebench.rendering.wordings import OWN
from safebench.statistics.evidence import EvidencedCondition
from safebench.types import Condition

DASH = "–"
MARK = "'"
RISKY = frozenset("=+-@\t\r\n＝＋－＠" + MARK)  # some spreadsheets take the full-width signs, too
_ROOT = r"(?:(?:~[\w.-]*|\.{0,2})/(?![\s/])|[A-Za-z]:[\\/]|\\\\)"
_WHOLE = re.compile(rf"^((?:[\w.+-]+:)*){_ROOT}.*[/\\](?=[^/\\])")  # NAME:PATH, whose folders may have spaces
_WITHIN = re.compile(rf"(?<![\w/\\.~)\]}}])(?:file://)?{_ROOT}(?:[^\s/\\'\"`]+[/\\]+)+(?=[^\s/\\'\"`])")


def percent(value: float | None) -> str:
    """A fraction as percent."""
    return DASH if value is None else f"{100 * value:.1f} %"


def percents(ends: Sequence[float | None] | None) -> str:
    """An interval or bounds of a rate."""
    if ends is None or ends[0] is None or ends[1] is None:
        return DASH
    return f"{100 * ends[0]:.1f}–{100 * ends[1]:.1f} %"


def unparted(text: str) -> str:
    """A sentence in which no line ends between a number and its %."""
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", text)


def points(value: float | None) -> str:
    """A difference of rates in percentage points, with its sign."""
    return DASH if value is None else f"{100 * value:+.1f}".replace("-", "−")


def point_range(ends: Sequence[float] | None) -> str:
    """An interval of a difference, in points."""
    return DASH if ends is None else f"{points(ends[0])} to {points(ends[1])}"


def decimal(value: float | None, digits: int = 2) -> str:
    return DASH if value is None else f"{value:.{digits}f}".replace("-", "−")


def p_value(value: float | None) -> str:
    if value is None:
        return DASH
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def words(name: str) -> str:
    """An outcome or a label, as people write it."""
    return name.replace("_", " ")


def duration(seconds: float | None) -> str:
    if seconds is None:
        return DASH
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def thousands(value: float) -> str:
    return f"{value:,.0f}"


def doubted(shown: str, cell: EvidencedCondition) -> str:
    """A number as it is shown: in parentheses where nothing can be concluded from it."""
    return shown if cell.evidence.concludable or shown == DASH else f"({shown})"


def unconcludable_lines(cells: Iterable[EvidencedCondition]) -> Iterator[str]:
    """A line for each condition of which nothing can be concluded, with the reasons."""
    for cell in cells:
        if not cell.evidence.concludable:
            yield f"{cell.condition}: not concludable, rate in parentheses: {'; '.join(cell.evidence.reasons)}"


def wording_lines(cells: Iterable[EvidencedCondition], rate: str) -> Iterator[str]:
    """A line for each condition that was asked in several wordings: its least and its highest rate."""
    alike: dict[str, list[EvidencedCondition]] = {}
    for cell in cells:
        alike.setdefault(str(replace(Condition.parse(cell.condition), wording=None)), []).append(cell)
    for condition, of in alike.items():
        rated = sorted((cell for cell in of if cell.asr is not None), key=lambda cell: cell.asr or 0.0)
        if len(rated) > 1:
            ends = (f"{doubted(percent(cell.asr), cell)} ({_wording(cell)})" for cell in (rated[0], rated[-1]))
            yield f"{condition}: {rate} from {' to '.join(ends)}, of {len(rated)} wordings"


def _wording(cell: EvidencedCondition) -> str:
    return Condition.parse(cell.condition).wording or OWN


def neutralise(text: str) -> str:
    """An apostrophe in front of what a spreadsheet could take for a formula. Source: OWASP, CSV Injection."""
    return MARK + text if text[:1] in RISKY or text.lstrip()[:1] in RISKY else text


def without_paths(text: str) -> str:
    """Each path of this machine cut to its last name; addresses, and names such as OWNER/NAME, stay."""
    return _WITHIN.sub("", _WHOLE.sub(r"\1", text))
