"""Options that several commands share, and where they print."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from safebench.cli.style import ErrorConsole, OutputConsole, plain_console
from safebench.types import Intent

if TYPE_CHECKING:
    from safebench.bridges.ray.placing import Placement

output = OutputConsole()
errors = ErrorConsole()
notes = plain_console(stderr=True)  # what one may do without


def _concurrency(written: str) -> int | Literal["auto"]:
    """A number, or `auto`."""
    if written == "auto":
        return "auto"
    if not re.fullmatch("[0-9]{1,6}", written) or not int(written):
        raise typer.BadParameter(f"{written!r} is neither a number above 0 nor auto")
    return int(written)


Concurrency = Annotated[
    Any,
    typer.Option(metavar="N|auto", parser=_concurrency, help="Calls in flight; auto: as many as each endpoint takes."),
]
Conditions = Annotated[
    list[str] | None, typer.Option("--condition", "-c", help="medium[+text][:recipe][~wording]; several times.")
]
Wordings = Annotated[
    list[str] | None,
    typer.Option("--wording", metavar="WORDING", help="NAME, NAME=TEXT or FILE.toml; several times."),
]
ShardNumber = Annotated[
    str | None,
    typer.Option("--shard", metavar="N/M", help="The N-th of M parts of the queries; then `safebench merge`."),
]
ExecutorName = Annotated[
    str | None, typer.Option("--executor", help="`ray`: by shards on a Ray cluster, or on this machine; then merged.")
]
ShardCount = Annotated[int | None, typer.Option("--shards", min=1, help="With --executor: how many there are.")]
Address = Annotated[
    str | None, typer.Option(help="Of the Ray cluster, `auto` for the one of this machine; else one is started here.")
]
GPUs = Annotated[float | None, typer.Option("--gpus-per-shard", min=0, help="With --executor: for each at work.")]
Shared = Annotated[
    str | None, typer.Option(help="With --executor: folder or fsspec address of the shards; OUT.shards if not given.")
]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first N queries.")]
Minibench = Annotated[
    bool, typer.Option("--minibench", help="Only MiniBench: 50 harmful queries of each of ten scenarios, with twins.")
]
OnlyIntent = Annotated[
    Intent | None, typer.Option("--intent", help="Only the queries of this intent, which leaves out their twins.")
]
WorkerCount = Annotated[
    int | None, typer.Option("--workers", min=1, help="Processes that render; one per core if not given.")
]
RecipesFile = Annotated[Path | None, typer.Option(help="A recipes file of your own.")]
CalibrationFile = Annotated[
    Path | None, typer.Option(help="File of `safebench jury calibrate`, to correct the ASR with.")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of everything that is drawn at random.")]
Recognisers = Annotated[
    list[str] | None,
    typer.Option("--recogniser", help="NAME[:ARGUMENT] that reads renderings back, or `none`; the best if not given."),
]
TargetOptions = Annotated[
    list[str] | None,
    typer.Option("--target-option", metavar="KEY=VALUE", help="Of the target's own, e.g. recognisers.audio=NAME."),
]
ProbedShare = Annotated[
    float | None,
    typer.Option("--probe", min=0, max=1, help="Share of the rendered items whose comprehension is probed."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done by whom, and what would be better; do nothing.")
]
EstimateOnly = Annotated[
    bool, typer.Option("--dry-run", help="Say who would be asked how much, and what that costs; do nothing.")
]
CheckShare = Annotated[float | None, typer.Option(min=0, max=1, help="Share of renderings whose fidelity is checked.")]
MaxCost = Annotated[
    float | None,
    typer.Option(
        metavar="USD",
        help="Stop about where the calls of all starts cost this; exit 1.",
    ),
]
MaxCalls = Annotated[int | None, typer.Option(min=1, help="Stop after so many calls, all starts together; exit 1.")]
RetryCalls = Annotated[bool, typer.Option("--retry-failed", help="Ask again where calls failed.")]
PricesFile = Annotated[Path | None, typer.Option("--prices", help="A file of prices of your own.")]
Private = Annotated[bool, typer.Option("--private", help="Make the folder readable by you alone.")]
AllowUnproven = Annotated[
    bool, typer.Option("--allow-unproven", help="Exit 0 though nothing can be concluded of a condition.")
]


def placed(
    executor: str | None, shards: int | None, address: str | None, gpus: float | None, shared: str | None, *,
    private: bool, alone: Mapping[str, object],
) -> Placement | None:  # fmt: skip
    """Where shards are worked on; None: nowhere, all is done here. `alone`: options that do not go with that.

    Raises typer.BadParameter for what does not go together, and MissingPackage.
    """
    if executor is None:
        given = {"--shards": shards, "--address": address, "--gpus-per-shard": gpus, "--shared": shared}
        if needing := [option for option, value in given.items() if value is not None]:
            raise typer.BadParameter(f"{', '.join(needing)} goes with --executor ray")
        return None
    if executor != "ray" or shards is None:
        raise typer.BadParameter("write --executor ray --shards N")
    if clashing := [option for option, value in alone.items() if value]:
        raise typer.BadParameter(f"--executor does not go with {', '.join(clashing)}")
    from safebench.bridges.ray.executor import OnRay
    from safebench.bridges.ray.placing import Placement

    return Placement(OnRay(address, gpus or 0), shards, shared, private)
