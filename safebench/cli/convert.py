"""`safebench convert`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from safebench.cli import options
from safebench.cli.data import Encoding, Language, TextColumn
from safebench.cli.options import errors, notes, output, placed
from safebench.errors import check_known
from safebench.files import keep_private, read_toml
from safebench.types import TEXT, Condition


def convert(
    data: Annotated[
        str, typer.Argument(help="Built-in name or file of queries, FOLDER/convert.toml, or a plan of your own (TOML).")
    ],
    condition: options.Conditions = None,
    study: Annotated[
        Path | None, typer.Option(help="A shipped study, or a run file: its conditions and recipes; options win.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the new data set.")] = None,
    minibench: options.Minibench = False,
    intent: options.OnlyIntent = None,
    limit: options.Limit = None,
    shard: options.ShardNumber = None,
    executor: options.ExecutorName = None,
    shards: options.ShardCount = None,
    address: options.Address = None,
    gpus_per_shard: options.GPUs = None,
    shared: options.Shared = None,
    workers: options.WorkerCount = None,
    text_column: TextColumn = None,
    encoding: Encoding = None,
    language: Language = None,
    recipes: options.RecipesFile = None,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Also one row for each query with all of its media: DIR/pairs.")
    ] = False,
    seed: options.Seed = None,
    check_share: options.CheckShare = None,
    recogniser: options.Recognisers = None,
    max_failed: Annotated[
        float, typer.Option(min=0, max=1, help="Share of failed renderings that is still exit 0.")
    ] = 0.05,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Render again what ended in an error; all else stays.")
    ] = False,
    private: options.Private = False,
    prices: options.PricesFile = None,
    max_cost: options.MaxCost = None,
    max_calls: options.MaxCalls = None,
    dry_run: options.DryRun = False,
) -> int:
    """Turn queries into media, check every one, and pack them as a data set that others can load.

    The convert.toml in the folder of a conversion means that folder: it goes on, wherever it was moved.
    """
    from safebench.cli.data_tables import show_conversion
    from safebench.cli.dry_run import show_estimate, show_plan
    from safebench.cli.progress import Bars
    from safebench.concurrency import block_on
    from safebench.datasets.config import make_convert_config
    from safebench.datasets.conversion import convert, outlook_of
    from safebench.datasets.conversion_plan import plan_conversion
    from safebench.models.prices import read_prices
    from safebench.rendering.estimating import estimate_renderings
    from safebench.rendering.outlook import WORTH

    given: dict[str, Any] = {
        "conditions": condition, "out": str(out) if out else None, "text_column": text_column, "encoding": encoding,
        "language": language, "minibench": minibench or None, "intent": intent, "limit": limit, "shard": shard,
        "recipes": str(recipes) if recipes else None, "workers": workers, "seed": seed, "pairs": pairs or None,
        "check_share": check_share, "recognisers": recogniser, "retry_failed": retry_failed,
        "prices": str(prices) if prices else None, "max_calls": max_calls, "max_cost": max_cost,
    }  # fmt: skip
    values = _asked(data, study) | {key: value for key, value in given.items() if value is not None and value != []}
    missing = [option for option, key in (("--condition", "conditions"), ("--out", "out")) if key not in values]
    if missing:
        raise typer.BadParameter(
            f"missing {', '.join(missing)} (or a plan, a --study, or the convert.toml of a folder)"
        )
    config = make_convert_config("the options", **values)
    alone = {"--shard": config.shard, "--retry-failed": retry_failed}
    place = placed(executor, shards, address, gpus_per_shard, shared, private=private, alone=alone)
    if dry_run:
        plan = plan_conversion(config)
        show_plan(output, plan.data, plan.settings)
        if len(plan.jobs()) >= WORTH:
            output.print(block_on(outlook_of(plan)).line(), soft_wrap=True, highlight=False)
        if rows := estimate_renderings(plan.jobs(), plan.settings, read_prices(config.prices)):
            show_estimate(output, rows)
        return 0
    if private:
        keep_private(Path(config.out))
    with Bars(notes, whole=True) as bars:
        conversion = place.convert(config, bars) if place else convert(config, bars)
    show_conversion(output, conversion)
    output.result({"folder": config.out, "failed_share": conversion.failed_share, "conditions": conversion.cells})
    output.print(f"data set: {config.out} (use it with --data {config.out})", soft_wrap=True)
    if conversion.failed_share > max_failed:
        share = f"{100 * conversion.failed_share:.1f} %"
        errors.print(f"exit status 1: {share} of the renderings failed (see --max-failed and --retry-failed)")
        return 1
    return 0


def _asked(data: str, study: Path | None) -> dict[str, Any]:
    """What the file that is named as data asks for, with the conditions and recipes of a study."""
    from safebench.cli.run import run_file
    from safebench.datasets.conversion_plan import asked_before
    from safebench.datasets.shards import CONVERT_FILE

    named = _rendered(run_file(study)) if study else {}
    named.pop("out", None)  # that of a run
    file = Path(data)
    if file.name == CONVERT_FILE:
        return named | asked_before(file.parent)
    return named | (_rendered(file) if file.suffix == ".toml" else {"data": data})


def _rendered(file: Path) -> dict[str, Any]:
    """Of a plan, which may be that of a run, what is rendered. Raises BadInput for a key that neither has."""
    from safebench.datasets.config import ConvertConfig
    from safebench.runs.config import RunConfig

    tables = read_toml(file)
    for key in tables:
        check_known("key", key, {*ConvertConfig.model_fields, *RunConfig.model_fields}, str(file))
    kept = {key: value for key, value in tables.items() if key in ConvertConfig.model_fields}
    if isinstance(conditions := kept.get("conditions"), list):
        asked = (replace(Condition.parse(str(one)), wording=None) for one in conditions)  # wordings change no media
        kept["conditions"] = list(dict.fromkeys(str(one) for one in asked if one.medium != TEXT))
    return kept
