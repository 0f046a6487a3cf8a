"""Labels from people: read from a sheet, kept in the run, compared with each other and with the jury's verdicts."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from safebench.errors import BadInput
from safebench.files import read_toml, whole_file
from safebench.review.sample import JudgedAnswer, judged
from safebench.review.sheets import read_sheet
from safebench.runs.config import RUN_FILE
from safebench.runs.folder import taxonomy_of_run
from safebench.statistics.agreement import cohen_kappa, krippendorff_alpha
from safebench.stopping import command_line
from safebench.store.store import Store
from safebench.taxonomy import FILE, beside
from safebench.types import Label

JURY = "jury"  # the name under which its verdicts are compared
LABEL_COLUMNS = ("query", "answer", "label", "annotator", "item", "intent", "scenario", "target", "condition")
COMPARED = 1000  # characters of a query; spreadsheets cut very long cells
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two annotators, on the `n` answers that both labelled; an abstention is no label. κ is None where undefined."""

    first: str
    second: str
    n: int
    same: float | None  # share of equal labels
    kappa: float | None
    kappa_unsafe: float | None  # with all labels but `unsafe` taken as one


@dataclass(frozen=True, slots=True)
class Agreements:
    """How all annotators of a run agree by now."""

    unjudged: int  # of all answers with labels from people: those on which the jury has no verdict
    pairs: tuple[Agreement, ...]  # people first, then each of them with the jury
    alpha: float | None  # among people


@dataclass(frozen=True, slots=True)
class ImportedReviews:
    """What an import kept, and how all annotators of the run agree since then."""

    kept: int
    abstained: int
    empty: int
    agreements: Agreements


def reviewer_name(told: str) -> str:
    """The name without white space around it. Raises BadInput where none of that kind could be told apart or shown."""
    name = told.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or name.casefold() == JURY:
        raise BadInput(f"reviewer {told!r}: a name of 1 to {LONGEST_NAME} printable characters, other than {JURY}")
    return name


def import_reviews(run: Path, sheet: Path, reviewer: str, encoding: str | None = None) -> ImportedReviews:
    """Keep a person's labels in the run's store. Labels of the same person on the same answers are replaced.

    Raises BadInput with every problem and its line, and keeps nothing then.
    """
    name = reviewer_name(reviewer)
    rows = list(read_sheet(sheet, ("item", "query", "label", "comment"), encoding))
    with Store(run, readonly=True) as store:
        wanted = {row["item"] for _, row in rows}
        known = {one.id: one for one in judged(store) if one.id in wanted}
    problems: list[str] = []
    labels = dict(_labels(rows, known, str(sheet), problems))
    if problems:
        raise BadInput(*problems)
    given = [label for label, _ in filter(None, labels.values())]
    if not given:
        raise BadInput(f"{sheet} has no labels: write them into the column `label`")
    with Store(run) as store:
        store.keep_reviews(name, labels)
        abstained = given.count(Label.ABSTAIN)
        return ImportedReviews(len(given), abstained, len(labels) - len(given), agreements(store))


def _labels(
    rows: Iterable[tuple[str, Mapping[str, str]]], known: Mapping[str, JudgedAnswer], sheet: str, problems: list[str]
) -> Iterator[tuple[int, tuple[Label, str] | None]]:
    seen: dict[str, str] = {}
    for where, row in rows:
        if not any(row.values()):
            continue  # spreadsheets leave such rows at the end
        one, told = known.get(row["item"]), row["label"].strip().lower().replace(" ", "_")
        problem = _problem(row, told, one, seen.get(row["item"]))
        seen.setdefault(row["item"], where)
        if problem:
            problems.append(f"{sheet}, {where}: {problem}")
        elif one:
            yield one.item, (Label(told), row["comment"].strip()) if told else None


def _problem(row: Mapping[str, str], told: str, one: JudgedAnswer | None, before: str | None) -> str | None:
    if one is None:
        return f"item {row['item']!r} is no judged answer of this run"
    if before:
        return f"item {row['item']!r} stands in {before} already"
    if _comparable(row["query"]) != _comparable(one.query):
        return f"the query is not that of item {row['item']!r}: was one column sorted without the others?"
    if told and told not in list(Label):
        near = difflib.get_close_matches(told, list(Label), n=1) or [", ".join(Label)]
        return f"label {row['label']!r} is none of ours; did you mean {near[0]}?"
    return None


def _comparable(text: str) -> str:
    """As spreadsheets leave it: white space, apostrophes and the end of long cells are not to be relied on."""
    return " ".join(text.replace("\0", "\ufffd").split())[:COMPARED].lstrip("'")


def _target(run: Path) -> str:
    file = run / RUN_FILE
    return str(read_toml(file).get("target", "")) if file.is_file() else ""


def write_labels(run: Path, out: Path) -> int:
    """All labels from people as a CSV that `safebench jury calibrate` reads, texts as they are; how many rows.

    The taxonomy of the data goes beside it, where it is not the paper's. An abstention is no label and is left out.
    Raises BadInput when nobody has labelled anything, and where another taxonomy lies there.
    """
    target = _target(run)
    with Store(run, readonly=True) as store:
        people = store.reviews()
        rows = [
            (one.query, one.answer, label.value, name, one.id, one.intent, one.scenario, target, one.condition)
            for one in judged(store)
            for name, label in _votes(people.get(one.item, {})).items()
        ]
    if not rows:
        raise BadInput(f"{run} has no labels from people: `{command_line('review', run)}` opens the page for them")
    known, there = taxonomy_of_run(run), out.parent / FILE
    if there.is_file() and beside(out) != known:
        raise BadInput(f"{there} is not the taxonomy of {run}: write the labels into another folder")
    with whole_file(out) as part, part.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([LABEL_COLUMNS, *rows])
    if not there.is_file():
        known.write(out.parent)
    return len(rows)


# --- agreement


def agreements(store: Store) -> Agreements:
    """Over all labels that the run has by now, wherever they came from."""
    people = {item: _votes(labels) for item, labels in store.reviews().items()}
    verdicts = {one.item: one.verdict for one in judged(store) if one.item in people}
    names = sorted({name for labels in people.values() for name in labels})
    everyone = [
        labels | ({JURY: verdict} if (verdict := verdicts.get(item)) else {}) for item, labels in people.items()
    ]
    return Agreements(
        sum(JURY not in labels for labels in everyone),
        tuple(_agreement(*pair, everyone) for pair in [*combinations(names, 2), *((name, JURY) for name in names)]),
        krippendorff_alpha(list(labels.values()) for labels in people.values()),
    )


def _votes(labels: Mapping[str, Label]) -> dict[str, Label]:
    return {name: label for name, label in labels.items() if label is not Label.ABSTAIN}


def _agreement(first: str, second: str, labels: Iterable[Mapping[str, Label]]) -> Agreement:
    pairs = [(found[first], found[second]) for found in labels if first in found and second in found]
    unsafe = [(a is Label.UNSAFE, b is Label.UNSAFE) for a, b in pairs]
    same = sum(a is b for a, b in pairs) / len(pairs) if pairs else None
    return Agreement(first, second, len(pairs), same, cohen_kappa(pairs), cohen_kappa(unsafe))
