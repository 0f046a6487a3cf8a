"""Our report on a log that inspect wrote: the log as a run's store, and the store reported as any other."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from safebench.errors import BadInput, MissingPackage
from safebench.files import write_toml
from safebench.reports.report import Report, report
from safebench.reports.summary import ITEMS_FILE, Summary, write_summary
from safebench.runs.config import RESOLVED, RUN_FILE, taxonomy_in
from safebench.runs.outcomes import Ending
from safebench.runs.preflight import Delivery
from safebench.serialisation import ballot_from, compact, rendering_from, response_from
from safebench.store.items import item_ids
from safebench.store.store import Store
from safebench.types import TEXT, Condition, Item, Outcome, Purpose, Query, Response

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample

WHY = "inspect makes no trial of whether media arrive"
UNTRIED = (
    "Nobody tried whether {} arrived at the target: where a provider drops media, an answer that asks for them may be"
    " counted as refused or safe."
)


def report_log(
    path: Path,
    calibration: Path | str | None = None,
    *,
    margin: float = 0.05,
    draws: int = 2000,
    seed: int | None = None,
) -> Report:
    """As `reporting.report`, for a log of `safebench/run`; both files go to a folder beside the log, named after it.

    With media the summary's notice says that nobody tried whether they arrive.

    Raises MissingPackage where inspect is not installed, and BadInput for a file that is no log of this task.
    """
    if importlib.util.find_spec("inspect_ai") is None:
        raise MissingPackage(f"{path}: a log of inspect", ["inspect_ai"], "inspect")
    with TemporaryDirectory() as place:
        folder = Path(place, path.stem)
        with _of_our_form(path):
            _as_run(path, folder)
        summary = _with_warning(report(folder, calibration, margin=margin, draws=draws, seed=seed).summary)
        beside = path.with_suffix("")
        beside.mkdir(exist_ok=True)
        shutil.copyfile(folder / ITEMS_FILE, beside / ITEMS_FILE)
        write_summary(beside, summary)
    return Report(beside, summary)


@contextmanager
def _of_our_form(path: Path) -> Iterator[None]:
    """Raises BadInput where the log tells things otherwise than this version writes them."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"{type(error).__name__}: {error}"
        raise BadInput(f"{path} was written by another version, or changed ({why}): run the task again") from error


def _with_warning(summary: Summary) -> Summary:
    """Inspect makes no preflight: of media nobody knows whether they arrived."""
    untried = [one.medium for one in summary.deliveries]
    if not untried:
        return summary
    notices = (summary.run.notice, UNTRIED.format(" and ".join(untried)))
    return replace(summary, run=replace(summary.run, notice=" ".join(filter(None, notices))))


@dataclass(frozen=True, slots=True)
class _Ended:
    """One sample of a log, without its media."""

    item: Item
    metadata: dict[str, Any]
    ending: Ending
    response: Response
    ballots: list[dict[str, Any]]
    exchanges: list[dict[str, Any]]  # the jurors' calls


def _as_run(path: Path, folder: Path) -> None:
    log, asked = _header(path)
    epochs = log.eval.config.epochs or 1
    ended = list(_samples(path))
    there = {one.item.key for one in ended}
    planned = [item for id in log.eval.dataset.sample_ids or [] for item in _items(str(id), epochs)]
    folder.mkdir()
    write_toml(folder / RUN_FILE, {**asked, "target": f"inspect:{log.eval.model}", "repeats": epochs})
    with Store(folder) as store:
        missing = (item for item in planned if item.key not in there)  # their queries are not in the log
        categories = taxonomy_in(asked[RESOLVED]).category_of
        store.plan((one.item.query for one in ended), categories, [*(o.item for o in ended), *missing])
        ids = item_ids(store)
        media = dict.fromkeys(item.condition.medium for item in [*(o.item for o in ended), *planned])
        store.keep_deliveries([Delivery(medium, "unknown", WHY).describe() for medium in media if medium != TEXT])
        for one in ended:
            _keep(store, ids[one.item.key], one)


def _header(path: Path) -> tuple[EvalLog, dict[str, Any]]:
    from inspect_ai.log import read_eval_log

    from safebench.bridges.inspect.task import ASKED

    try:
        log = read_eval_log(path, header_only=True)
    except Exception as error:
        raise BadInput(f"{path} is no log that inspect can read: {type(error).__name__}: {error}") from error
    if ASKED not in (log.eval.metadata or {}):
        raise BadInput(f"{path} is a log of the task {log.eval.task!r}, not of safebench/run")
    return log, log.eval.metadata[ASKED]


def _samples(path: Path) -> Iterator[_Ended]:
    from inspect_ai.log import read_eval_log_samples

    samples = read_eval_log_samples(path, all_samples_required=False, resolve_attachments=True)
    yield from map(_ended, samples)


def _ended(sample: EvalSample) -> _Ended:
    from safebench.bridges.inspect.messages import response_of
    from safebench.bridges.inspect.samples import query_of
    from safebench.bridges.inspect.scoring import EXCHANGE, JURY, ended_before

    response = response_of(sample.output)
    score = (sample.scores or {}).get(JURY)
    judged = (score.metadata or {}) if score else {}
    problem = sample.error.message if sample.error else "no jury judged it"
    if score:
        ending = Ending(Outcome(judged["outcome"]), score.explanation or "", judged["rating"])
    else:
        ending = ended_before(sample.metadata, response) or Ending(Outcome.UNDECIDED, problem)
    if ending.outcome is Outcome.NO_ANSWER and sample.error:
        ending = Ending(ending.outcome, problem)
    events = (event for event in sample.events if event.event == "info" and event.source == EXCHANGE)
    item = Item(query_of(sample.metadata), Condition.parse(sample.metadata["condition"]), sample.epoch - 1)
    return _Ended(item, sample.metadata, ending, response, judged.get("ballots", []), [e.data for e in events])


def _items(id: str, epochs: int) -> Iterator[Item]:
    query, _, condition = id.rpartition("/")
    for repeat in range(epochs):
        yield Item(Query(query, ""), Condition.parse(condition), repeat)


def _keep(store: Store, id: int, one: _Ended) -> None:
    rendering = key = None
    if one.metadata["rendering"] is not None:
        fields = dict(one.metadata["rendering"])
        rendering = fields.pop("key")
        store.record_rendering(one.item.query, rendering_from(rendering, fields, store.find))
    if one.metadata["request"] is not None:
        key = f"{id}/target"
        store.keep_exchange(key, id, Purpose("target"), {"request": one.metadata["request"]}, one.response)
    for call in one.exchanges:
        answered = response_from(call["key"], call["response"], store.find)
        store.keep_exchange(call["key"], id, Purpose(**call["purpose"]), call["request"], answered)
    ballots = [ballot_from({**ballot, "exchanges": compact(ballot["exchanges"])}) for ballot in one.ballots]
    store.keep_outcome(id, one.ending.outcome, one.ending.reason, one.ending.rating, rendering, key, ballots)
