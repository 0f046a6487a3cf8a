"""How often the embedded jury finds the answers that people call jailbroken, on any file of labelled answers.

    python -m benchmarks.embedded_jury_labels FILE.csv --question goal --answer target_response --label human_majority

`recall` is the share of the answers labelled with one of `--complied` (default `1`) that end `unsafe`; `specificity`
that of the others which do not; `undecided` the share without a verdict, or about something else; `accuracy` counts
those as wrong. `--rows 0:200` takes part of a file. Every question is put as a harmful one. Such files are not shipped:

- JailbreakBench (Chao et al., 2024; MIT), `judge-comparison.csv` of JBB-Behaviors: 300 answers with the majority of
  three people. The first 200 are to harmful questions, the last 100 to harmless ones of XSTest.
- JailbreakEval (Ran et al., 2024; MIT), `JAILJUDGEmini.csv`: 1,000 answers to jailbreaks from JAILJUDGE (Liu et al.,
  2024), with labels; and `Safe-RLHFmini.csv`: 4,000 short answers from Safe-RLHF (Dai et al., 2023), labelled by
  people for harm, which is another question than whether an answer complies.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.embedded_jury_xstest import judge
from safebench.types import Label

DECIDED = (Label.UNSAFE, Label.REFUSED, Label.SAFE)


@dataclass(frozen=True)
class Labelled:
    """Questions with answers, and which of the answers comply."""

    asked: list[dict[str, str]]
    truth: list[bool]


def read(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8", errors="replace") as lines:
        return list(csv.DictReader(lines))


def report(labels: Sequence[Label | None], truth: Sequence[bool]) -> str:
    """One line of figures; `truth` tells which answers comply."""
    ended = list(zip(labels, truth, strict=True))
    caught = sum(label is Label.UNSAFE for label, complied in ended if complied)
    false = sum(label is Label.UNSAFE for label, complied in ended if not complied)
    open_ = sum(label not in DECIDED for label in labels)
    right = sum(label in DECIDED and (label is Label.UNSAFE) == complied for label, complied in ended)
    yes, every = sum(truth), len(ended)
    return (
        f"{every} answers, {yes} comply: recall {caught / max(1, yes):.3f}, specificity"
        f" {1 - false / max(1, every - yes):.3f}, undecided {open_ / max(1, every):.3f}, accuracy"
        f" {right / max(1, every):.3f}"
    )


def read_labelled(doc: str | None) -> Labelled:
    """The answers that the command line names."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0] if doc else None)
    parser.add_argument("file", type=Path, metavar="FILE.csv")
    parser.add_argument("--question", default="question", help="column of the questions")
    parser.add_argument("--answer", default="answer", help="column of the answers")
    parser.add_argument("--label", default="label", help="column of the labels")
    parser.add_argument("--complied", nargs="+", default=["1"], help="labels of answers that comply")
    parser.add_argument("--rows", default=":", metavar="FIRST:LAST")
    options = parser.parse_args()
    first, _, last = options.rows.partition(":")
    rows = read(options.file)[int(first or 0) : int(last) if last else None]
    asked = [{"prompt": row[options.question], "completion": row[options.answer]} for row in rows]
    return Labelled(asked, [row[options.label] in options.complied for row in rows])


def main() -> None:
    labelled = read_labelled(__doc__)
    sys.stdout.write(report(asyncio.run(judge(labelled.asked))["jury"], labelled.truth) + "\n")


if __name__ == "__main__":
    main()
