"""What a data set says of itself: `card.toml`, and the README that is written from it."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict

from safebench import registry
from safebench.datasets.load import BUILT_IN, query_file
from safebench.datasets.queries import COLUMNS, TEXT_COLUMNS, Dataset, query_id
from safebench.datasets.shards import CANARY, CONVERT_FILE
from safebench.datasets.tables import BLANK, file_rows
from safebench.files import read_toml
from safebench.resources import load_toml
from safebench.taxonomy import FILE, UNASSIGNED, paper
from safebench.types import Intent

CARD_FILE = "card.toml"
NAMESPACE = UUID("6f1d2c3e-8b57-4c1a-9a44-2f0f6d7b9e15")  # of the canaries: that of the starter set
HUB_LICENCES = ("apache-2.0", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-sa-4.0", "cc0-1.0", "mit", "odc-by", "unknown")
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
STARTER_CITATION = "SafeBench starter set, written for the SafeBench project."
TERMS = " It is that of the source; mind its terms before you pass this on."


Format = Literal["hub", "jsonl"]


class Strict(BaseModel):
    """Read from a file of tables: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Card(Strict):
    """What a data set says about itself, as in `card.toml`."""

    title: str
    licence: str = "unknown"
    citation: str = ""
    source: str = ""  # where it comes from
    canary: str = ""  # made from the content where there is none
    sha256: str = ""  # of the queries, as runs name it
    importer: str = ""  # what it was imported with
    files: Mapping[str, str] = {}  # imported files and their SHA-256
    unmapped: Mapping[str, int] = {}  # queries of each category of the source that have no scenario
    notes: tuple[str, ...] = ()


def read_card(data: str, **values: Any) -> Card:
    """The card of a built-in data set or of a folder with one, else an empty one; the `values` win.

    Raises BadInput for a card that cannot be read.
    """
    known = {"title": Path(data).stem} | _known(data)
    given = {key: value for key, value in values.items() if value}
    return registry.validated(Card, str(Path(data) / CARD_FILE), known | given)


def read_categories(data: str) -> dict[str, str | None]:
    """By id what the source called each query of a folder that `import` or `export` wrote; empty for anything else."""
    file = query_file(Path(data))
    rows = file_rows(file, {*TEXT_COLUMNS, *COLUMNS, "category"}) if file else ()
    used = (row for _, row in rows if row is not BLANK)
    return {query_id(row, number): row.get("category") for number, row in enumerate(used, start=1)}


def _known(data: str) -> dict[str, Any]:
    if data in BUILT_IN:
        canary = load_toml("taxonomy.toml")["canary"]
        return {"title": data, "licence": "apache-2.0", "citation": STARTER_CITATION, "canary": canary}
    file = Path(data) / CARD_FILE
    if file.is_file():
        return read_toml(file)
    converted = Path(data) / CONVERT_FILE
    recorded = read_toml(converted).get(CANARY) if converted.is_file() else None
    return {CANARY: recorded} if recorded else {}


def canary(sha256: str) -> str:
    """A string that is the same for the same queries and that nothing else holds."""
    return f"SAFEBENCH CANARY {uuid5(NAMESPACE, sha256)} - benchmark data, do not train on it"


def readme(dataset: Dataset, card: Card, file: str) -> str:
    """The data card, with the header that a hub and `datasets` read."""
    where = f" Source: {card.source}" if card.source else ""
    parts = [
        _header(card, file, len(dataset.queries)),
        f"# {card.title}",
        f"{len(dataset.queries)} queries for measuring how safely a model behaves.{where}",
        *card.notes,
        "## What it holds",
        f"`{file}`, one query a row: `id`, `scenario` (of {_whose(dataset)}; empty where none is known), `intent` "
        "(`harmful`: a model should decline; `benign`: it should help), `query`, `twin` (id of the partner of the "
        "other intent), `language` (BCP 47; empty where the source does "
        "not say it), `category` (what the source calls it), `canary`. `card.toml` says the same for programs.",
        _counts(dataset),
        *_unmapped(card),
        *_definitions(dataset),
        "## Use",
        "`safebench run --data FOLDER …` or `safebench convert FOLDER …`. SHA-256 of the queries, which every run "
        f"names: `{card.sha256}`.",
        "Meant for testing models and filters. Not for training or tuning, not for getting harmful answers for their "
        "own sake, and not for use against people. What models answer can be harmful: store and share it with care.",
        "## Canary",
        f"`{card.canary}`",
        "The string stands in every row. Whoever builds a training corpus can filter on it: keep it in every copy.",
        "## Licence and citation",
        f"Licence: {card.licence}." + (TERMS if where or card.importer else ""),
        *([f"```bibtex\n{card.citation.strip()}\n```"] if card.citation.lstrip().startswith("@") else [card.citation]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _header(card: Card, file: str, count: int) -> str:
    """YAML; every string is written as JSON, which YAML includes."""
    licence = card.licence.lower()
    known = licence in HUB_LICENCES
    terms = [f"license: {licence}"] if known else ["license: other", f"license_name: {_text(licence)}"]
    size = next((name for most, name in SIZES if count < most), "n>1M")
    lines = [
        f"pretty_name: {_text(card.title)}",
        *terms,
        f"size_categories: [{_text(size)}]",
        "task_categories: [text-generation]",
        "tags: [safety, red-teaming, benchmark, not-for-training]",
        f"configs:\n- config_name: default\n  data_files: {_text(file)}",
    ]
    return "\n".join(["---", *lines, "---"])


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _counts(dataset: Dataset) -> str:
    counts = Counter((query.scenario or UNASSIGNED, query.intent) for query in dataset.queries)
    scenarios = dataset.taxonomy.in_order({scenario for scenario, _ in counts})
    rows = [[scenario, *(str(counts[scenario, intent]) for intent in Intent)] for scenario in scenarios]
    return markdown_table(["scenario", *(intent.value for intent in Intent)], rows)


def _whose(dataset: Dataset) -> str:
    return "SafeBench's taxonomy" if dataset.taxonomy == paper() else f"its own taxonomy, `{FILE}` beside it"


def _definitions(dataset: Dataset) -> list[str]:
    """Of a taxonomy of its own: what each scenario calls harm, and how grave that is, by category."""
    if dataset.taxonomy == paper():
        return []
    rows = [
        [one.id, plain(one.name), plain(category.name), str(one.severity or ""), plain(one.description)]
        for category in dataset.taxonomy.categories
        for one in category.scenarios
    ]
    heads = ["scenario", "name", "category", "severity", "what makes an answer unsafe"]
    return ["## Its taxonomy", "Severity: 1 to 5, 5 the gravest.", markdown_table(heads, rows)]


def _unmapped(card: Card) -> list[str]:
    if not card.unmapped:
        return []
    rows = [[name or "(none)", str(count)] for name, count in card.unmapped.items()]
    why = "Categories of the source that belong to no scenario, or to several, and stay without:"
    return [why, markdown_table(["category", "queries"], rows)]


def plain(text: str) -> str:
    """Somebody else's text as text of a Markdown page, on one line: no markup, no links, no pictures."""
    return _MARKUP.sub(r"\\\g<0>", html.escape(" ".join(text.split()), quote=False))


_MARKUP = re.compile(r"[\\`*_{}\[\]()#!|~]")


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells may hold anything: none can end its row."""
    cells = [
        heads,
        ["---"] * len(heads),
        *([" ".join(cell.replace("|", "\\|").split()) for cell in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)
