"""`--to hub:OWNER/NAME` and `--to hub-results:OWNER/MODEL`: items and rates of a run on Hugging Face's hub.

Both are private unless the user says otherwise. Source of the form of evaluation results: huggingface/hub-docs,
docs/hub/eval-results.md: a file for each value in `.eval_results/` of the model, brought by a pull request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from safebench.datasets.hub import PACKAGE, hub, upload_dataset
from safebench.datasets.shards import typed, write_parts
from safebench.errors import BadInput
from safebench.files import write_text
from safebench.plugins import Exporter, Exporting, PluginOptions
from safebench.reports.formats import percent, percents
from safebench.reports.summary import ConditionSummary, Summary
from safebench.types import TEXT, Condition, ExportedItem

SHARDS = "data/train-*.parquet"
RESULTS = ".eval_results"
CARD = """---
pretty_name: {name}
tags:
- safebench
- not-for-all-audiences
configs:
- config_name: default
  data_files: data/train-*.parquet
---
Items of a run of SafeBench. {held}

"""
TEXTS = "Among the queries are harmful ones, and among the answers may be such as do the harm that they ask for."
NO_TEXTS = "It holds no texts of queries or answers, and no media."
TYPES = {
    **dict.fromkeys(("query_id", "intent", "category", "scenario", "twin", "language", "condition"), "string"),
    "repeat": "int32",
    "outcome": "string",
    "rating": "int32",
    "fidelity": "string",
}
SAID = dict.fromkeys(("query", "answer", "reason"), "string")  # columns with texts


class Hub(Exporter):
    name = "hub"
    summary = "items of a run as a data set of Hugging Face's hub, with media to see and hear: hub:OWNER/NAME"
    needs = (PACKAGE,)
    extra = "hub"

    class Options(PluginOptions):
        argument: str = ""  # OWNER/NAME
        public: bool = False  # everybody may see it

    def check(self) -> None:
        with hub(self.options.argument, f"data set {self.options.argument} cannot be reached") as api:
            api.whoami()

    def export(self, exporting: Exporting) -> str:
        with TemporaryDirectory() as place:
            folder = Path(place)
            shown = media(exporting.summary) if exporting.with_texts else []
            columns = typed(TYPES | (SAID if exporting.with_texts else {}), shown)
            write_parts(folder / "data", columns, (row(item, shown) for item in exporting.items()))
            write_text(folder / "README.md", card(exporting))
            pushed = ["README.md", SHARDS]
            address = upload_dataset(folder, self.options.argument, pushed, [SHARDS], public=self.options.public)
        return f"exported, {'public' if self.options.public else 'private'}: {address} (in place of an earlier export)"


def media(summary: Summary) -> list[str]:
    """Those that the conditions put queries in."""
    return sorted({Condition.parse(name).medium for name in summary.run.conditions} - {TEXT})


def row(item: ExportedItem, shown: Iterable[str]) -> dict[str, Any]:
    values = {name: getattr(item, name) for name in (*TYPES, *SAID)}
    for medium in shown:
        is_there = item.media is not None and item.media.medium == medium
        values[medium] = {"bytes": item.media.read(), "path": None} if item.media and is_there else None
    return values


def card(exporting: Exporting) -> str:
    """What a reader of the data set has to know: the report, and what it holds."""
    report = next(file for file in exporting.files if file.suffix == ".md").read_text(encoding="utf-8")
    name = re.sub(r"[^\w .-]", " ", f"SafeBench {exporting.summary.run.name}")
    return CARD.format(name=name, held=TEXTS if exporting.with_texts else NO_TEXTS) + report


class HubResults(Exporter):
    name = "hub-results"
    summary = "rates of a run as evaluation results of a model on Hugging Face's hub: hub-results:OWNER/MODEL"
    needs = (PACKAGE, "yaml")
    extra = "hub"

    class Options(PluginOptions):
        argument: str = ""  # OWNER/MODEL
        benchmark: str = ""  # OWNER/NAME of the data set that has the leaderboard
        public: bool = False  # the model is public, and so are the results

    def check(self) -> None:
        name, benchmark = self.options.argument, self.options.benchmark
        if benchmark.count("/") != 1:
            raise BadInput("results on the hub belong to a benchmark there: --option benchmark=OWNER/NAME")
        with hub(name, f"model {name} cannot be reached") as api:
            if not self.options.public and not api.repo_info(name).private:
                raise BadInput(f"model {name} is public, and so its results would be: --option public=true")

    def export(self, exporting: Exporting) -> str:
        entries = results(exporting.summary, self.options.benchmark)
        name, title = self.options.argument, f"SafeBench results of run {exporting.run[:12]}"
        with hub(name, f"results of {name} were not pushed") as api, TemporaryDirectory() as place:
            write_results(Path(place), entries)
            every = api.get_repo_discussions(name, discussion_type="pull_request")
            earlier = (one for one in every if one.title == title and one.status in ("draft", "open"))
            pull = next(earlier, None) or api.create_pull_request(name, title=title)
            api.upload_folder(repo_id=name, folder_path=place, commit_message=title, revision=pull.git_reference)
        left = [cell.condition for cell in exporting.summary.conditions if not cell.evidence.concludable]
        without = f"; without {', '.join(left)}, of which nothing can be concluded" if left else ""
        return f"exported: {len(entries)} results, {pull.status} pull request {pull.url}{without}"


def results(summary: Summary, benchmark: str) -> dict[str, dict[str, Any]]:
    """By task, what a leaderboard may hold. Raises BadInput for a run that says nothing about a model's harm."""
    run = summary.run
    concludable = [cell for cell in summary.conditions if cell.evidence.concludable and cell.asr is not None]
    reasons = [f"{cell.condition}: {'; '.join(cell.evidence.reasons)}" for cell in summary.conditions]
    problems = [
        f"nothing can be concluded of any condition: {'; '.join(reasons)}" if not concludable else None,
        "its target is no model" if run.stand_in else None,
        "its jury does not know harm" if not summary.jury.knows_harm else None,
        f"it is unfinished: {run.pending} items have no outcome yet" if run.pending else None,
    ]
    if any(problems):
        raise BadInput(f"run {run.name} is no result of a model: {', and '.join(filter(None, problems))}")
    return {task(cell.condition): entry(summary, cell, benchmark) for cell in concludable}


def task(condition: str) -> str:
    """The id by which the benchmark's `eval.yaml` has to name it."""
    return re.sub(r"[^a-z0-9]+", "_", condition.lower()).strip("_")


def entry(summary: Summary, cell: ConditionSummary, benchmark: str) -> dict[str, Any]:
    run = summary.run
    notes = (
        f"attack success rate (unsafe / decided, harmful queries), lower is safer; 95 % interval"
        f" {percents(cell.shown_ci95)}, {cell.precision.asr.n} decided, with open items"
        f" {percents((cell.asr_low, cell.asr_high))}; over-refusal {percent(cell.over_refusal)}; condition"
        f" {cell.condition}; jury {', '.join(run.jurors)}; SafeBench {run.resolved.get('safebench', '')}"
    )
    return {"dataset": {"id": benchmark, "task_id": task(cell.condition)}, "value": cell.asr, "notes": notes}


def write_results(folder: Path, entries: dict[str, dict[str, Any]]) -> None:
    """A file for each value, as variants of one benchmark want it."""
    import yaml

    (folder / RESULTS).mkdir()
    for name, one in entries.items():
        text = yaml.safe_dump([one], sort_keys=False, allow_unicode=True, width=10_000)
        write_text(folder / RESULTS / f"safebench_{name}.yaml", text)
