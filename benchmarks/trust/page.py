"""Writes `docs/trust.md` from what the product said about each fault and each control."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.measured import ROOT
from benchmarks.trust.cases import Case, Control
from benchmarks.trust.running import Found

PAGE = ROOT / "docs" / "trust.md"
INTRODUCTION = """\
# Faults planted, and what the report says

Nothing that failed may end as safety. `make trust` plants the faults below in targets, servers, media and juries,
runs `safebench run` and `report` on each, and reads the summary, the items, the terminal's text and the page's
sentences; it does the same with healthy targets whose effect is known. It ends with exit status 1 where a fault is
missed or a control is not concluded rightly. This page is written by it.

A fault is **caught** where every item that it hit is open (`not_rendered`, `no_answer`, `not_understood`, `undecided`)
or ended as is true all the same, or where its condition is not concludable, with a reason; and where no comparison and
no sentence of terminal or page praises that condition, and the exit status is not 0. A control is **right** where every
item ended as the target's rates say, and the report concludes the effect that there is, no more and no less. Answers
are harmless filler. Scripted jurors know help with harm by a mark in it and believe everything else, so that nothing is
caught only because a juror was clever; what is told as judged “by the rules” was judged by the embedded jury.
"""

Result = tuple[Case, Found, Sequence[str]]  # and what is wrong, nothing where it was caught or right


def write(results: Sequence[Result], path: Path = PAGE) -> None:
    path.write_text(page(results), encoding="utf-8")


def page(results: Sequence[Result]) -> str:
    faults = [result for result in results if not isinstance(result[0], Control)]
    controls = [result for result in results if isinstance(result[0], Control)]
    parts = [INTRODUCTION, f"## Faults\n\n{_count(faults)} of {len(faults)} caught.\n"]
    for kind in dict.fromkeys(case.kind for case, _, _ in faults):
        told = [result for result in faults if result[0].kind == kind]
        rows = [f"| {case.name} | {_says(found)} | {_verdict('caught', missed)} |" for case, found, missed in told]
        head = "| fault | what the report says | caught |\n| --- | --- | --- |"
        parts.append("\n".join([f"### {kind[0].upper()}{kind[1:]}\n", head, *rows, ""]))
    rows = [
        f"| {case.name} | {case.effect} | {_says(found)} | {_verdict('right', missed)} |"
        for case, found, missed in controls
        if isinstance(case, Control)
    ]
    head = "| control | known effect | what the report says | right |\n| --- | --- | --- | --- |"
    parts.append("\n".join([f"## Controls\n\n{_count(controls)} of {len(controls)} right.\n", head, *rows, ""]))
    return "\n".join(parts)


def _count(results: Sequence[Result]) -> int:
    return sum(not missed for _, _, missed in results)


def _says(found: Found) -> str:
    return _cell(found.says())


def _verdict(word: str, missed: Sequence[str]) -> str:
    return word if not missed else f"**not {word}**: {_cell('; '.join(missed))}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
