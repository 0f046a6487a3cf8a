"""`safebench data`: data sets of queries: shown, checked, imported, exported, scored."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from safebench.cli.options import (
    Concurrency,
    EstimateOnly,
    MaxCalls,
    MaxCost,
    Minibench,
    OnlyIntent,
    PricesFile,
    RetryCalls,
    errors,
    notes,
    output,
)
from safebench.cli.style import listing
from safebench.errors import BadInput

if TYPE_CHECKING:
    from safebench.datasets.queries import Dataset

app = typer.Typer(no_args_is_help=True, help="Data sets of queries.")

Data = Annotated[str, typer.Argument(help="Built-in name, file or folder.")]
TextColumn = Annotated[str | None, typer.Option(help="Column that holds the text of the query.")]
Encoding = Annotated[str | None, typer.Option(help="Of the file's text, such as cp1252 or utf-16; else UTF-8.")]
Language = Annotated[str | None, typer.Option(help="Of queries of which the data do not say it (BCP 47: de).")]
Licence = Annotated[str | None, typer.Option(help="Licence of the data, where it is not known yet.")]
Citation = Annotated[str | None, typer.Option(help="How to cite the data, where it is not known yet.")]
Title = Annotated[str | None, typer.Option(help="Title of the data card.")]
Format = Annotated[
    Literal["hub", "jsonl"], typer.Option("--format", help="hub: typed Parquet; jsonl: one JSON object a line.")
]


@app.command("list")
def list_() -> None:
    """List the built-in data sets."""
    from safebench.cli.data_tables import show_built_in

    show_built_in(output)


@app.command()
def show(name: Data, text_column: TextColumn = None, encoding: Encoding = None, language: Language = None) -> None:
    """Show what a data set holds: counts by scenario, variety of wording, nearest pairs."""
    from safebench.cli.data_tables import show_dataset
    from safebench.datasets.load import load_dataset

    dataset = load_dataset(name, text_column, encoding, language)
    show_dataset(output, dataset)
    _tell_notes(dataset)


@app.command()
def check(name: Data, text_column: TextColumn = None, encoding: Encoding = None, language: Language = None) -> int:
    """List every problem of a data set with its line. Exit status 2 if there are any."""
    from safebench.datasets.load import load_dataset
    from safebench.datasets.queries import BadRows

    try:
        dataset = load_dataset(name, text_column, encoding, language)
    except BadRows as error:
        for problem in error.every:
            _tell(problem)
        _tell(f"{len(error.every)} problems")
        return 2
    _tell(f"{name}: {len(dataset.queries)} queries, no problems; sha256 {dataset.sha256}")
    _tell_notes(dataset)
    return 0


@app.command()
def duplicates(
    name: Data,
    others: Annotated[list[str] | None, typer.Argument(help="Other sets to compare it with.")] = None,
    threshold: Annotated[float, typer.Option(min=0.1, max=1, help="Least Jaccard index that counts as near.")] = 0.8,
    embeddings: Annotated[
        str | None, typer.Option(metavar="MODEL", help="A local text model, to find what means the same as well.")
    ] = None,
    cosine: Annotated[float, typer.Option(min=0.1, max=1, help="Least cosine of embeddings that counts.")] = 0.95,
    text_column: TextColumn = None,
    encoding: Encoding = None,
) -> None:
    """List queries that are equal or nearly so, within a set and between it and others. Twins are left out."""
    from safebench.datasets.duplicates import among_sets
    from safebench.datasets.embeddings import alike
    from safebench.datasets.load import load_dataset

    sets = [load_dataset(name, text_column, encoding), *map(load_dataset, others or ())]
    meaning = (lambda texts, compared: alike(texts, cosine, compared, model=embeddings)) if embeddings else None
    counts = dict.fromkeys(["equal", "near", *(["like in meaning"] if embeddings else [])], 0)
    for match in among_sets(sets, threshold, meaning):
        kind = "equal" if match.pair.exact else "like in meaning" if match.pair.by_meaning else "near"
        counts[kind] += 1
        measured = "cosine " * match.pair.by_meaning + f"{match.pair.similarity:.3f}"
        where = f" in {match.other}" if match.other else ""
        _tell(f"{kind if match.pair.exact else measured}  {match.first.id}  {match.second.id}{where}")
    for one in sets:
        _tell_notes(one)
    totals = ", ".join(f"{kind}: {count}" for kind, count in counts.items())
    _tell(f"{len(sets[0].queries)} queries; pairs {totals}")


@app.command()
def importers() -> None:
    """List the public sets that `import` knows, and on what each mapping was tried."""
    from safebench.datasets.importing import FOLDER, load_importer
    from safebench.resources import shipped

    table = listing("name", "title", "licence", "tried on")
    for name in shipped(FOLDER):
        known = load_importer(name)
        table.add_row(name, known.title, known.licence, known.tried)
    output.print(table)


@app.command("import")
def import_(
    name: Annotated[str, typer.Argument(help="Name of an importer, or a mapping file of your own (.toml).")],
    source: Annotated[str, typer.Argument(metavar="PATH", help="File, folder, or hub:OWNER/NAME, with @REVISION.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write; the importer's name if not given.")] = None,
    columns: Annotated[str | None, typer.Option(help="text=prompt,scenario=category: which column holds what.")] = None,
    scenario: Annotated[list[str] | None, typer.Option(help="CATEGORY=SCENARIO; may be given several times.")] = None,
    intent: Annotated[list[str] | None, typer.Option(help="VALUE=harmful|benign; may be given several times.")] = None,
    taxonomy: Annotated[
        Path | None, typer.Option(help="A taxonomy of your own (TOML), whose scenarios the queries get.")
    ] = None,
    language: Language = None,
    title: Title = None,
    licence: Licence = None,
    citation: Citation = None,
    minibench: Minibench = False,
    format: Format = "jsonl",
    encoding: Encoding = None,
) -> None:
    """Import a public data set by a declared mapping. What the mapping does not say is listed, never guessed."""
    from safebench.cli.data_tables import counted_lines
    from safebench.cli.progress import Bars
    from safebench.datasets.importing import import_dataset, load_importer
    from safebench.taxonomy import read_taxonomy

    importer = load_importer(
        name,
        columns=_pairs("--columns", columns.split(",") if columns else []),
        scenarios=_pairs("--scenario", scenario or []),
        intents=_pairs("--intent", intent or []),
        taxonomy=taxonomy and read_taxonomy(taxonomy).tables(),
        language=language,
        title=title,
        licence=licence,
        citation=citation,
    )
    folder = out or Path(Path(name).stem)
    with Bars(notes) as bars:
        imported = import_dataset(name, source, folder, importer, format, encoding, minibench=minibench, progress=bars)
    by_intent = Counter(query.intent.value for query in imported.dataset.queries)
    counts = ", ".join(f"{count} {intent}" for intent, count in by_intent.items())
    twins = sum(query.twin is not None for query in imported.dataset.queries)
    _tell(f"{folder}: {len(imported.dataset.queries)} queries ({counts}), {twins} with a twin")
    _tell(f"sha256 {imported.card.sha256}; licence {imported.card.licence}")
    _tell_notes(imported.dataset)
    if imported.left_out:
        _tell(f"left out by the filter of the mapping: {imported.left_out}")
    for line in counted_lines(imported, folder):
        _tell(line)
    for category, count in imported.card.unmapped.items():
        _tell(f"without a scenario: {count} of {category or '(no category)'}: {imported.unmapped[category]}")


@app.command()
def export(
    name: Data,
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    minibench: Minibench = False,
    intent: OnlyIntent = None,
    format: Format = "hub",
    text_column: TextColumn = None,
    encoding: Encoding = None,
    language: Language = None,
    title: Title = None,
    licence: Licence = None,
    citation: Citation = None,
) -> None:
    """Write a data set as a folder with its data card, ready for a hub, or as JSONL."""
    from safebench.datasets.card import read_card, read_categories
    from safebench.datasets.exporting import export
    from safebench.datasets.load import load_dataset

    card = read_card(name, title=title, licence=licence, citation=citation)
    dataset = load_dataset(name, text_column, encoding, language, minibench=minibench).only(intent)
    categories = read_categories(name)
    written = export(dataset, out, card, format, [categories.get(query.id) for query in dataset.queries])
    _tell(f"{out}: sha256 {written.sha256}; licence {written.licence}")
    _tell_notes(dataset)


@app.command()
def score(
    sets: Annotated[list[str], typer.Argument(metavar="SET…", help="Built-in names, files or folders.")],
    judge: Annotated[list[str] | None, typer.Option(help="openai:MODEL, …; may be given several times.")] = None,
    judges: Annotated[
        Path | None, typer.Option(help="A TOML file with `judges` and their options, such as a plan of `generate`.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the scores; the same again continues it.")] = Path("scores"),
    sample: Annotated[int | None, typer.Option(min=1, help="At most so many queries of each set, drawn.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn.")] = 0,
    concurrency: Concurrency = "auto",
    retry_failed: RetryCalls = False,
    prices: PricesFile = None,
    max_cost: MaxCost = None,
    max_calls: MaxCalls = None,
    dry_run: EstimateOnly = False,
) -> int:
    """Have models score the harmful queries of sets, side by side: feasibility, harmfulness, applicability, 0 to 9."""
    from safebench.cli.data_tables import show_scores
    from safebench.cli.dry_run import show_only_estimate
    from safebench.cli.progress import Bars
    from safebench.generation.dataset_scores import estimate_scoring, read_scoring, sampled_sets, score_sets
    from safebench.models.calls import CallLimits
    from safebench.models.prices import read_prices

    asked = read_scoring(sets, judge or [], judges, sample, seed)
    if dry_run:
        return show_only_estimate(estimate_scoring(asked, sampled_sets(asked), read_prices(prices)))
    limits = CallLimits(max_calls, cost=max_cost)
    with Bars(notes) as bars:
        how = {"concurrency": concurrency, "limits": limits, "prices": prices, "retry_failed": retry_failed}
        scored = score_sets(asked, out, progress=bars, **how)
    show_scores(output, scored)
    for problem in scored.problems:
        errors.print(f"exit status 1: {problem}", soft_wrap=True)
    return scored.exit_status


@app.command()
def push(
    folder: Annotated[Path, typer.Argument(help="Folder that `convert` or `data export` made.")],
    name: Annotated[str, typer.Argument(help="OWNER/NAME on the hub.")],
    public: Annotated[bool, typer.Option("--public", help="Everybody may see it; private if not given.")] = False,
) -> None:
    """Upload a converted or exported data set to a hub, with the token of HF_TOKEN or of the hub's login."""
    from safebench.datasets.hub import push

    _tell(f"pushed, {'public' if public else 'private'}: {push(folder, name, public=public)}")


def _tell_notes(dataset: Dataset) -> None:
    """What was taken for granted where a data set was read."""
    for line in dataset.notes:
        _tell(f"note: {line}")


def _tell(line: str) -> None:
    output.print(line, soft_wrap=True, highlight=False)


def _pairs(option: str, given: list[str]) -> dict[str, str]:
    """NAME=VALUE, split at the last sign, as a category may hold one."""
    pairs = [pair.rpartition("=") for pair in given]
    bad = [one for one, (name, sign, value) in zip(given, pairs, strict=True) if not (name and sign and value)]
    if bad:
        raise BadInput(f"{option} {bad[0]!r} is not NAME=VALUE")
    return {name.strip(): value.strip() for name, _, value in pairs}
