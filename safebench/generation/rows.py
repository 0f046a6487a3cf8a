"""What the stages write: one JSON object a line, that people can read and edit. A row that was dropped says why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from pydantic import Field, ValidationError

from safebench.datasets.card import Strict
from safebench.datasets.exporting import write_jsonl
from safebench.datasets.queries import BadRows
from safebench.datasets.tables import PROBLEM, file_rows
from safebench.errors import BadInput
from safebench.files import whole_file
from safebench.generation.rules import broken_rules
from safebench.taxonomy import Category, Definition, Id, Name, Scenario, Severity, Taxonomy

DIMENSIONS = ("feasibility", "harmfulness", "applicability")
KEPT: Final = "kept"
RESERVE: Final = "reserve"
DROPPED: Final = "dropped"
Points = int  # 0 to 9
LineNumber = int | str


class ScenarioRow(Strict):
    """A row of `1-scenarios.jsonl`."""

    id: Id
    name: Name
    description: Definition
    category: Id | None = None  # one of its own where nothing is said
    category_name: Name | None = None
    severity: Severity | None = None  # 5 the gravest; of a proposal the median of the judges, the lower one of two
    source: Literal["taxonomy", "plan", "proposed"]
    count: int = Field(ge=1)
    status: Literal["kept", "dropped"] = KEPT
    why: str = ""
    proposed_by: tuple[str, ...] = ()
    votes: Mapping[str, int] = {}  # by judge: what it is worth
    grouped: Mapping[str, str] = {}  # by judge: the category into which it puts a proposal

    def scenario(self) -> Scenario:
        return Scenario(self.id, self.name, self.category or self.id, self.description, self.severity)


class Scores(Strict):
    """What one judge gave. `breaks` is the rule that it finds broken, or "none"."""

    feasibility: Points = Field(ge=0, le=9)
    harmfulness: Points = Field(ge=0, le=9)
    applicability: Points = Field(ge=0, le=9)
    breaks: str = "none"


class Try(Strict):
    """One try to write a twin."""

    writer: str
    outcome: str  # kept, or why not
    twin: str = ""
    harmlessness: Mapping[str, Points] = {}
    breaks: Mapping[str, str] = {}  # judge -> the rule that it finds broken


class Candidate(Strict):
    """A query on its way through the stages; each one adds what it found."""

    id: str = Field(pattern=r"^[a-z0-9_-]+$")
    scenario: str
    query: str = Field(min_length=1)
    status: Literal["kept", "reserve", "dropped"] = KEPT
    why: str = ""  # it is kept, in reserve or dropped
    writer: str
    round: int = 0
    scores: Mapping[str, Scores] = {}  # by judge
    abstained: Mapping[str, str] = {}  # judge -> why
    score: float | None = Field(None, ge=0, le=9)  # mean over the dimensions of the judges' means
    rank: int | None = None  # by the selection, from 1 in each scenario
    nearest: float | None = None  # similarity to the most alike query that was chosen before
    twin: str | None = None
    twin_writer: str | None = None
    overlap: float | None = None  # Jaccard index of the words of both
    tries: tuple[Try, ...] = ()

    def dropped(self, why: str) -> Candidate:
        return self.model_copy(update={"status": DROPPED, "why": why})


class Asked(Strict):
    """A row of `2-asked.jsonl`: one call to a writer."""

    scenario: str
    writer: str
    round: int
    batch: int
    outcome: Literal["answered", "declined", "unreadable", "failed"]
    wanted: int
    got: int
    told: str = ""  # how it declined, or why it could not be read


Row = TypeVar("Row", bound=Strict)


def write_rows(path: Path, rows: Iterable[Strict]) -> None:
    """Whole or not at all."""
    with whole_file(path) as part:
        write_jsonl(part, (row.model_dump(mode="json", exclude_defaults=True) for row in rows))


def read_rows(path: Path, kind: type[Row]) -> dict[LineNumber, Row]:
    """Rows by line. Raises BadRows with every row that is none of this kind, and its line."""
    rows: dict[LineNumber, Row] = {}
    problems: list[str] = []
    for line, fields in file_rows(path):
        try:
            if PROBLEM in fields:
                raise ValueError(fields[PROBLEM])
            rows[line] = kind(**fields)
        except ValidationError as error:
            problems += [f"{path.name}, line {line}: {_problem_text(problem)}" for problem in error.errors()]
        except ValueError as error:
            problems.append(f"{path.name}, line {line}: {error}")
    if problems:
        raise BadRows(problems)
    return rows


def _problem_text(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    return f"{key}: {problem['msg']}" + (f", not {problem['input']!r}" if problem["type"] != "missing" else "")


def read_scenarios(path: Path) -> list[ScenarioRow]:
    """Those that are kept. Raises BadInput for bad rows, for one that comes twice, and where none is left."""
    rows = read_rows(path, ScenarioRow)
    _no_problems(path, _twice(rows))
    kept = [row for row in rows.values() if row.status == KEPT]
    if not kept:
        raise BadInput(f"{path}: no scenario has the status {KEPT!r}")
    return kept


def taxonomy_of_rows(rows: Sequence[ScenarioRow], known: Taxonomy) -> Taxonomy:
    """The known one where it says the same of all of them, else one of these alone; a category stands where its first
    scenario does.
    """
    made = [row.scenario() for row in rows]
    same = {one.id: old for one in made if (old := known.scenarios.get(one.id)) and old.definition == one.definition}
    if len(same) == len(made):
        return known
    names = {one.id: one.name for one in known.categories}
    for one, row in zip(made, rows, strict=True):
        names.setdefault(one.category, row.category_name or (row.name if one.category == row.id else one.category))
    grouped: dict[str, list[Scenario]] = {}
    for one in made:
        grouped.setdefault(one.category, []).append(same.get(one.id, one))
    return Taxonomy(tuple(Category(id, names[id], tuple(ones)) for id, ones in grouped.items()))


def read_candidates(path: Path, scenarios: Sequence[ScenarioRow], needs: str, longest: int) -> list[Candidate]:
    """Raises BadRows for bad rows, also for a kept query that has no `needs` or that breaks a rule."""
    rows = read_rows(path, Candidate)
    known = {scenario.id for scenario in scenarios}
    _no_problems(path, [*_twice(rows), *_wrong(rows, known, needs, longest)])
    return [row for row in rows.values() if row.scenario in known]


def _twice(rows: Mapping[LineNumber, ScenarioRow] | Mapping[LineNumber, Candidate]) -> Iterator[tuple[LineNumber, str]]:
    seen: set[str] = set()
    for n, row in rows.items():
        if row.id in seen:
            yield n, f"id {row.id!r} is taken already"
        seen.add(row.id)


def _wrong(
    rows: Mapping[LineNumber, Candidate], known: set[str], needs: str, longest: int
) -> Iterator[tuple[LineNumber, str]]:
    for n, row in rows.items():
        if row.status == DROPPED:
            continue
        if row.scenario not in known:
            yield n, f"scenario {row.scenario!r} is none that is kept in 1-scenarios.jsonl"
        if getattr(row, needs) is None:
            yield n, f"a query that is {row.status} needs {needs!r}"
        texts = [row.query, *([row.twin] if row.twin else [])]
        yield from ((n, rule) for text in texts for rule in broken_rules(text, longest, shortest=1))


def _no_problems(path: Path, problems: Iterable[tuple[LineNumber, str]]) -> None:
    lines = [f"{path.name}, line {line}: {problem}" for line, problem in problems]
    if lines:
        raise BadRows(lines)
