"""`safebench run`, `quickstart` and `report`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from safebench.cli import options
from safebench.cli.data import Encoding, Language, TextColumn
from safebench.cli.jury import JuryModels
from safebench.cli.options import errors, notes, output, placed
from safebench.cli.release_gate import FailOver, GateFiles, JUnitFile, MarkdownFile, Point, WorseThan, hold, read_gate
from safebench.errors import BadInput
from safebench.files import keep_private, read_toml

if TYPE_CHECKING:
    from safebench.bridges.ray.placing import Placement
    from safebench.reports.release_gate import ReleaseGate
    from safebench.reports.summary import Summary
    from safebench.runs.config import RunConfig
    from safebench.runs.run import RunResult


def quickstart(
    condition: options.Conditions = None,
    full: Annotated[bool, typer.Option("--full", help="All 230 starter queries, not only 10.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of the run.")] = Path("runs/quickstart"),
    workers: options.WorkerCount = None,
) -> int:
    """Run the whole pipeline offline: starter set, embedded renderers, reference target, embedded jury."""
    from safebench.reports.release_gate import ReleaseGate
    from safebench.runs.quickstart import NEXT, quickstart_config, wanting

    config = quickstart_config(condition, out, full=full, workers=workers)
    notes.print("getting ready: some seconds until the first items", highlight=False)
    status = _run_and_show(config, ReleaseGate(), GateFiles(), retry_failed=False)
    for line in wanting(config):
        output.print(f"{line}. Until then these numbers are partly about the media, not the target", soft_wrap=True)
    output.print(NEXT, soft_wrap=True)
    return status


def run(
    config: Annotated[Path | None, typer.Argument(help="A run file or a shipped study; options win.")] = None,
    data: Annotated[
        str | None, typer.Option(help="Built-in name, CSV, JSONL or Parquet file, or converted folder.")
    ] = None,
    condition: options.Conditions = None,
    wording: options.Wordings = None,
    target: Annotated[
        str | None, typer.Option(help="openai:MODEL, transformers:MODEL, … or a name of `safebench list targets`.")
    ] = None,
    jury: Annotated[
        str | None,
        typer.Option(help="A name of `safebench jury list`, or a jury file; `embedded` if not given: no idea of harm."),
    ] = None,
    jury_model: JuryModels = None,
    calibration: options.CalibrationFile = None,
    out: Annotated[str | None, typer.Option(help="Folder of the run; the same again continues it.")] = None,
    minibench: options.Minibench = False,
    intent: options.OnlyIntent = None,
    limit: options.Limit = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="Times that every item is asked.")] = None,
    shard: options.ShardNumber = None,
    executor: options.ExecutorName = None,
    shards: options.ShardCount = None,
    address: options.Address = None,
    gpus_per_shard: options.GPUs = None,
    shared: options.Shared = None,
    concurrency: options.Concurrency = None,
    family: Annotated[str | None, typer.Option(help="Of the target's endpoint: `safebench list families`.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Of the target's endpoint; else OPENAI_BASE_URL.")] = None,
    api_key_env: Annotated[str | None, typer.Option(help="Variable that holds the target's key.")] = None,
    accepts: Annotated[str | None, typer.Option(help="Media that the target takes, e.g. text,image.")] = None,
    target_option: options.TargetOptions = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds for one attempt.")] = None,
    retries: Annotated[int | None, typer.Option(min=0, help="Further attempts after a failed one.")] = None,
    text_column: TextColumn = None,
    encoding: Encoding = None,
    language: Language = None,
    recipes: options.RecipesFile = None,
    seed: options.Seed = None,
    check_share: options.CheckShare = None,
    recogniser: options.Recognisers = None,
    workers: options.WorkerCount = None,
    probe: options.ProbedShare = None,
    probe_form: Annotated[
        str | None, typer.Option(help="repeat, choose (one of four), or auto: what the target can do with text.")
    ] = None,
    no_preflight: Annotated[bool, typer.Option("--no-preflight", help="Do not try whether media arrive.")] = False,
    max_open: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of open items that is still exit 0.")
    ] = None,
    allow_skips: Annotated[bool, typer.Option("--allow-skips", help="Exit 0 though cells were skipped.")] = False,
    allow_unproven: options.AllowUnproven = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what failed: calls, renderings, transcripts.")
    ] = False,
    private: options.Private = False,
    dry_run: options.DryRun = False,
    fail_over: FailOver = None,
    fail_if_worse_than: WorseThan = None,
    point: Point = False,
    junit: JUnitFile = None,
    markdown: MarkdownFile = None,
    prices: options.PricesFile = None,
    max_cost: options.MaxCost = None,
    max_calls: options.MaxCalls = None,
) -> int:
    """Put queries to a target under several conditions and let a jury judge the answers."""
    from safebench.runs.config import make_config

    files = GateFiles() if dry_run else GateFiles(junit, markdown)
    gate = read_gate(fail_over, fail_if_worse_than, files, point=point)
    given: dict[str, Any] = {
        "data": data, "conditions": condition, "target": target, "jury": jury, "out": out, "limit": limit,
        "wordings": wording,
        "jury_models": jury_model, "calibration": str(calibration) if calibration else None,
        "repeats": repeats, "seed": seed, "concurrency": concurrency, "base_url": base_url, "timeout": timeout,
        "family": family, "shard": shard,
        "api_key_env": api_key_env, "retries": retries, "text_column": text_column, "check_share": check_share,
        "encoding": encoding, "language": language, "minibench": minibench or None, "intent": intent,
        "max_cost": max_cost, "max_calls": max_calls, "prices": str(prices) if prices else None,
        "recipes": str(recipes) if recipes else None,
        "workers": workers, "max_open": max_open,
        "recognisers": recogniser, "probe": probe, "probe_form": probe_form,
        "preflight": False if no_preflight else None, "allow_unproven": allow_unproven or None,
        "allow_skips": allow_skips or None, "accepts": accepts.split(",") if accepts else None,
    }  # fmt: skip
    read = in_its_folder(run_file(config)) if config else {}
    values = read | {key: value for key, value in given.items() if value is not None and value != []}
    if target_option:
        values["options"] = with_options(values.get("options", {}), target_option, "--target-option")
    missing = [f"--{_option(key)}" for key in ("data", "conditions", "target", "out") if key not in values]
    if missing:
        raise typer.BadParameter(f"missing {', '.join(missing)} (or a run file that says it)")
    asked = make_config(str(config or "command line"), **values)
    gate.check_planned(asked)
    alone = {"--shard": asked.shard, "--retry-failed": retry_failed}
    place = placed(executor, shards, address, gpus_per_shard, shared, private=private, alone=alone)
    if dry_run:
        return _plan_and_show(asked)
    if private:
        keep_private(Path(asked.out))
    return _run_and_show(asked, gate, files, retry_failed=retry_failed, place=place)


@wraps(run, assigned=("__annotations__",))
def estimate(**options: Any) -> int:
    """Tell what a run with these options would ask of whom, and what that costs; do nothing."""
    out = options["out"] or (None if options["config"] else "runs/estimate")  # nothing is written there
    return run(**{**options, "out": out, "dry_run": True})


def in_its_folder(file: Path) -> dict[str, Any]:
    """What a run file says; that of a run folder means this folder, wherever it lay when it was written."""
    from safebench.runs.folder import is_run_folder

    written = read_toml(file)
    return {**written, "out": str(file.parent)} if is_run_folder(file) else written


def run_file(config: Path) -> Path:
    """The file itself, or the shipped study of that name."""
    from safebench.resources import data_path

    study = data_path(f"studies/{config.name}.toml")
    return study if not config.exists() and len(config.parts) == 1 and study.is_file() else config


def with_options(options: Mapping[str, Any], given: Iterable[str], option: str) -> dict[str, Any]:
    """The options with those of the command line, KEY=VALUE with dots in the key where tables lie in each other."""
    read: dict[str, Any] = dict(options)
    for one in given:
        key, equals, value = one.partition("=")
        if not (key and equals):
            raise BadInput(f"{option} {one!r} is not written KEY=VALUE")
        *tables, last = key.split(".")
        table = read
        for name in tables:
            table[name] = dict(table.get(name, {}))
            table = table[name]
        table[last] = _value(value)
    return read


def _value(text: str) -> Any:
    """As in a run file; what is no value there is a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _option(key: str) -> str:
    return "condition" if key == "conditions" else key.replace("_", "-")


def _plan_and_show(config: RunConfig) -> int:
    from safebench.cli.dry_run import show_estimate, show_plan
    from safebench.models.prices import read_prices
    from safebench.runs.estimate import estimate as estimated
    from safebench.runs.plan import make_plan, never_read

    plan = make_plan(config, never_read)
    show_plan(output, plan.data, plan.rendering.settings)
    for condition, why in plan.asking.skipped.items():
        output.print(f"skipped: {condition}: {why}", soft_wrap=True)
    show_estimate(output, estimated(plan, read_prices(config.prices)))
    return 0


def _run_and_show(
    config: RunConfig, gate: ReleaseGate, files: GateFiles, *, retry_failed: bool,
    place: Placement | None = None,
) -> int:  # fmt: skip
    from safebench.cli.progress import Bars
    from safebench.reports.report import report
    from safebench.runs.run import run
    from safebench.statistics.gap import GapSettings

    with Bars(notes) as bars:
        result = place.run(config, bars) if place else run(config, bars, retry_failed=retry_failed)
    reported = report(result.folder, config.calibration)
    _show(reported.summary)
    _closing_lines(result)
    output.result({"folder": result.folder, "problems": result.problems, "summary": reported.summary})
    settings = GapSettings(seed=reported.summary.run.seed)
    return hold(gate, reported, settings, files, result.problems) or result.exit_status


def _show(summary: Summary) -> None:
    from safebench.cli.jury_tables import show_corrected, show_jury
    from safebench.cli.run_tables import show_report

    show_report(output, summary)
    show_corrected(output, summary)
    show_jury(output, summary.jury)


def _closing_lines(result: RunResult) -> None:
    output.print(f"results: {result.folder} (summary.json, items.parquet, run.toml, run.db, media/)", soft_wrap=True)
    for problem in result.problems:
        errors.print(f"exit status 1: {problem}", soft_wrap=True)


def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a run, or a log of `inspect eval safebench/run`.")],
    margin: Annotated[float, typer.Option(help="Largest difference of rates that counts as none.")] = 0.05,
    draws: Annotated[int, typer.Option(help="Draws of the bootstrap.")] = 2000,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the draws; the run's own if not given.")] = None,
    calibration: options.CalibrationFile = None,
    html: Annotated[bool, typer.Option("--html", help="Write report.html, too: a page for the browser.")] = False,
    embed: Annotated[float, typer.Option(min=0, metavar="MB", help="MB of media to put inside the page.")] = 0,
    redact: Annotated[bool, typer.Option("--redact", help="Leave out of the page all that a model said.")] = False,
    fail_over: FailOver = None,
    fail_if_worse_than: WorseThan = None,
    point: Point = False,
    junit: JUnitFile = None,
    markdown: MarkdownFile = None,
) -> int:
    """Show a run's tables and write summary.json and items.parquet, and a page with --html."""
    from safebench.bridges.inspect.log import report_log
    from safebench.reports.report import report
    from safebench.statistics.gap import GapSettings

    files = GateFiles(junit, markdown)
    gate = read_gate(fail_over, fail_if_worse_than, files, point=point)
    if html and folder.is_file():
        raise BadInput(f"{folder} is a file: --html needs the folder of a run, and a log of Inspect has no page")
    if html:
        from safebench.reports.pages.html import require_packages

        require_packages()
    elif embed or redact:
        raise typer.BadParameter("--embed and --redact are about the page: add --html")
    if fail_if_worse_than and folder.is_file():
        raise BadInput(f"{folder} is a file: --fail-if-worse-than compares folders of runs")
    reported = (report_log if folder.is_file() else report)(folder, calibration, margin=margin, draws=draws, seed=seed)
    gate.check(reported.summary.run.conditions, folder)
    _show(reported.summary)
    written = [reported.folder / "summary.json", reported.folder / "items.parquet"]
    if html:
        from safebench.reports.pages.run_page import write_page

        written.append(write_page(reported.folder, reported.summary, embed=embed, redact=redact))
    output.print(f"written: {', '.join(map(str, written))}", soft_wrap=True)
    output.result({"folder": reported.folder, "written": written, "summary": reported.summary})
    settings = GapSettings(margin, draws, reported.summary.run.seed if seed is None else seed)
    return hold(gate, reported, settings, files)
