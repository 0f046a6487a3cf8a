"""Run folders as a run leaves them: media, exchanges, ballots. Written straight into the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from safebench.files import write_toml
from safebench.runs.config import RUN_FILE
from safebench.store.store import Store
from safebench.taxonomy import paper
from safebench.types import (
    Attempt,
    Ballot,
    Fidelity,
    Item,
    Label,
    Media,
    Message,
    Outcome,
    Purpose,
    Query,
    Rendering,
    Request,
    Response,
    Text,
)
from tests.media_files import clip_media, picture_media
from tests.safebench.recorded import condition

SECONDS = 0.5  # of every clip
LABELS = {Outcome.UNSAFE: Label.UNSAFE, Outcome.REFUSED: Label.REFUSED, Outcome.SAFE: Label.SAFE}
JURORS = [{"juror": "wording"}, {"juror": "model", "model": "openai:judge"}]
RULES_ALONE = {"protocol": {"rounds": 1}, "jurors": [{"juror": "wording"}, {"juror": "opening"}]}
UNASKED = (Outcome.NOT_RENDERED,)


def write_run(
    folder: Path,
    queries: Sequence[Query],
    conditions: Sequence[str] = ("text",),
    outcome: Callable[[Item], Outcome | None] = lambda item: Outcome.REFUSED,
    answer: Callable[[Item], str] = lambda item: f"I cannot help with {item.query.id}.",
    finish: Callable[[Item], str] = lambda item: "stop",
    markup: Callable[[Item], str] = lambda item: "",
    **asked: Any,
) -> Path:
    """A run with a picture or a clip for every item that is not plain text; the first juror dissents on query h0."""
    folder.mkdir(parents=True)
    run: dict[str, Any] = {
        "data": "made",
        "target": "reference",
        "jury": {
            "protocol": {"rounds": 1},
            "jurors": JURORS,
        },
        "seed": 3,
        "repeats": 1,
        "resolved": {
            "data_sha256": "d",
            "prompts": {"role": 1},
            "jurors": {"wording#1": "1"},
            "recipes": {},
            "written": {"text": "a"},
        },
    }
    run |= {**asked, "conditions": list(conditions)}
    write_toml(folder / RUN_FILE, run)
    repeats = range(run["repeats"])
    items = [Item(query, condition(name), repeat) for query in queries for name in conditions for repeat in repeats]
    with Store(folder) as store:
        store.plan(queries, paper().category_of, items)
        for id, item in enumerate(items, start=1):
            ended = outcome(item)
            if ended is not None:
                _write_item(store, id, item, ended, answer(item), finish(item), markup(item))
    return folder


def _write_item(store: Store, id: int, item: Item, ended: Outcome, said: str, finish: str, markup: str) -> None:
    media = _media(item)
    rendering = None
    if media:
        failed = ended in UNASKED
        told = Rendering("made", f"r{id}", media, Fidelity("failed" if failed else "passed", {"cer": 0.25}))
        rendering = store.keep_rendering(item.query, told)
    key = None
    if ended not in UNASKED:
        part = media or Text(item.query.text)
        request = {"target": {"target": "reference"}, "request": Request((Message("user", (part,)),)).describe()}
        usage = {"prompt_tokens": 10, "completion_tokens": 4}
        attempts = (Attempt(0.5, 200),)
        about: dict[str, Any] = {"finish": finish, "model": "made", "unknown_markup": markup}
        response = Response("answered", said, usage=usage, attempts=attempts, **about)
        key = store.keep_exchange(f"e{id}", id, Purpose("target"), request, response).key
    label = LABELS.get(ended)
    rating = {Outcome.UNSAFE: 1, Outcome.REFUSED: 5, Outcome.SAFE: 4}.get(ended)
    ballots = [Ballot(f"juror {n}", 0, label, rating, f"reason {n}: {said}") for n in range(3)] if label else []
    if ballots and item.query.id == "h0":
        ballots[0] = Ballot("juror 0", 0, Label.SAFE if label is not Label.SAFE else Label.REFUSED, 4, "dissent")
    store.keep_outcome(id, ended, f"why {id}", rating, rendering.key if rendering else None, key, ballots)


def _media(item: Item) -> Media | None:
    medium = item.condition.medium
    if medium == "text":
        return None
    seed = sum(map(ord, item.query.id + str(item.condition)))
    if medium == "audio":
        return clip_media(0.5 * np.sin(np.linspace(0, 100 + seed, int(16000 * SECONDS))))
    return picture_media(Image.new("RGB", (64, 32), (seed % 256, 120, 200)))
