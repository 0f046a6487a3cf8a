"""`safebench export`: a run's results, given to an exporter. Texts and media go out only where the user asked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic_core import to_jsonable_python

from safebench import registry
from safebench.bridges.withholding import in_all_texts, without_reasons
from safebench.datasets.cutting import KEY as SHARD
from safebench.plugins import Exporter, Exporting
from safebench.reports.formats import without_paths
from safebench.reports.gate_files import write_markdown
from safebench.reports.summary import ITEMS_FILE, SUMMARY_FILE, Summary, measure, write_items, write_summary
from safebench.runs.config import RESOLVED
from safebench.runs.folder import read_run_file
from safebench.runs.rejudge import ANSWERS_OF
from safebench.serialisation import compact, read_json, response_from
from safebench.store.exchanges import first_call, recorded_calls
from safebench.store.items import table_rows
from safebench.store.store import Store
from safebench.types import ExportedCall, ExportedItem, Failure, Intent, Outcome, Purpose, Response

REPORT_FILE = "report.md"
OWNER = ("target", "jury", "seed", "jury_seed", SHARD)  # of a run file: what makes it this run, with its first call


def export(
    folder: Path | str,
    to: str,
    *,
    options: Mapping[str, Any] | None = None,
    with_texts: bool = False,
    calibration: Path | str | None = None,
) -> str:
    """Give a run, finished or not, to the exporter `to`, NAME[:ARGUMENT]; what came of it.

    `options`: of the exporter, beside its argument. `with_texts`: queries, answers and media go out, too. Nothing is
    written into the folder. Raises BadInput when it is no run, for an exporter that is not known or cannot reach where
    it should export to, and MissingPackage.
    """
    folder = Path(folder)
    asked = read_run_file(folder)
    exporter = registry.create(Exporter, to.partition(":")[0], "export", **registry.argument_of(to), **(options or {}))
    exporter.check()
    summary = _private(measure(folder, calibration), with_texts)
    with Store(folder, readonly=True) as store, TemporaryDirectory() as place:
        return exporter.export(
            Exporting(
                run=_identity(asked, store),
                content=_digest([to_jsonable_python(summary), with_texts, exporter.version]),
                summary=summary,
                items=partial(_items, store, with_texts),
                calls=partial(_calls, store, with_texts),
                files=_files(Path(place), summary, store, with_texts),
                with_texts=with_texts,
                shard=asked.get(SHARD),
            )
        )


def _private(summary: Summary, with_texts: bool) -> Summary:
    if not with_texts:
        summary = in_all_texts(summary, without_reasons(summary.deliveries))
    cleaned: Summary = in_all_texts(summary, without_paths)
    return cleaned


def _identity(asked: Mapping[str, Any], store: Store) -> str:
    """Answers that were judged again have the calls of the first run, and its seed and jury perhaps."""
    rejudged = [first_call(store, "jury")] if ANSWERS_OF in asked[RESOLVED] else []
    return _digest([*(asked.get(key) for key in OWNER), first_call(store), *rejudged])


def _digest(value: Any) -> str:
    return hashlib.sha256(compact(value).encode("utf-8", "replace")).hexdigest()[:32]


def _files(place: Path, summary: Summary, store: Store, with_texts: bool) -> tuple[Path, ...]:
    """Summary and report as numbers alone; the items, which are texts, where these go out."""
    write_summary(place, summary)
    write_markdown(place / REPORT_FILE, summary, (), None)
    if with_texts:
        write_items(place / ITEMS_FILE, store)
    names = (REPORT_FILE, SUMMARY_FILE, *((ITEMS_FILE,) if with_texts else ()))
    return tuple(place / name for name in names)


def _items(store: Store, with_texts: bool) -> Iterator[ExportedItem]:
    for row in table_rows(store):
        texts = {}
        if with_texts:
            media = store.find(read_json(row["media"])) if row["media"] else None
            texts = {"query": row["query"], "answer": row["answer"], "reason": row["reason"], "media": media}
        yield ExportedItem(
            number=row["item"],
            query_id=row["query_id"],
            intent=Intent(row["intent"]),
            outcome=Outcome(row["outcome"]) if row["outcome"] else None,
            fidelity=row["fidelity_status"],
            **{key: row[key] for key in ("scenario", "category", "twin", "language", "condition", "repeat", "rating")},
            **texts,
        )


def _calls(store: Store, with_texts: bool) -> Iterator[ExportedCall]:
    for call in recorded_calls(store):
        response = response_from(call.key, call.response, store.find)
        request = call.request.get("request", {})
        seconds = sum(attempt.seconds + attempt.waited for attempt in response.attempts)
        purpose = Purpose(call.role, call.juror, call.round, call.number)  # type: ignore[arg-type]
        yield ExportedCall(
            key=call.key,
            item=call.item,
            purpose=in_all_texts(purpose, without_paths),
            target=in_all_texts(call.request.get("target", {}), without_paths),
            form=request.get("form", "chat"),
            started=call.at - seconds,
            ended=call.at,
            response=_named(response if with_texts else _without_texts(response)),
            messages=tuple(request.get("messages", ())) if with_texts else (),
        )


def _named(response: Response) -> Response:
    """Servers of one's own name a model by where it lies."""
    return replace(response, model=in_all_texts(response.model, without_paths))


def _without_texts(response: Response) -> Response:
    """What says how the call went: errors, and what a server counts, may hold what it was sent."""
    failure = response.failure
    return Response(
        status=response.status,
        finish=response.finish,
        model=response.model,
        usage=_numbers(response.usage),
        attempts=tuple(replace(attempt, error=None) for attempt in response.attempts),
        failure=Failure(failure.component, failure.type, "") if failure else None,
        key=response.key,
    )


def _numbers(usage: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: _numbers(value) if isinstance(value, Mapping) else value for name, value in usage.items()}
    return {name: value for name, value in kept.items() if isinstance(value, int | float | dict)}
