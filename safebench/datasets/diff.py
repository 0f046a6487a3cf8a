"""`safebench data diff`: what changed between two versions of a data set."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from safebench.datasets.queries import Dataset
from safebench.types import Query

FIELDS = ("text", "intent", "scenario", "twin")


@dataclass(frozen=True, slots=True)
class Change:
    """One query. `kind`: added, removed, renamed (another id, the same text), or the field that changed."""

    kind: str
    id: str
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes in the order of the sets. Equal hashes mean equal queries in equal order."""

    sha256: tuple[str, str]
    changes: tuple[Change, ...]
    reordered: bool  # the queries that both have come in another order

    @property
    def counts(self) -> Mapping[str, int]:
        return Counter(change.kind for change in self.changes)

    def lines(self) -> Iterator[str]:
        for change in self.changes:
            told = [text for text in (change.before, change.after) if text is not None]
            yield f"{change.kind}  {change.id}: {' → '.join(told)}"
        if self.reordered:
            yield "reordered: the queries that both have come in another order"
        counts = ", ".join(f"{count} {kind}" for kind, count in self.counts.items())
        yield f"sha256 {self.sha256[0]} → {self.sha256[1]}: {counts or 'no query changed'}"

    def as_json(self) -> str:
        return json.dumps({**asdict(self), "counts": self.counts}, indent=2, ensure_ascii=False)


def compare(before: Dataset, after: Dataset) -> Difference:
    """Queries are matched by id; where the id has gone, by text if no other query of its set has that text."""
    old, new = ({query.id: query for query in dataset.queries} for dataset in (before, after))
    removed = [query for id, query in old.items() if id not in new]
    added = [query for id, query in new.items() if id not in old]
    renamed = _renamed(removed, added)
    moved = {id.id for id in renamed.values()}
    changes = [
        *(change for id, query in old.items() if id in new for change in _changed(query, new[id])),
        *(Change("renamed", id, id, query.id) for id, query in renamed.items()),
        *(Change("removed", query.id, query.text) for query in removed if query.id not in renamed),
        *(Change("added", query.id, None, query.text) for query in added if query.id not in moved),
    ]
    kept = [id for id in old if id in new]
    reordered = kept != [id for id in new if id in old]
    return Difference((before.sha256, after.sha256), tuple(changes), reordered)


def _changed(before: Query, after: Query) -> Iterator[Change]:
    for field in FIELDS:
        was, now = getattr(before, field), getattr(after, field)
        if was != now:
            yield Change("reworded" if field == "text" else f"other {field}", before.id, str(was), str(now))


def _renamed(removed: list[Query], added: list[Query]) -> dict[str, Query]:
    """New queries by the old id."""
    old, new = (_alone(queries) for queries in (removed, added))
    return {query.id: new[text] for text, query in old.items() if text in new}


def _alone(queries: list[Query]) -> dict[str, Query]:
    times = Counter(query.text for query in queries)
    return {query.text: query for query in queries if times[query.text] == 1}
