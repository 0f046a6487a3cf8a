"""`safebench convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from safebench.cli.data import Encoding, Language, TextColumn
from safebench.cli.options import (
    CheckShare,
    Conditions,
    DryRun,
    Limit,
    Private,
    RecipesFile,
    Recognisers,
    Seed,
    WorkerCount,
    errors,
    output,
)
from safebench.files import keep_private


def convert(
    data: Annotated[str, typer.Argument(help="Built-in name or file of queries.")],
    condition: Conditions = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the new data set.")] = None,
    limit: Limit = None,
    workers: WorkerCount = None,
    text_column: TextColumn = None,
    encoding: Encoding = None,
    language: Language = None,
    recipes: RecipesFile = None,
    seed: Seed = None,
    check_share: CheckShare = None,
    recogniser: Recognisers = None,
    max_failed: Annotated[
        float, typer.Option(min=0, max=1, help="Share of failed renderings that is still exit 0.")
    ] = 0.05,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Render again what ended in an error; all else stays.")
    ] = False,
    private: Private = False,
    dry_run: DryRun = False,
) -> int:
    """Turn queries into media, check every one, and pack them as a data set that others can load."""
    from safebench.cli.conversion_tables import show_conversion
    from safebench.cli.dry_run import show_plan
    from safebench.cli.progress import Bars
    from safebench.datasets.config import make_convert_config
    from safebench.datasets.conversion import convert
    from safebench.datasets.conversion_plan import plan_conversion
    from safebench.datasets.shards import CONVERT_FILE
    from safebench.errors import BadInput

    if Path(data).name == CONVERT_FILE:
        where = Path(data).parent
        raise BadInput(
            f"{data} says what {where} was made of: give the same command with --out {where} to go on with it"
        )
    missing = [name for name, value in (("--condition", condition), ("--out", out)) if not value]
    if missing or out is None:
        raise typer.BadParameter(f"missing {', '.join(missing)}")
    config = make_convert_config(
        "the options", data=data, conditions=condition, out=str(out), text_column=text_column,
        encoding=encoding, language=language, limit=limit,
        recipes=str(recipes) if recipes else None, workers=workers, seed=seed or 0,
        check_share=1.0 if check_share is None else check_share, recognisers=recogniser or (),
        retry_failed=retry_failed,
    )  # fmt: skip
    if dry_run:
        plan = plan_conversion(config)
        show_plan(output, plan.data, plan.settings)
        return 0
    if private:
        keep_private(out)
    with Bars(errors) as bars:
        conversion = convert(config, bars)
    show_conversion(output, conversion)
    output.print(f"data set: {out} (use it with --data {out})", soft_wrap=True)
    if conversion.failed_share > max_failed:
        share = f"{100 * conversion.failed_share:.1f} %"
        errors.print(f"exit status 1: {share} of the renderings failed (see --max-failed and --retry-failed)")
        return 1
    return 0
