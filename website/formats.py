"""The reference of file formats: what is checked by a type has its schema, tables have their columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from safebench import registry
from safebench.datasets import exporting, queries, shards
from safebench.datasets.config import ConvertConfig
from safebench.datasets.importing import Importer
from safebench.generation.plan import GenerationPlan
from safebench.jury.calibration.file import _Content
from safebench.jury.files import JuryTable
from safebench.models.prices import Prices
from safebench.rendering.recipes import Recipe
from safebench.rendering.wordings import WordingTexts
from safebench.reports.summary import ITEMS_FILE, SUMMARY_FILE, Summary, items_schema
from safebench.review import labels, sample
from safebench.runs.config import RUN_FILE, RunConfig
from safebench.store.schema import DATABASE, SCHEMA
from safebench.taxonomy import FILE, TaxonomyTable
from safebench.types import TEXT
from website.schemas import schema, tables
from website.tables import cell, code, table

WRITTEN_BY_YOU = "formats.md"
WRITTEN_BY_US = "results.md"


@dataclass(frozen=True)
class Format:
    """A file, the type that it is checked with, and what is to be said of it; links are as from `docs/reference/`."""

    title: str
    about: str
    kind: type
    name: str  # of its schema
    without: tuple[str, ...] = ()  # keys of the type that stand elsewhere


INPUTS = (
    Format(
        "Run file",
        f"`safebench run FILE.toml`, and `{RUN_FILE}` in the folder of a run: see [Runs](../runs.md#from-a-file).",
        RunConfig,
        "run",
    ),
    Format(
        "Conversion",
        "`convert.toml` in the folder that `safebench convert` makes: see [Converting](../converting.md).",
        ConvertConfig,
        "convert",
    ),
    Format(
        "Recipe",
        "One table `[MEDIUM.NAME]` of a recipes file, or `[recipe.MEDIUM.NAME]` of a run file: see"
        " [Recipes](../recipes.md). Keys of a step other than `use` are options of its [converter](plug-ins.md). Ours:"
        " [`data/recipes.toml`](../../data/recipes.toml).",
        Recipe,
        "recipe",
        ("name", "medium"),
    ),
    Format(
        "Wording",
        "One table `[NAME]` of `--wording FILE.toml`, or `[wording.NAME]` of a run file; a text alone is its `text`:"
        " see [Wordings](../wordings.md). Ours: [`data/wordings.toml`](../../data/wordings.toml).",
        WordingTexts,
        "wording",
    ),
    Format(
        "Jury file",
        "`--jury FILE`: see [Juries](../juries.md).",
        JuryTable,
        "jury",
    ),
    Format(
        "Prices",
        "`--prices FILE`: see [Costs](../costs.md#prices). The shipped [`data/prices.toml`](../../data/prices.toml) has"
        " all of it; a file of yours needs only what it changes.",
        Prices,
        "prices",
    ),
    Format(
        "Generation plan",
        "`safebench generate PLAN.toml`: see [Generating](../generating.md).",
        GenerationPlan,
        "plan",
    ),
    Format(
        "Taxonomy",
        f"`{FILE}` beside data, or `--taxonomy FILE`: see [A taxonomy of your own](../taxonomies.md). Ours:"
        f" [`data/{FILE}`](../../data/{FILE}).",
        TaxonomyTable,
        "taxonomy",
    ),
    Format(
        "Mapping of a public data set",
        "`safebench data import`: see [Data sets](../data.md).",
        Importer,
        "importer",
    ),
)
OUTPUTS = (
    Format(
        f"`{SUMMARY_FILE}`",
        "The numbers of a run, explained in [The summary](../summary.md).",
        Summary,
        "summary",
    ),
    Format(
        "Calibration",
        "What `safebench jury calibrate` writes and a report reads again: see [Calibration](../calibration.md). Other"
        " keys of the file are for people.",
        _Content,
        "calibration",
    ),
)


def pages() -> dict[str, str]:
    """Two pages, and a schema for each format."""
    schemas = {one.name: schema(one.kind, one.without) for one in (*INPUTS, *OUTPUTS)}
    return {
        WRITTEN_BY_YOU: "\n".join([*_inputs(schemas)]),
        WRITTEN_BY_US: "\n".join([*_outputs(schemas)]),
        **{_schema_file(name): json.dumps(made, indent=1, ensure_ascii=False) for name, made in schemas.items()},
    }


def _schema_file(name: str) -> str:
    return f"schemas/{name}.schema.json"


def _inputs(schemas: Mapping[str, dict[str, object]]) -> Iterable[str]:
    yield (
        "# Files that you write\n\nAll are TOML but the queries. A key that is not listed is an error that names the"
        " nearest one. Editors that know JSON Schema can check a file against its schema.\n"
    )
    yield from (_section(one, schemas[one.name]) for one in INPUTS)
    yield (
        f"## Queries\n\n`--data FILE`, as CSV, JSONL, JSON or Parquet: see [Data sets](../data.md).\n\n"
        f"{table(('column', ''), _query_columns())}"
    )
    yield (
        "## Labels\n\nThe sheet that `safebench review export` writes and `safebench review import` reads, as CSV: see"
        f" [Labels from people](../review.md).\n\n{_listed(sample.COLUMNS)}\n"
        "`safebench jury calibrate` reads labels of answers with these columns:\n\n"
        f"{_listed(labels.LABEL_COLUMNS)}"
    )
    yield (
        "## Data that can be replaced\n\nThese explain their keys themselves: [families of"
        " endpoints](../../data/families.toml), [families of guards](../../data/guards.toml), [models by short"
        " names](../../data/models.toml), [weights in packages](../../data/weights.toml),"
        " [voices](../../data/voices.toml),"
        " [the taxonomy](../../data/taxonomy.toml).\n"
    )


def _query_columns() -> list[tuple[str, str]]:
    text = ", ".join(code(name) for name in queries.TEXT_COLUMNS)
    return [(text, "the text of the query, by the first of these names"), *((code(n), "") for n in queries.COLUMNS)]


def _outputs(schemas: Mapping[str, dict[str, object]]) -> Iterable[str]:
    yield "# Files that are written\n\nWhat lies in a run folder: [Runs](../runs.md#the-folder).\n"
    yield from (_section(one, schemas[one.name]) for one in OUTPUTS)
    yield f"## `{ITEMS_FILE}`\n\nOne row for each item: see [The summary](../summary.md).\n\n{_columns(items_schema())}"
    yield (
        "## Converted folder\n\n`MEDIUM/train-*.parquet`, explained in [Converting](../converting.md): one row for each"
        " query and recipe.\n"
    )
    for medium in registry.media():
        if medium != TEXT:
            yield f"### {medium}\n\n{_columns(shards.schema(medium))}"
    yield (
        "## Exported data set\n\nWhat `safebench data` writes: see [Data sets](../data.md).\n\n"
        f"{_listed(exporting.COLUMNS)}"
    )
    yield (
        f"## `{DATABASE}`\n\nSQLite. It changes with versions: take [`{ITEMS_FILE}`](#itemsparquet)"
        " for what is to last.\n\n"
        f"```sql\n{SCHEMA.strip()}\n```\n"
    )
    yield ("## What a gate writes\n\nJUnit's XML and GitHub's Markdown: see [Gates](../gates.md#files).\n")


def _section(one: Format, made: Mapping[str, object]) -> str:
    return f"## {one.title}\n\n{one.about} [JSON Schema]({_schema_file(one.name)}).\n\n{tables(made)}"


def _columns(made: pa.Schema) -> str:
    return table(("column", "type"), [(code(field.name), cell(str(field.type))) for field in made])


def _listed(names: Iterable[str]) -> str:
    return table(("column",), [(code(name),) for name in names])
