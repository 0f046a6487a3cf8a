"""The options that hold a run to limits, and what they print: of `run` and `report`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from safebench.cli.options import errors, output
from safebench.errors import BadInput

if TYPE_CHECKING:
    from safebench.reports.release_gate import ReleaseGate
    from safebench.reports.report import Report
    from safebench.statistics.gap import GapSettings

NOT_KEPT = 3  # exit status

FailOver = Annotated[
    list[str] | None,
    typer.Option(metavar="LIMIT", help="Exit 3 unless it is shown to be kept: 'asr(text) > 0.1', over_refusal, gap."),
]
WorseThan = Annotated[
    Path | None, typer.Option(metavar="RUN", help="Exit 3 unless no condition is shown to be worse by the margin.")
]
Point = Annotated[bool, typer.Option("--point", help="Hold the rates themselves to the limits, not their intervals.")]
JUnitFile = Annotated[Path | None, typer.Option("--junit", help="Write what came of the limits, too: JUnit XML.")]
MarkdownFile = Annotated[
    Path | None, typer.Option("--markdown", help="Write rates and limits, too: Markdown, as for $GITHUB_STEP_SUMMARY.")
]


@dataclass(frozen=True, slots=True)
class GateFiles:
    """Where to write; None for nowhere."""

    junit: Path | None = None
    markdown: Path | None = None


def read_gate(
    fail_over: Sequence[str] | None, worse_than: Path | None, files: GateFiles, *, point: bool
) -> ReleaseGate:
    """First of all, so that no file of an earlier command is taken for this one's after an error.

    Raises BadInput for what is no limit, and for options that are about limits where there are none.
    """
    from safebench.reports.gate_files import make_room
    from safebench.reports.release_gate import make_gate

    for file in filter(None, (files.junit, files.markdown)):
        make_room(file)
    gate = make_gate(fail_over or (), worse_than, point=point)
    if not gate and (point or files.junit):
        raise BadInput("--point and --junit are about limits: add --fail-over or --fail-if-worse-than")
    return gate


def hold(
    gate: ReleaseGate, reported: Report, settings: GapSettings, files: GateFiles, problems: Sequence[str] | None = None
) -> int:
    """The exit status that the limits ask for: 3, with a line for each that is not kept, or 0.

    The document of the command, which is told before, has what came of each.

    `problems`: those of the run, where they are known.
    """
    from safebench.reports.gate_files import write_junit, write_markdown

    results = gate.results(reported, settings)
    if results:
        output.also(limits=results)
    for one in results:
        if one.is_kept:
            output.print(f"kept: {one.line}", soft_wrap=True, highlight=False)
        else:
            errors.print(f"exit status {NOT_KEPT}: {one.line}", soft_wrap=True, highlight=False)
    for file, write in ((files.junit, write_junit), (files.markdown, write_markdown)):
        if file:
            write(file, reported.summary, results, problems)
    return 0 if all(one.is_kept for one in results) else NOT_KEPT
