"""Answers that people labelled: a table with columns `query`, `answer` and `label`.

Optional columns: `id`, `intent` (harmful when not given), `scenario`, `target` and `condition` (where the answer is
from), and either further columns `annotator_…` or
`annotation_…` with the labels of single persons, or a column `annotator` with one row for each person's label; then the
label of most of them counts, and an answer without a majority is left out. A column `item` beside it tells answers of
equal texts apart; a person who gives one of them two labels makes it disputed.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from safebench.datasets.columns import plain_name
from safebench.datasets.queries import SHOWN_PROBLEMS, TEXT_COLUMNS, unused_columns
from safebench.datasets.tables import BLANK, file_rows, is_nothing, unusable
from safebench.errors import BadInput, unknown
from safebench.serialisation import compact
from safebench.taxonomy import Taxonomy, beside
from safebench.types import Intent, Label, Query

COLUMNS = {
    "query": TEXT_COLUMNS,
    "answer": ("answer", "completion", "response"),
    "label": ("label", "final_label"),
}
OPTIONAL = ("id", "intent", "scenario")
PERSON = "annotator"
ITEM = "item"
ORIGIN = ("target", "condition")
_ONE_PERSON = re.compile(r"annotat(?:or|ion)[ _-]?\w+")
TRUTHS = tuple(label for label in Label if label is not Label.ABSTAIN)


@dataclass(frozen=True, slots=True)
class Labelled:
    """An answer with the label that counts as its truth, and the labels of single persons by name.

    `item` tells it from others of the same text; `target` gave it, under `condition`. Empty where the file has none.
    """

    query: Query
    answer: str
    label: Label
    people: Mapping[str, Label] = field(default_factory=dict)
    item: str = ""
    target: str = ""
    condition: str = ""


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Labelled answers in the order of their file.

    `disputed`: answers left out because no label had a majority, or because a person contradicts herself. `notes`: what
    was taken for granted where they were read.
    """

    name: str
    rows: tuple[Labelled, ...]
    taxonomy: Taxonomy
    disputed: int = 0
    notes: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Over all that was read, whatever the columns were called."""
        digest = hashlib.sha256()
        for row in self.rows:
            people = sorted(row.people.items())
            asked = [row.query.text, row.query.intent, row.query.scenario, row.target, row.condition]
            digest.update(compact([*asked, row.answer, row.label, people]).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def read_labels(
    path: Path | str,
    columns: Mapping[str, str | None] | None = None,
    mapping: Sequence[str] = (),
    encoding: str | None = None,
) -> LabelSet:
    """The label set of a file. Raises BadInput with all bad rows.

    `columns` names the columns `query`, `answer` and `label` where they are called otherwise; it is None where the user
    cannot name them. `mapping` has entries `VALUE=LABEL` for labels that are not ours; `encoding` is that of the file's
    text. Scenarios are those of a `taxonomy.toml` beside the file, else the paper's.
    """
    path = Path(path)
    scenarios = beside(path)
    values = {label.value: label for label in TRUTHS} | dict(map(_mapped, mapping))
    heads: list[str] = []
    read = list(file_rows(path, (), heads, encoding, what="labels"))
    found = _columns(heads, columns, path.name)
    rows, problems = [], []
    told = [(line, row) for line, row in read if row is not BLANK]
    for number, (line, row) in enumerate(told, start=1):
        try:
            rows.append(_labelled(row, found, values, number, scenarios))
        except (ValueError, BadInput) as error:
            problems.append(f"{path.name}, line {line}: {error}")
    if problems:
        hidden = len(problems) - SHOWN_PROBLEMS
        raise BadInput(*problems[:SHOWN_PROBLEMS], *([f"… and {hidden} more bad rows"] if hidden > 0 else []))
    if not rows:
        raise BadInput(f"labels {path}: no rows")
    without = sum(not _cell(row, found.get("intent")) for _, row in told)
    counted = [
        (len(read) - len(told), "blank rows were left out"),
        (without, "rows without intent: their queries were taken as harmful"),
    ]
    others = {head for ours, head in found.items() if ours not in OPTIONAL}
    unused = unused_columns((head for head in heads if head not in others), path.name, None, OPTIONAL)
    notes = (*(f"{path.name}: {n} {what}" for n, what in counted if n), *unused)
    known = LabelSet(path.name, tuple(rows), scenarios, notes=notes)
    return known if found.get(PERSON) is None else _merged(known)


def _mapped(entry: str) -> tuple[str, Label]:
    value, equals, label = entry.rpartition("=")
    if not equals or label not in TRUTHS:
        raise BadInput(f"--map {entry!r} is not VALUE=LABEL with a label of {', '.join(TRUTHS)}")
    return value.strip().lower(), Label(label)


def _columns(header: list[str], named: Mapping[str, str | None] | None, where: str) -> dict[str, str]:
    """What we call a column -> what the file calls it."""
    by_lower = {plain_name(name): name for name in reversed(header) if name.strip()}
    if len(by_lower) < sum(bool(name.strip()) for name in header):
        twice = [name for name, times in Counter(map(plain_name, header)).items() if times > 1 and name]
        raise BadInput(f"labels {where}: two columns are called {twice[0]!r}")
    found = {}
    for ours, usual in COLUMNS.items():
        told = named.get(ours) if named else None
        told = told if told is None or told in header else by_lower.get(plain_name(told), told)
        if told is not None and told not in header:
            raise unknown(f"{ours} column", told, header, f"labels {where}")
        column = told or next((by_lower[name] for name in usual if name in by_lower), None)
        if column is None:
            other = f", or name it with --{ours}-column" if named is not None else ""
            raise BadInput(
                f"labels {where}: no {ours} column: it has {', '.join(header) or 'no columns'}; expected one of "
                f"{', '.join(usual)}{other}"
            )
        found[ours] = column
    known = (*OPTIONAL, PERSON, ITEM, *ORIGIN)
    optional = [name for name in by_lower if name in known or _ONE_PERSON.fullmatch(name)]
    return found | {name: by_lower[name] for name in optional if by_lower[name] not in found.values()}


def _cell(row: Mapping[str, Any], name: str | None) -> str:
    value = row.get(name) if name is not None else None
    return "" if is_nothing(value) else str(value).strip()


def _labelled(
    row: Mapping[Any, Any], columns: Mapping[str, str], values: Mapping[str, Label], number: int, scenarios: Taxonomy
) -> Labelled:
    if (problem := unusable(row)) is not None:
        raise ValueError(problem)
    told = {ours: _cell(row, name) for ours, name in columns.items()}
    for ours in ("query", "answer"):
        if not told[ours]:
            raise ValueError(f"column {columns[ours]!r} is empty")
    intent = told.get("intent", "").lower() or Intent.HARMFUL
    if intent not in list(Intent):
        raise ValueError(f"intent {intent!r} is neither harmful nor benign")
    scenario = scenarios.find(told.get("scenario"))
    query = Query(told.get("id") or f"row-{number}", told["query"], Intent(intent), scenario.id if scenario else None)
    label = _label(told["label"], values)
    people = {name: _label(told[name], values) for name in told if _ONE_PERSON.fullmatch(name) and told[name]}
    if PERSON in told:
        people = {told[PERSON]: label}
    return Labelled(query, told["answer"], label, people, *(told.get(name, "") for name in (ITEM, *ORIGIN)))


def _label(told: str, values: Mapping[str, Label]) -> Label:
    if told.lower() not in values:
        raise ValueError(f"label {told!r} is none of {', '.join(values)}; map others with --map VALUE=LABEL")
    return values[told.lower()]


def _merged(read: LabelSet) -> LabelSet:
    """One row for each answer from one row for each person's label."""
    by_answer: dict[tuple[str, str, str], list[Labelled]] = {}
    for row in read.rows:
        by_answer.setdefault((row.query.text, row.answer, row.item), []).append(row)
    merged = []
    for same in by_answer.values():
        told = {vote for row in same for vote in row.people.items()}
        people = dict(sorted(told))
        (label, votes), *_ = Counter(people.values()).most_common()
        if len(told) == len(people) and 2 * votes > len(people):
            merged.append(replace(same[0], label=label, people=people))
    if not merged:
        raise BadInput(f"labels {read.name}: no answer has a label that most of its annotators agree on")
    return replace(read, rows=tuple(merged), disputed=len(by_answer) - len(merged))
