"""The stage *package*: the kept queries and their twins as a data set with its card, and where each came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from safebench.datasets.card import Card
from safebench.datasets.exporting import export, write_jsonl
from safebench.datasets.queries import Dataset
from safebench.files import whole_folder
from safebench.generation.card import card_notes
from safebench.generation.rows import KEPT, Candidate, taxonomy_of_rows
from safebench.generation.stage import Making
from safebench.generation.summary import GenerationSummary
from safebench.taxonomy import Taxonomy
from safebench.types import Intent, Query

PROVENANCE = "provenance.jsonl"
HARMFUL, BENIGN = "h", "b"


def package(making: Making, summary: GenerationSummary) -> None:
    """Whole or not at all; nothing where no query is kept."""
    rows = kept_rows(making)
    if not rows:
        return making.folder.clear("package")
    plan = making.plan
    dataset = as_dataset(rows, plan.title, taxonomy_of_rows(making.scenarios(), plan.known()))
    card = Card(
        title=plan.title,
        licence=plan.licence,
        notes=tuple(card_notes(plan, making.scenarios(), rows, summary)),
    )
    with whole_folder(making.folder.file("package")) as part:
        export(dataset, part, card, plan.format)
        write_jsonl(part / PROVENANCE, _provenance(rows))
        making.folder.clear("package")


def kept_rows(making: Making) -> list[Candidate]:
    """In the order of scenarios and ranks. Raises BadInput for rows that cannot be used."""
    rows = making.candidates("twin", "rank")
    order = {scenario.id: n for n, scenario in enumerate(making.scenarios())}
    kept = [row for row in rows if row.status == KEPT and (row.twin or not making.plan.twins.wanted)]
    return sorted(kept, key=lambda row: (order[row.scenario], row.rank or 0))


def as_dataset(rows: Sequence[Candidate], name: str, known: Taxonomy) -> Dataset:
    """Each query followed by its twin."""
    queries: list[Query] = []
    for row in rows:
        ids = (f"{row.id}-{HARMFUL}", f"{row.id}-{BENIGN}" if row.twin else None)
        queries.append(Query(ids[0], row.query, Intent.HARMFUL, row.scenario, ids[1]))
        queries += [Query(ids[1], row.twin, Intent.BENIGN, row.scenario, ids[0])] if ids[1] and row.twin else []
    return Dataset(name, tuple(queries), taxonomy=known)


def _provenance(rows: Sequence[Candidate]) -> Iterator[dict[str, Any]]:
    """Without the texts, which stand in the set beside their canary; the twins that failed stay in the stage's file."""
    for row in rows:
        facts = row.model_dump(mode="json", exclude={"query", "twin", "tries", "status", "id"}, exclude_defaults=True)
        accepted = row.tries[-1] if row.twin and row.tries else None
        checked = {"harmlessness": dict(accepted.harmlessness), "tries": len(row.tries)} if accepted else {}
        yield {"id": f"{row.id}-{HARMFUL}", "twin": f"{row.id}-{BENIGN}" if row.twin else None, **facts, **checked}
