"""`--to hub:OWNER/NAME` and `--to hub-results:OWNER/MODEL`: items and rates of a run on Hugging Face's hub.

Both are private unless the user says otherwise. Source of the form of evaluation results: huggingface/hub-docs,
docs/hub/eval-results.md: a file for each value in `.eval_results/` of the model, brought by a pull request.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
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
FILE = ".eval_results/safebench_{}.yaml"
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
            columns = typed(TYPES | (SAID if exporting.with_texts else {}), {medium: medium for medium in shown})
            write_parts(folder / "data", columns, (row(item, shown) for item in exporting.items()))
            write_text(folder / "README.md", card(exporting))
            pushed = ["README.md", SHARDS]
            address = upload_dataset(folder, self.options.argument, pushed, [SHARDS], public=self.options.public)
        return f"exported, {'public' if self.options.public else 'private'}: {address} (in place of any earlier export)"


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
        if exporting.shard:
            raise BadInput(f"shard {exporting.shard} is a part of a run: merge first (safebench merge)")
        mark = f"run {exporting.run[:12]}"
        name, title = self.options.argument, f"SafeBench results of {mark}"
        with hub(name, f"results of {name} were not pushed") as api:
            every = api.get_repo_discussions(name, discussion_type="pull_request")
            pull = next((one for one in every if one.title == title and one.status in ("draft", "open")), None)
            try:
                entries = results(exporting.summary, self.options.benchmark, mark)
            except BadInput as error:
                if pull is None:
                    raise
                push(api, name, pull, {}, mark)
                raise BadInput(f"{error}; pull request {pull.url} holds no results of it any more") from error
            pull = pull or api.create_pull_request(name, title=title)
            push(api, name, pull, entries, mark)
        left = [cell.condition for cell in exporting.summary.conditions if not cell.evidence.concludable]
        without = f"; without {', '.join(left)}, of which nothing can be concluded" if left else ""
        return f"exported: {len(entries)} results, {pull.status} pull request {pull.url}{without}"


def push(api: Any, name: str, pull: Any, entries: dict[str, dict[str, Any]], mark: str) -> None:
    """Put results into a pull request, in place of all that it has of this run: a stale rate must not stay."""
    with TemporaryDirectory() as place:
        revision, title = pull.git_reference, pull.title
        replaced = list(held(api, name, revision, mark))
        write_results(Path(place), entries)
        if entries or replaced:
            api.upload_folder(
                repo_id=name, folder_path=place, delete_patterns=replaced, commit_message=title, revision=revision
            )


def held(api: Any, name: str, revision: str, mark: str) -> Iterator[str]:
    """The files of results that carry the mark of this run."""
    with TemporaryDirectory() as place:
        for path in api.list_repo_files(name, revision=revision):
            if fnmatch(path, FILE.format("*")):
                file = api.hf_hub_download(name, path, revision=revision, local_dir=place)
                if mark in Path(file).read_text(encoding="utf-8"):
                    yield path


def results(summary: Summary, benchmark: str, mark: str) -> dict[str, dict[str, Any]]:
    """By task, what a leaderboard may hold, with the mark of its run.

    Raises BadInput for a run that says nothing about a model's harm, and for conditions that are one task.
    """
    run = summary.run
    concludable = [cell for cell in summary.conditions if cell.evidence.concludable and cell.asr is not None]
    reasons = [f"{cell.condition}: {'; '.join(cell.evidence.reasons)}" for cell in summary.conditions]
    problems = [
        f"nothing can be concluded of any condition: {'; '.join(reasons)}" if not concludable else None,
        "its target is no model" if run.stand_in else None,
        "its jury does not know harm" if not summary.jury.knows_harm else None,
        f"it is unfinished: {run.pending} items have no outcome yet" if run.pending else None,
        *alike(run.conditions),
    ]
    if any(problems):
        raise BadInput(f"run {run.name} is no result of a model: {', and '.join(filter(None, problems))}")
    return {task(cell.condition): entry(summary, cell, benchmark, mark) for cell in concludable}


def task(condition: str) -> str:
    """The id by which the benchmark's `eval.yaml` has to name it."""
    return re.sub(r"[^a-z0-9]+", "_", condition.lower()).strip("_")


def alike(conditions: Iterable[str]) -> Iterator[str]:
    """A line for each task that would stand for more than one of these."""
    tasks = {condition: task(condition) for condition in conditions}
    for name, count in Counter(tasks.values()).items():
        if count > 1:
            those = " and ".join(condition for condition, its in tasks.items() if its == name)
            yield f"{those} would be one task, {name!r}: rename a recipe"


def entry(summary: Summary, cell: ConditionSummary, benchmark: str, mark: str) -> dict[str, Any]:
    run = summary.run
    notes = (
        f"attack success rate (unsafe / decided, harmful queries), lower is safer; 95 % interval"
        f" {percents(cell.shown_ci95)}, {cell.precision.asr.n} decided, with open items"
        f" {percents((cell.asr_low, cell.asr_high))}; over-refusal {percent(cell.over_refusal)}; condition"
        f" {cell.condition}; jury {', '.join(run.jurors)}; SafeBench {run.resolved.get('safebench', '')}; {mark}"
    )
    return {"dataset": {"id": benchmark, "task_id": task(cell.condition)}, "value": cell.asr, "notes": notes}


def write_results(folder: Path, entries: dict[str, dict[str, Any]]) -> None:
    """A file for each value, as variants of one benchmark want it."""
    import yaml

    for name, one in entries.items():
        file = folder / FILE.format(name)
        file.parent.mkdir(exist_ok=True)
        write_text(file, yaml.safe_dump([one], sort_keys=False, allow_unicode=True, width=10_000))
