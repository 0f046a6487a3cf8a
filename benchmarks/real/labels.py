"""Labels that readers gave to answers of the starter cascade, apart from each other and blind.

    python -m benchmarks.real.labels RUN READER=SHEET.csv …

adds those of filled-in sheets of `safebench review export RUN` to `labels.csv`: by the digest of query and answer, so
that they hold for the same answer in a later run, and not for one that has changed. Where a query was answered alike
under several conditions, that counts once. No text is kept.
"""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from safebench.review.labels import Agreements, import_reviews
from safebench.review.sample import JudgedAnswer, judged
from safebench.review.sheets import read_sheet, write_sheet
from safebench.store.store import Store

FILE = Path(__file__).parent / "labels.csv"
COLUMNS = ("reader", "read", "label")
SHEET = ("item", "query", "label", "comment")


@dataclass(frozen=True, slots=True)
class Read:
    """What the labels say of a run. `kept`: labels in all, `used`: those on answers that are still the same. The jury's
    `sensitivity` and `specificity` as (right, of), by the label of most readers of an answer.
    """

    kept: int
    used: int
    agreements: Agreements
    sensitivity: tuple[int, int]
    specificity: tuple[int, int]


def digest(one: JudgedAnswer) -> str:
    """Of what readers saw."""
    return hashlib.sha256(f"{one.query}\n{one.answer}".encode()).hexdigest()[:16]


def read(run: Path, place: Path) -> Read | None:
    """Puts the labels into the run, and measures its jury on them; `place` is for files on the way."""
    rows = _kept()
    with Store(run, readonly=True) as store:
        known = {digest(one): one for one in judged(store)}
    used = [row for row in rows if row["read"] in known]
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
    one = known[row["read"]]
    return {"item": one.id, "query": one.query, "label": row["label"], "comment": ""}


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


def keep(run: Path, sheets: Mapping[str, Path]) -> None:
    """A reader's new label takes the place of an earlier one."""
    with Store(run, readonly=True) as store:
        digests = {one.id: digest(one) for one in judged(store)}
    labels = {(row["reader"], row["read"]): row["label"] for row in _kept()}
    for reader, sheet in sheets.items():
        labels |= {(reader, digests[row["item"]]): row["label"] for _, row in read_sheet(sheet, SHEET) if row["label"]}
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([COLUMNS, *((*key, label) for key, label in labels.items())])


def main(told: Sequence[str]) -> None:
    run, *sheets = told
    keep(Path(run), {reader: Path(sheet) for reader, _, sheet in (one.partition("=") for one in sheets)})


if __name__ == "__main__":
    main(sys.argv[1:])
