"""The items of a run for its page: a compact index of all, and details in chunks that are loaded when wanted."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from safebench.reports.pages.media import Shelf
from safebench.reports.words import Words
from safebench.store.items import asked_queries, page_rows
from safebench.store.store import Store
from safebench.taxonomy import Taxonomy
from safebench.types import Ballot, Intent, Label, Outcome

CHUNK = 120  # items: what is loaded at once; the items of one query are never torn apart
OUTCOMES = tuple(Outcome)
INTENTS = tuple(Intent)
PENDING = -1
HARMLESS = {Outcome.REFUSED, Outcome.SAFE, Outcome.NOT_UNDERSTOOD}  # as a jury found; what was blocked met none


@dataclass(slots=True)
class Index:
    """One row for each query and for each item. Names are places in `conditions` and `scenarios`, to keep it small."""

    conditions: list[str]
    redacted: bool
    words: Words
    taxonomy: Taxonomy
    scenarios: list[str] = field(default_factory=list)
    queries: list[list[Any]] = field(default_factory=list)  # id, text, intent, scenario, twin's place, chunk
    items: list[list[int]] = field(default_factory=list)  # id, query, condition, repeat, outcome, jurors disagreed

    def describe(self) -> dict[str, Any]:
        names = self.taxonomy.scenarios
        return {
            "conditions": self.conditions,
            "outcomes": [{"name": outcome.value, "open": not outcome.decided} for outcome in OUTCOMES],
            "called": dict(self.words.names),
            "hidden": self.words.hidden,
            "intents": [intent.value for intent in INTENTS],
            "scenarios": [names[id].name if id in names else id for id in self.scenarios],
            "queries": self.queries,
            "items": self.items,
            "redacted": self.redacted,
        }


@dataclass(slots=True)
class Chunk:
    """Details by item's id, and the media that they name."""

    items: dict[int, dict[str, Any]] = field(default_factory=dict)
    media: dict[str, dict[str, Any]] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        return {"items": self.items, "media": self.media}


def chunks(store: Store, index: Index, shelf: Shelf) -> Iterator[Chunk]:
    """Details, chunk by chunk, so that memory stays flat; fills the index on the way."""
    places = {id: place for place, id in enumerate(asked_queries(store))}
    chunk, number = Chunk(), 0
    for _, rows in groupby(page_rows(store), lambda row: row["query"]):
        items = [dict(row) for row in rows]
        _add_query(index, items[0], places, number)
        for row in items:
            _add_item(index, chunk, row, store, shelf)
        if len(chunk.items) >= CHUNK:
            yield chunk
            chunk, number = Chunk(), number + 1
    if chunk.items:
        yield chunk


def _add_query(index: Index, row: Mapping[str, Any], places: Mapping[str, int], chunk: int) -> None:
    scenario = PENDING
    if row["scenario"] is not None:
        if row["scenario"] not in index.scenarios:
            index.scenarios.append(row["scenario"])
        scenario = index.scenarios.index(row["scenario"])
    twin = places.get(row["twin"], PENDING)
    index.queries.append([row["query"], row["text"], INTENTS.index(Intent(row["intent"])), scenario, twin, chunk])


def _add_item(index: Index, chunk: Chunk, row: Mapping[str, Any], store: Store, shelf: Shelf) -> None:
    ballots = store.ballots(row["id"])
    split = _disagreed(ballots)
    outcome = PENDING if row["outcome"] is None else OUTCOMES.index(Outcome(row["outcome"]))
    condition = index.conditions.index(row["condition"])
    index.items.append([row["id"], len(index.queries) - 1, condition, row["repeat"], outcome, int(split)])
    details = _details(row, ballots, index)
    for reference in _references(details):
        if reference["sha256"] not in chunk.media:
            chunk.media[reference["sha256"]] = shelf.show(reference)
    chunk.items[row["id"]] = details


def _disagreed(ballots: list[Ballot]) -> bool:
    """Whether two jurors gave different votes in one round."""
    votes: dict[int, set[Label]] = defaultdict(set)
    for ballot in ballots:
        if ballot.label is not Label.ABSTAIN:
            votes[ballot.round].add(ballot.label)
    return any(len(labels) > 1 for labels in votes.values())


def _details(row: Mapping[str, Any], ballots: list[Ballot], index: Index) -> dict[str, Any]:
    """What is shown of one item. Redacted: nothing that a model said, nor words that may quote it."""
    response, rendering = stored_parts(row)
    redacted, in_words = index.redacted, index.words.in_words
    return {
        "rating": row["rating"],
        "reason": None if redacted else in_words(row["reason"] or ""),
        "rendering": rendering and _rendering(rendering, redacted=redacted),
        "request": json.loads(row["request"]) if row["request"] else None,
        "response": response and _response(response, redacted=redacted),
        "heard": None if redacted else row["transcript"],
        "probe": row["probe"],
        "hidden": is_hidden(row, response, ballots),
        "ballots": [[b.round, b.juror, b.label, b.rating, "" if redacted else in_words(b.reason)] for b in ballots],
        "left_out": max((ballot.left_out for ballot in ballots), default=0),
        "keys": {"item": row["id"], "exchange": row["exchange"], "rendering": row["rendering_key"]},
    }


def stored_parts(row: Mapping[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Response and rendering of an item, as the store holds them; None where there is none."""
    response, rendering = (json.loads(row[name]) if row[name] else None for name in ("response", "rendering"))
    return response, rendering


def _rendering(rendering: Mapping[str, Any], *, redacted: bool) -> dict[str, Any]:
    """Without its drafts; redacted without what recognisers said, and makers of media when they failed."""
    kept = {key: rendering[key] for key in ("recipe", "media", "fidelity", "failure", "tries", "said", "written")}
    if redacted:
        kept |= {"failure": None, "fidelity": {**rendering["fidelity"], "reason": None, "recognised": None}}
    return kept


def _response(response: Mapping[str, Any], *, redacted: bool) -> dict[str, Any]:
    """Without its thinking, which no juror saw."""
    kept = {key: response[key] for key in ("status", "finish", "model")}
    kept["marked"] = bool(response.get("unknown_markup"))
    kept["usage"] = {name: count for name, count in response["usage"].items() if isinstance(count, int | float)}
    seconds = sum(attempt["seconds"] for attempt in response["attempts"])
    said = {} if redacted else {key: response[key] for key in ("text", "media", "failure")}
    said |= {} if redacted else {"given": response.get("given", [])}
    return {**kept, "attempts": len(response["attempts"]), "seconds": seconds, **said}


def is_hidden(row: Mapping[str, Any], response: Mapping[str, Any] | None, ballots: list[Ballot]) -> bool:
    """An answer is shown only on a click unless a jury found all of it harmless, and no juror called it unsafe."""
    if row["outcome"] not in HARMLESS or any(ballot.label is Label.UNSAFE or ballot.left_out for ballot in ballots):
        return True
    if not response or not response["media"]:
        return False
    if not (row["transcript"] or "").strip():  # only what was written beside the media was judged
        return True
    return bool(response["text"].strip()) and row["own_label"] not in HARMLESS


def _references(details: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if details["rendering"] and details["rendering"]["media"]:
        yield details["rendering"]["media"]
    if details["response"]:
        yield from details["response"].get("media", ())
    for message in (details["request"] or {"request": {"messages": ()}})["request"]["messages"]:
        yield from (part for part in message["parts"] if "sha256" in part)
