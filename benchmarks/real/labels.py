"""Labels that two readers gave to answers of the starter cascade, apart from each other and blind.

    python -m benchmarks.real.labels RUN READER=SHEET.csv …

keeps those of filled-in sheets of `safebench review export RUN` in `labels.csv`: by item and by the digest of the
answer that was read, so that they are not used for an answer that has changed. No text is kept.
"""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from safebench.review.labels import Agreements, import_reviews
from safebench.review.sample import JudgedAnswer, judged
from safebench.review.sheets import read_sheet, write_sheet
from safebench.store.store import Store

FILE = Path(__file__).parent / "labels.csv"
COLUMNS = ("reader", "item", "answer", "label")
SHEET = ("item", "query", "label", "comment")


@dataclass(frozen=True, slots=True)
class Read:
    """What the labels say of a run. `kept`: labels in all, `used`: those on answers that are still the same. The jury's
    `sensitivity` and `specificity` as (right, of), on the answers that both readers labelled alike.
    """

    kept: int
    used: int
    agreements: Agreements
    sensitivity: tuple[int, int]
    specificity: tuple[int, int]


def digest(answer: str) -> str:
    return hashlib.sha256(answer.encode()).hexdigest()[:16]


def read(run: Path, place: Path) -> Read | None:
    """Puts the labels into the run, and measures its jury on them; `place` is for files on the way."""
    rows = _kept()
    with Store(run, readonly=True) as store:
        known = {one.id: one for one in judged(store)}
    used = [row for row in rows if row["item"] in known and digest(known[row["item"]].answer) == row["answer"]]
    if not used:
        return None
    for reader in dict.fromkeys(row["reader"] for row in used):
        sheet = place / f"{reader}.csv"
        write_sheet(sheet, SHEET, [_filled(row, known) for row in used if row["reader"] == reader])
        agreements = import_reviews(run, sheet, reader).agreements
    counts = _calibrated(run, place)
    return Read(
        len(rows),
        len(used),
        agreements,
        (counts["true_positive"], counts["true_positive"] + counts["false_negative"]),
        (counts["true_negative"], counts["true_negative"] + counts["false_positive"]),
    )


def _kept() -> list[dict[str, str]]:
    if not FILE.exists():
        return []
    with FILE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _filled(row: dict[str, str], known: dict[str, JudgedAnswer]) -> dict[str, str]:
    return {"item": row["item"], "query": known[row["item"]].query, "label": row["label"], "comment": ""}


def _calibrated(run: Path, place: Path) -> dict[str, int]:
    labels, out = place / "labels.csv", place / "calibration.json"
    out.unlink(missing_ok=True)
    for told in (
        ["review", "labels", str(run), "--out", str(labels)],
        ["jury", "calibrate", str(labels), "--jury", "embedded", "--out", str(out)],
    ):
        subprocess.run([sys.executable, "-m", "safebench", *told], check=True, stdout=subprocess.DEVNULL)
    counts: dict[str, int] = json.loads(out.read_text(encoding="utf-8"))["correction"]
    return counts


def keep(run: Path, sheets: dict[str, Path]) -> None:
    with Store(run, readonly=True) as store:
        answers = {one.id: one.answer for one in judged(store)}
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(row for reader, sheet in sheets.items() for row in _rows(reader, sheet, answers))


def _rows(reader: str, sheet: Path, answers: dict[str, str]) -> Iterator[dict[str, str]]:
    for _, row in read_sheet(sheet, SHEET):
        if row["label"]:
            given = {"item": row["item"], "answer": digest(answers[row["item"]]), "label": row["label"]}
            yield {"reader": reader, **given}


def main(told: Sequence[str]) -> None:
    run, *sheets = told
    keep(Path(run), {reader: Path(sheet) for reader, _, sheet in (one.partition("=") for one in sheets)})


if __name__ == "__main__":
    main(sys.argv[1:])
