"""What came of a plan: planned, written, kept and missing; who declined what; what was dropped and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safebench.generation.folder import FILES, STAGES, SetFolder
from safebench.generation.plan import GenerationPlan
from safebench.generation.rows import DROPPED, KEPT, Asked, Candidate, ScenarioRow, read_rows
from safebench.generation.scoring import agreement, constant_judges
from safebench.store.exchanges import spent_by_model
from safebench.store.store import Store

SUMMARY_FILE = "summary.json"
WHY_DROPPED = {
    "duplicate": "equal or near to another one, or to a query of a compared set",
    "low_score": "judges' mean below a threshold",
    "few_scores": "too few judges gave scores that could be read",
    "too_near": "too like a better one of the same scenario",
    "no_twin": "nobody wrote a benign twin that passed",
    "link": "rule: no links",
    "mail": "rule: no mail addresses",
    "phone": "rule: no telephone numbers",
    "steps": "rule: no lists or steps",
    "code": "rule: no code",
    "one_sentence": "rule: one sentence",
    "speakable": "rule: only characters that can be read aloud",
    "too_long": "rule: length",
    "too_short": "rule: length",
    "minors": "rule: nothing sexual about minors",
    "declines": "not a request: the writer declined in its place",
    "operational_detail": "a judge found operational detail",
    "real_person": "a judge found a real person",
    "by_hand": "dropped by whoever edited the files",
}


@dataclass(frozen=True, slots=True)
class ScenarioCount:
    """One scenario. `written` are all queries that writers gave; `kept` those in the last file there is."""

    scenario: str
    planned: int
    written: int
    kept: int

    @property
    def missing(self) -> int:
        return max(0, self.planned - self.kept)


@dataclass(frozen=True, slots=True)
class GenerationSummary:
    """What `summary.json` holds."""

    stage: str  # the last that is finished
    lines: tuple[ScenarioCount, ...]
    scenarios_missing: int  # that models should have proposed beside those that are kept
    declined: tuple[dict[str, Any], ...]  # by writer and scenario: calls and how they ended; of twins, tries
    dropped: dict[str, int]  # by what
    agreement: dict[str, float | None]  # of the judges, by dimension
    constant_judges: tuple[str, ...]
    abstained: dict[str, int]  # by judge
    edited: tuple[str, ...]
    calls: dict[str, dict[str, int]] = field(default_factory=dict)  # by model: calls, failed ones, tokens

    @property
    def missing(self) -> int:
        return sum(line.missing for line in self.lines)

    def declined_by_writer(self) -> dict[str, str]:
        """How often each writer did not write what was asked for, in words."""
        by_writer: dict[str, Counter[str]] = {}
        for row in self.declined:
            given = {name: row.get(name, 0) for name in ("declined", "unreadable", "failed")}
            by_writer.setdefault(row["writer"], Counter()).update(given)
        return {
            writer: ", ".join(f"{name} {n}" for name, n in counts.items() if n) for writer, counts in by_writer.items()
        }

    @property
    def is_short(self) -> bool:
        return bool((self.missing and self.stage != STAGES[0]) or self.scenarios_missing)

    def as_dict(self) -> dict[str, Any]:
        lines = [{**asdict(line), "missing": line.missing} for line in self.lines]
        return {**asdict(self), "lines": lines, "missing": self.missing}


def summarise(plan: GenerationPlan, folder: SetFolder, store: Store) -> GenerationSummary:
    """From the files that are there. Before the first query is written, everything is missing."""
    stage = next((name for name in reversed(STAGES) if folder.file(name).exists()), "")
    scenarios = _rows(folder.file("propose"), ScenarioRow)
    rows = latest_rows(folder)
    asked = [row for name in ("propose", "write") for row in _rows(folder.asked(name), Asked)]
    proposed = sum(row.source == "proposed" and row.status == KEPT for row in scenarios)
    wanted = plan.propose.count if plan.propose else 0
    abstained = Counter(judge for row in rows for judge in row.abstained)
    return GenerationSummary(
        stage=stage,
        lines=tuple(_line(scenario, rows) for scenario in scenarios if scenario.status == KEPT),
        scenarios_missing=max(0, wanted - proposed) if scenarios else wanted,
        declined=tuple(_declined(asked, rows)),
        dropped=dropped_by(rows),
        agreement=agreement(rows),
        constant_judges=tuple(constant_judges(rows)),
        abstained=dict(abstained),
        edited=tuple(folder.edited()),
        calls=spent_by_model(store),
    )


def latest_rows(folder: SetFolder) -> list[Candidate]:
    """All candidates as the last finished stage left them."""
    files = [folder.path / FILES[name] for name in ("twin", "select", "score", "write")]
    return _rows(next((file for file in files if file.exists()), files[0]), Candidate)


def _rows(file: Path, kind: type[Any]) -> list[Any]:
    return list(read_rows(file, kind).values()) if file.exists() else []


def _line(scenario: ScenarioRow, rows: Sequence[Candidate]) -> ScenarioCount:
    own = [row for row in rows if row.scenario == scenario.id]
    return ScenarioCount(scenario.id, scenario.count, len(own), sum(row.status == KEPT for row in own))


def _declined(asked: Sequence[Asked], rows: Sequence[Candidate]) -> list[dict[str, Any]]:
    """One entry for each writer and scenario in which it did not always write."""
    calls: dict[tuple[str, str], Counter[str]] = {}
    for row in asked:
        calls.setdefault((row.writer, row.scenario), Counter())[row.outcome] += 1
    for candidate in rows:
        for one in candidate.tries:
            outcome = one.outcome.partition(":")[0]
            ending = outcome if outcome in ("declined", "unreadable", "failed") else "answered"
            calls.setdefault((one.writer, candidate.scenario), Counter())[ending] += 1
    return [
        {"writer": writer, "scenario": scenario, "calls": count.total(), **count}
        for (writer, scenario), count in sorted(calls.items())
        if count.total() > count["answered"]
    ]


def dropped_by(rows: Sequence[Candidate]) -> dict[str, int]:
    """How many were dropped by what, the most first."""
    reasons = (row.why.partition(":")[0] for row in rows if row.status == DROPPED)
    return dict(Counter(reason if reason in WHY_DROPPED else "by_hand" for reason in reasons).most_common())
