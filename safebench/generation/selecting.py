"""The stage *select*: the best queries of each scenario that are not alike.

Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): the next one is that with the largest

    (1 - diversity) · score / 9 - diversity · (largest similarity to one that is chosen already)

and one whose distance (1 - similarity) to a chosen one is below the least distance is never chosen. Of equals, the
earlier written comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from safebench.datasets.embeddings import alike, by_embedding
from safebench.generation.plan import Selection
from safebench.generation.rows import DROPPED, KEPT, RESERVE, Candidate, ScenarioRow
from safebench.generation.similarity import Similarity, by_wording
from safebench.generation.stage import Making

HIGHEST = 9.0  # score


@dataclass(frozen=True, slots=True)
class Choice:
    """One in the order of choice; `nearest` is its similarity to the most alike one before it, and `to` that one."""

    index: int
    nearest: float
    to: int | None


def mmr(
    scores: Sequence[float], similarity: Similarity, diversity: float, distance: float
) -> tuple[list[Choice], list[Choice]]:
    """All in the order in which they would be chosen, and those that are too near to one that is."""
    nearest = {n: Choice(n, 0.0, None) for n in range(len(scores))}
    chosen: list[Choice] = []
    too_near: list[Choice] = []
    while nearest:
        best = max(nearest.values(), key=lambda pick: _worth(pick, scores[pick.index], diversity))
        del nearest[best.index]
        if best.to is not None and 1 - best.nearest < distance:
            too_near.append(best)
            continue
        chosen.append(best)
        for n, before in nearest.items():
            alike = similarity(n, best.index)
            if before.to is None or alike > before.nearest:
                nearest[n] = Choice(n, alike, best.index)
    return chosen, too_near


def _worth(pick: Choice, score: float, diversity: float) -> tuple[float, int]:
    return (1 - diversity) * score / HIGHEST - diversity * pick.nearest, -pick.index


def select(rows: Sequence[Candidate], scenarios: Sequence[ScenarioRow], settings: Selection) -> list[Candidate]:
    """Every row with its rank and why it is kept, in reserve or dropped; those that were dropped stay as they are."""
    by_id = {row.id: row for row in rows}
    for scenario in scenarios:
        open_ones = [row for row in rows if row.scenario == scenario.id and row.status != DROPPED]
        for row in _select(open_ones, scenario.count, settings):
            by_id[row.id] = row
    return list(by_id.values())


def _select(rows: Sequence[Candidate], count: int, settings: Selection) -> list[Candidate]:
    similarity = similarity_of([row.query for row in rows], settings)
    chosen, too_near = mmr([row.score or 0.0 for row in rows], similarity, settings.diversity, settings.distance)
    return [
        *(_chosen(rows, pick, rank, count) for rank, pick in enumerate(chosen, start=1)),
        *(rows[pick.index].dropped(f"too_near: {_similarity_text(rows, pick)}") for pick in too_near),
    ]


def _chosen(rows: Sequence[Candidate], pick: Choice, rank: int, count: int) -> Candidate:
    row = rows[pick.index]
    why = f"rank {rank} of its scenario, score {row.score:.2f}" + (
        f", {_similarity_text(rows, pick)}" if pick.to is not None else ""
    )
    status = KEPT if rank <= count else RESERVE
    return row.model_copy(update={"status": status, "why": why, "rank": rank, "nearest": round(pick.nearest, 4)})


def _similarity_text(rows: Sequence[Candidate], pick: Choice) -> str:
    return f"similarity {pick.nearest:.2f} to {rows[pick.to or 0].id}"


def without_alike(making: Making, rows: Sequence[Candidate]) -> list[Candidate]:
    """Every row; dropped where it means the same as a better one of any scenario, or as a query of a compared set."""
    settings = making.plan.selection
    if settings.embeddings is None:
        return list(rows)
    best_first = sorted((row for row in rows if row.status != DROPPED), key=lambda row: -(row.score or 0.0))
    find = partial(alike, model=settings.embeddings)
    checked = {row.id: row for row in making.repeats(best_first, [], settings.duplicate_cosine, find)}
    return [checked.get(row.id, row) for row in rows]


def similarity_of(texts: Sequence[str], settings: Selection) -> Similarity:
    """By the wording, or by the cosine of embeddings where the plan names a model."""
    return by_wording(texts) if settings.embeddings is None else by_embedding(texts, settings.embeddings)
