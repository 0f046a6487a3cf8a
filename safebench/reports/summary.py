"""The stage *measure*: what `summary.json` and `items.parquet` hold, from a run's store alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet
from pydantic_core import to_jsonable_python

from safebench import registry
from safebench.datasets.shards import batched
from safebench.files import whole_file, write_json
from safebench.jury.attendance import Attendance, attendance
from safebench.jury.calibration.correction import Correction, correction_of
from safebench.jury.files import seat_names
from safebench.models.opening import answering_class
from safebench.models.prices import RoleCost, read_prices, recorded_costs
from safebench.rendering.alternatives import CHOSEN, chosen_lines
from safebench.rendering.fidelity import fidelity_of
from safebench.rendering.recognition import gate_lines
from safebench.reports.words import NOTICE, PART, Words, knows_harm, words_of
from safebench.runs.config import MAX_OPEN, RESOLVED, taxonomy_in
from safebench.runs.evidence import evidence_of
from safebench.runs.folder import read_run_file
from safebench.runs.preflight import Delivery
from safebench.runs.revisions import RunRevision, revisions_line, revisions_of
from safebench.statistics.concluding import conclude
from safebench.statistics.evidence import EvidencedCondition, with_evidence
from safebench.statistics.funnel import Funnel, funnel_of
from safebench.statistics.gap import GapSettings, ModalityGap, modality_gap
from safebench.statistics.languages import languages_line
from safebench.statistics.metrics import summarise
from safebench.statistics.observations import observe
from safebench.statistics.spread import with_spread
from safebench.store import exchanges
from safebench.store.exchanges import CutAnswers, MarkedAnswers, SpokenAnswers, jury_calls
from safebench.store.items import (
    LanguageCount,
    Skipped,
    conditions,
    outcome_counts,
    queries_by_language,
    skipped_conditions,
    table_rows,
)
from safebench.store.store import Store
from safebench.store.verdicts import cast_ballots, deliberated, judged_items, short_handed
from safebench.taxonomy import Taxonomy
from safebench.types import Condition

SUMMARY_VERSION = 3
SUMMARY_FILE = "summary.json"
ITEMS_FILE = "items.parquet"
BATCH = 2000  # items held in memory while writing


@dataclass(frozen=True, slots=True)
class AskedRun:
    """What was asked of whom; `max_open`: the share of items that may stay open; `pending`: items without an outcome
    yet; `revisions`: what it has grown by.
    """

    name: str
    data: str
    conditions: list[str]
    target: str
    jurors: list[str]
    seed: int
    repeats: int
    max_open: float
    pending: int
    revisions: list[RunRevision]
    stand_in: bool
    shard: str | None  # N/M: which part of a run it is
    notice: str | None
    resolved: Mapping[str, Any]


@dataclass(frozen=True)
class ConditionSummary(EvidencedCondition):
    """All that is known of one condition; None for what it does not have."""

    funnel: Funnel
    fidelity: dict[str, Any] | None
    spoken: SpokenAnswers | None
    truncated: CutAnswers | None
    marked: MarkedAnswers | None


@dataclass(frozen=True, slots=True)
class ShortHanded:
    """The verdicts on which not every juror voted, and the `votes` that they rest on, on average."""

    verdicts: int
    votes: float


@dataclass(frozen=True, slots=True)
class JuryCascade:
    """Of the `items` that a cascade judged, those whose verdict the guards gave `alone`; `saved`: ballots of the other
    jurors that were not asked for.
    """

    items: int
    alone: int
    saved: int


@dataclass(frozen=True, slots=True)
class JuryRecord:
    """`calls` to the models of jurors and writer; `saved`: ballots of models that were not needed because the stop rule
    ended a deliberation early; `shortened`: items whose answer a juror saw without its middle; `knows_harm`: false
    where all jurors only tell a refusal from an answer; `jurors`: who voted how often; `short_handed`: None where all
    jurors voted on every verdict; `cascade`: None where all jurors are asked at once.
    """

    calls: int
    saved: int
    shortened: int
    knows_harm: bool
    jurors: list[Attendance]
    short_handed: ShortHanded | None
    cascade: JuryCascade | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What `summary.json` holds, field by field (docs/summary.md)."""

    schema_version: int
    run: AskedRun
    conditions: list[ConditionSummary]
    gap: ModalityGap | None
    jury: JuryRecord
    languages: list[LanguageCount]
    deliveries: list[Delivery]
    gate: list[str]
    skipped: list[Skipped]
    calibration: Correction | None
    costs: list[RoleCost]

    @property
    def chosen(self) -> list[str]:
        """What names of recipes stood for: a line each, with who made it."""
        return [*chosen_lines(self.run.resolved.get(CHOSEN, {}))]

    @property
    def language_lines(self) -> list[str]:
        """A line on the languages of the queries; none where nothing was rendered."""
        return [languages_line(self.languages)] if any(cell.fidelity for cell in self.conditions) else []

    @property
    def grown(self) -> str | None:
        """Which items came with which revision; None where there is one."""
        return revisions_line(self.run.revisions)

    @property
    def probed(self) -> set[str]:
        """Media with comprehension probes, whatever they told."""
        asked = (cell.condition for cell in self.conditions if cell.evidence.understood.state != "not_asked")
        return {Condition.parse(condition).medium for condition in asked}

    @property
    def taxonomy(self) -> Taxonomy:
        """That of its data."""
        return taxonomy_in(self.run.resolved)

    @property
    def words(self) -> Words:
        """What its jury lets a report speak of."""
        return words_of(knows_harm=self.jury.knows_harm)


def measure(
    folder: Path,
    calibration: Path | str | None = None,
    *,
    margin: float = 0.05,
    draws: int = 2000,
    seed: int | None = None,
) -> Summary:
    """The summary of a run, finished or not; nothing is written. As `report`."""
    asked = read_run_file(folder)
    settings = GapSettings(margin, draws, asked["seed"] if seed is None else seed)
    with Store(folder, readonly=True) as store:
        return _summary(folder, asked, store, settings, calibration)


def write_summary(folder: Path, summary: Summary) -> None:
    write_json(folder / SUMMARY_FILE, to_jsonable_python(summary))


def _summary(
    folder: Path, asked: dict[str, Any], store: Store, settings: GapSettings, calibration: Path | str | None
) -> Summary:
    observed = observe(store, asked["conditions"])
    counted = summarise(outcome_counts(store), asked["conditions"], taxonomy_in(asked[RESOLVED]))
    limit = answering_class(asked["target"], {**asked, **asked.get("options", {})}).length_option
    known = evidence_of(asked, store)
    measured = [with_evidence(with_spread(cell, observed, store), known[cell.condition]) for cell in counted]
    cells = [_condition(cell, store, limit) for cell in measured]
    gap = modality_gap(observed, settings)
    return Summary(
        schema_version=SUMMARY_VERSION,
        run=_asked_run(folder, asked, store),
        conditions=cells,
        gap=conclude(gap, known) if gap else None,
        jury=jury_record(asked["jury"], store),
        languages=queries_by_language(store),
        deliveries=[Delivery(**one) for one in store.deliveries()],
        gate=gate_of(asked),
        skipped=skipped_conditions(store),
        calibration=correction_of(calibration, asked, cells, store),
        costs=recorded_costs(store, read_prices(_own_prices(asked))),
    )


def _own_prices(asked: Mapping[str, Any]) -> Path | None:
    """The user's prices, where they are still there: a report is made wherever a run folder was taken."""
    file = Path(asked["prices"]) if asked.get("prices") else None
    return file if file and file.is_file() else None


def _asked_run(folder: Path, asked: Mapping[str, Any], store: Store) -> AskedRun:
    return AskedRun(
        name=folder.resolve().name,
        data=asked["data"],
        conditions=asked["conditions"],
        target=asked["target"],
        jurors=[juror.get("model") or juror.get("juror") for juror in asked["jury"]["jurors"]],
        seed=asked["seed"],
        repeats=asked["repeats"],
        max_open=asked.get("max_open", MAX_OPEN),
        pending=store.count_pending(),
        revisions=revisions_of(asked, store),
        stand_in=answering_class(asked["target"]).stand_in,
        shard=asked.get("shard"),
        notice=notice(asked),
        resolved=asked["resolved"],
    )


def _condition(cell: EvidencedCondition, store: Store, limit: str) -> ConditionSummary:
    name = cell.condition
    return ConditionSummary(
        **vars(cell),
        funnel=funnel_of(name, cell, store),
        fidelity=fidelity_of(name, store),
        spoken=exchanges.spoken_answers(store, name),
        truncated=exchanges.cut_answers(store, name, limit),
        marked=exchanges.marked_answers(store, name),
    )


def gate_of(asked: Mapping[str, Any]) -> list[str]:
    """Where a run's fidelity gate was off, or weaker than it can be: a line each, from its run file."""
    known, readers = registry.media(), asked[RESOLVED].get("recognisers", {})
    media = dict.fromkeys(Condition.parse(text).medium for text in asked["conditions"])
    read = [medium for medium in media if medium in known and registry.modality(medium).recognisers]
    named = {medium: str(reader["name"]) for medium, reader in readers.items()}
    return [*gate_lines(read, named, asked.get("recognisers", ()))]


def notice(asked: Mapping[str, Any]) -> str | None:
    """What every report on a run has to say, if anything, from its run file: of its target, and of its jury.

    Nothing of the jury where the target is a stand-in: no jury would find anything about a model there.
    """
    target = answering_class(asked["target"])
    shard = PART.format(asked["shard"]) if asked.get("shard") else None
    notices = [shard, target.notice(), None if target.stand_in or knows_harm(asked["jury"]) else NOTICE]
    return " ".join(filter(None, notices)) or None


def items_schema() -> pa.Schema:
    """Columns of `items.parquet`."""
    strings = ["query_id", "query", "intent", "category", "scenario", "twin", "language", "condition", "wording"]
    strings += ["outcome", "reason", "answer", "given", "media_sha256", "fidelity_status", "exchange"]
    fields = [pa.field(name, pa.string()) for name in strings]
    fields += [pa.field("repeat", pa.int32()), pa.field("rating", pa.int32()), pa.field("item", pa.int64())]
    return pa.schema([*fields, pa.field("left_out", pa.int32()), pa.field("revision", pa.int32())])


def write_items(path: Path, store: Store) -> None:
    schema = items_schema()
    wordings = {name: Condition.parse(name).wording for name in conditions(store)}
    with whole_file(path) as part, parquet.ParquetWriter(part, schema) as writer:
        for rows in batched(table_rows(store), BATCH):
            columns = dict(zip(rows[0].keys(), zip(*rows, strict=True), strict=True))
            columns["wording"] = tuple(wordings[condition] for condition in columns["condition"])
            writer.write_table(pa.table([pa.array(columns[one.name], one.type) for one in schema], schema=schema))


def jury_record(jury: Mapping[str, Any], store: Store) -> JuryRecord:
    """From the jury's tables in a run file and the run's store."""
    talking = [juror.get("model") is not None and juror.get("guard") is None for juror in jury["jurors"]]
    held = deliberated(store, jury["protocol"]["rounds"])
    verdicts, votes = short_handed(store)
    return JuryRecord(
        calls=jury_calls(store),
        saved=sum(talking) * held.skipped,
        shortened=held.shortened,
        knows_harm=knows_harm(jury),
        jurors=attendance(seat_names(jury["jurors"]), cast_ballots(store)),
        short_handed=None if votes is None else ShortHanded(verdicts, votes),
        cascade=_cascade(jury, store) if jury["protocol"].get("cascade") else None,
    )


def _cascade(jury: Mapping[str, Any], store: Store) -> JuryCascade:
    items, by_juror = judged_items(store)
    names = seat_names(jury["jurors"])
    asked = [by_juror.get(name, 0) for name, one in zip(names, jury["jurors"], strict=True) if one.get("guard") is None]
    return JuryCascade(items, items - max(asked), sum(items - n for n in asked))


def cascade_line(record: JuryRecord) -> str | None:
    """What a cascade saved; None for a jury that is none."""
    if (cascade := record.cascade) is None:
        return None
    return (
        f"cascade: the guards alone judged {cascade.alone} of {cascade.items} answers; {cascade.saved} ballots of the"
        " other jurors were saved"
    )


def short_handed_line(record: JuryRecord) -> str | None:
    """How many votes verdicts rest on that not every juror voted on; None where there are none."""
    if (short := record.short_handed) is None:
        return None
    return f"{short.verdicts} verdicts rest on {short.votes:.1f} of {len(record.jurors)} votes, on average"
