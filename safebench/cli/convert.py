"""`safebench convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from safebench.cli import options
from safebench.cli.data import Encoding, Language, TextColumn
from safebench.cli.options import errors, notes, output, placed
from safebench.files import keep_private


def convert(
    data: Annotated[str, typer.Argument(help="Built-in name or file of queries, or FOLDER/convert.toml.")],
    condition: options.Conditions = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the new data set.")] = None,
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
    from safebench.datasets.config import make_convert_config
    from safebench.datasets.conversion import convert
    from safebench.datasets.conversion_plan import asked_before, plan_conversion
    from safebench.datasets.shards import CONVERT_FILE
    from safebench.models.prices import read_prices
    from safebench.rendering.estimating import estimate_renderings

    given: dict[str, Any] = {
        "conditions": condition, "out": str(out) if out else None, "text_column": text_column, "encoding": encoding,
        "language": language, "limit": limit, "recipes": str(recipes) if recipes else None, "workers": workers,
        "seed": seed, "shard": shard,
        "check_share": check_share, "recognisers": recogniser, "retry_failed": retry_failed,
        "prices": str(prices) if prices else None, "max_calls": max_calls, "max_cost": max_cost,
    }  # fmt: skip
    before = asked_before(Path(data).parent) if Path(data).name == CONVERT_FILE else {"data": data}
    values = before | {key: value for key, value in given.items() if value is not None and value != []}
    missing = [option for option, key in (("--condition", "conditions"), ("--out", "out")) if key not in values]
    if missing:
        raise typer.BadParameter(f"missing {', '.join(missing)} (or the convert.toml in the folder of a conversion)")
    config = make_convert_config("the options", **values)
    alone = {"--shard": config.shard, "--retry-failed": retry_failed}
    place = placed(executor, shards, address, gpus_per_shard, shared, private=private, alone=alone)
    if dry_run:
        plan = plan_conversion(config)
        show_plan(output, plan.data, plan.settings)
        if rows := estimate_renderings(plan.jobs(), plan.settings, read_prices(config.prices)):
            show_estimate(output, rows)
        return 0
    if private:
        keep_private(Path(config.out))
    with Bars(notes) as bars:
        conversion = place.convert(config, bars) if place else convert(config, bars)
    show_conversion(output, conversion)
    output.result({"folder": config.out, "failed_share": conversion.failed_share, "conditions": conversion.cells})
    output.print(f"data set: {config.out} (use it with --data {config.out})", soft_wrap=True)
    if conversion.failed_share > max_failed:
        share = f"{100 * conversion.failed_share:.1f} %"
        errors.print(f"exit status 1: {share} of the renderings failed (see --max-failed and --retry-failed)")
        return 1
    return 0
