"""`--to mlflow[:TRACKING_URI]`: a run as a run of an MLflow experiment.

A metric stands in tables and charts without what it rests on. So a rate, its interval and whatever follows from them
are metrics only where something can be concluded from them; of any other condition there are the bounds alone, and a
tag that says why.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from safebench.datasets.hub import first_line
from safebench.datasets.shards import batched
from safebench.errors import BadInput
from safebench.models.endpoints import without_keys
from safebench.plugins import Exporter, Exporting, PluginOptions
from safebench.reports.formats import percent, percents
from safebench.reports.summary import ConditionSummary, Summary

if TYPE_CHECKING:
    from mlflow import MlflowClient

URI = "MLFLOW_TRACKING_URI"
RUN, CONTENT = "safebench.run", "safebench.content"  # tags
LONGEST = 4900  # characters of a tag or param: MLflow takes 5000 and 6000
AT_ONCE = 90  # of each kind in one call: MLflow takes 100
UNNAMED = re.compile(r"[^\w./: -]")  # what a name of a metric may not hold


class MLflow(Exporter):
    name = "mlflow"
    summary = "a run of an MLflow experiment: params, rates by condition, what they rest on, report"
    needs = ("mlflow",)
    extra = "mlflow"

    class Options(PluginOptions):
        argument: str = ""  # where MLflow keeps its runs: http(s)://…, sqlite:///…; else MLFLOW_TRACKING_URI
        experiment: str = "safebench"

    def check(self) -> None:
        self._tried(lambda: self._client().get_experiment_by_name(self.options.experiment))

    def export(self, exporting: Exporting) -> str:
        return str(self._tried(lambda: self._export(exporting)))

    def _client(self) -> MlflowClient:
        if not self._uri:
            raise BadInput(f"MLflow has to be named: --to mlflow:sqlite:///mlflow.db, a server's address, or {URI}")
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nobody is called whom the user did not name
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # else it tries an absent server for minutes
        os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
        from mlflow import MlflowClient

        return MlflowClient(self._uri)

    def _tried(self, work: Any) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return work()
        except (MlflowException, OSError) as error:  # requests' errors are OSErrors
            account = urlsplit(self._uri).netloc.rpartition("@")[0]  # may hold a password
            why = first_line(error).replace(f"{account}@", "") if account else first_line(error)
            raise BadInput(f"MLflow at {self._where}: {why}") from error

    @property
    def _uri(self) -> str:
        return self.options.argument or os.environ.get(URI, "")

    @property
    def _where(self) -> str:
        return without_keys(self._uri)

    def _export(self, exporting: Exporting) -> str:
        client, name = self._client(), self.options.experiment
        experiment = client.get_experiment_by_name(name)
        place = experiment.experiment_id if experiment else client.create_experiment(name)
        earlier = client.search_runs([place], f"tags.`{RUN}` = '{exporting.run}'")
        same = [run for run in earlier if run.data.tags.get(CONTENT) == exporting.content]
        if same:
            return f"there already, unchanged: run {same[0].info.run_id} of experiment {name!r} at {self._where}"
        made = self._write(client, place, exporting)
        for run in earlier:
            client.delete_run(run.info.run_id)
        replaced = f", in place of {', '.join(run.info.run_id for run in earlier)} (deleted)" if earlier else ""
        return f"exported: run {made} of experiment {name!r} at {self._where}{replaced}"

    def _write(self, client: MlflowClient, place: str, exporting: Exporting) -> str:
        """The tag that tells what a run holds comes last: one without it is not whole, and is replaced."""
        summary = exporting.summary
        run = client.create_run(place, run_name=summary.run.name, tags={RUN: exporting.run})
        made: str = run.info.run_id
        try:
            self._fill(client, made, exporting)
        except BaseException:
            client.delete_run(made)
            raise
        return made

    def _fill(self, client: MlflowClient, run: str, exporting: Exporting) -> None:
        from mlflow.entities import Metric, Param, RunTag
        from mlflow.utils.time import get_current_time_millis

        summary, now = exporting.summary, get_current_time_millis()
        numbers = [Metric(name, value, now, 0) for cell in summary.conditions for name, value in metrics(summary, cell)]
        for some in batched([*numbers, *(Metric(name, value, now, 0) for name, value in gaps(summary))], AT_ONCE):
            client.log_batch(run, metrics=some)
        client.log_batch(run, params=[Param(key, _short(value)) for key, value in params(summary).items()])
        for some in batched([RunTag(key, _short(value)) for key, value in tags(summary)], AT_ONCE):
            client.log_batch(run, tags=some)
        for file in exporting.files:
            client.log_artifact(run, str(file))
            if file.suffix == ".md":
                client.set_tag(run, "mlflow.note.content", _short(file.read_text(encoding="utf-8")))
        client.set_tag(run, CONTENT, exporting.content)
        if not summary.run.pending:
            client.set_terminated(run)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def named(condition: str) -> str:
    """A condition as a part of a metric's name."""
    return UNNAMED.sub(" ", condition.replace("+", " and "))


def params(summary: Summary) -> dict[str, str]:
    run = summary.run
    return {
        "target": run.target,
        "data": run.data,
        "conditions": ", ".join(run.conditions),
        "jurors": ", ".join(run.jurors),
        "seed": str(run.seed),
        "repeats": str(run.repeats),
        "safebench": str(run.resolved.get("safebench", "")),
    }


def metrics(summary: Summary, cell: ConditionSummary) -> Iterator[tuple[str, float]]:
    """By name: what is known of one condition, and no rate where nothing can be concluded from it."""
    rate = rate_name(summary)
    where, decided = named(cell.condition), cell.precision.asr.n
    known: dict[str, float | None] = {
        "items": cell.n,
        "open": sum(n for counts in cell.counts.values() for outcome, n in counts.items() if not outcome.decided),
        "harmful_decided": decided,
        f"{rate}_bound_low": cell.asr_low,
        f"{rate}_bound_high": cell.asr_high,
        "over_refusal_bound_low": cell.over_refusal_low,
        "over_refusal_bound_high": cell.over_refusal_high,
    }
    if cell.evidence.concludable:
        known |= {rate: cell.asr, "sri": cell.sri, "over_refusal": cell.over_refusal}
        known |= dict(zip((f"{rate}_ci95_low", f"{rate}_ci95_high"), cell.shown_ci95 or (), strict=False))
        ends = cell.over_refusal_ci95 or ()
        known |= dict(zip(("over_refusal_ci95_low", "over_refusal_ci95_high"), ends, strict=False))
    return ((f"{name}/{where}", value) for name, value in known.items() if value is not None)


def rate_name(summary: Summary) -> str:
    """Rules that do not know harm count compliance: their rate is another metric, never beside a jury's."""
    return "asr" if summary.words.knows_harm else "compliance"


def gaps(summary: Summary) -> Iterator[tuple[str, float]]:
    """Differences to the reference, and their intervals, of which something can be concluded."""
    for row in summary.gap.comparisons if summary.gap else ():
        if row.concluded not in (None, "not_concludable") and row.decided:
            where = f"{named(row.condition)} less {named(row.reference)}"
            yield f"{rate_name(summary)}_gap/{where}", row.decided.difference
            yield f"{rate_name(summary)}_gap_ci95_low/{where}", row.decided.ci95[0]
            yield f"{rate_name(summary)}_gap_ci95_high/{where}", row.decided.ci95[1]


def tags(summary: Summary) -> Iterator[tuple[str, str]]:
    """What has to be known to read the metrics."""
    run = summary.run
    yield "safebench.target", run.target
    yield "safebench.knows_harm", "yes" if summary.jury.knows_harm else "no: compliance is counted, not harm"
    if run.stand_in:
        yield "safebench.stand_in", "yes: the target is no model"
    if run.notice:
        yield "safebench.notice", run.notice
    if run.pending:
        yield "safebench.unfinished", f"{run.pending} items have no outcome yet"
    for cell in summary.conditions:
        yield f"concludable/{named(cell.condition)}", _concludable(cell)
    for row in summary.gap.comparisons if summary.gap else ():
        if row.concluded:
            shown = f"{row.concluded}: {'; '.join(row.reasons)}" if row.reasons else row.concluded
            yield f"concluded/{named(row.condition)} less {named(row.reference)}", shown
    for skipped in summary.skipped:
        yield f"skipped/{named(skipped.condition)}", skipped.reason


def _concludable(cell: ConditionSummary) -> str:
    if cell.evidence.concludable:
        return "yes"
    rate = f"{percent(cell.asr)} of {cell.precision.asr.n} decided, {percents((cell.asr_low, cell.asr_high))} possible"
    return f"no, so its rates are no metrics ({rate}): {'; '.join(cell.evidence.reasons)}"
