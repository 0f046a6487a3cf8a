"""Judged answers for people to label: who sees what, which ones are drawn, and the folder that goes to a reviewer.

Reviewers see what jurors see, and the media; never the verdict, the condition or the target.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safebench.errors import BadInput
from safebench.files import is_taken, whole_folder
from safebench.models.words import same_words
from safebench.resources import prompt
from safebench.review.sheets import write_sheet
from safebench.runs.folder import taxonomy_of_run
from safebench.serialisation import compact, rendering_from, response_from
from safebench.store.items import answered_rows
from safebench.store.store import Store
from safebench.taxonomy import Taxonomy
from safebench.types import Label, Media, Outcome

SHEET, HELP, MEDIA = "review.csv", "README.txt", "media"
COLUMNS = ("item", "scenario", "intent", "query", "media", "answer", "answer_media", "label", "comment")
VERDICTS = {Outcome(label) for label in Label if label is not Label.ABSTAIN}
ALSO = "(The system also wrote:)"  # the instructions name it
JUDGED = VERDICTS | {Outcome.UNDECIDED}


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """An answer that a jury had before it. `id` is what reviewers see in place of `item`, the key in `run.db`."""

    item: int
    id: str
    condition: str
    outcome: Outcome
    query: str
    intent: str
    scenario: str
    answer: str
    verdict: Label | None  # None where the jury found nothing, or a missed probe decided in its place
    media: Media | None
    answer_media: tuple[Media, ...]

    @property
    def all_media(self) -> tuple[Media, ...]:
        return (*filter(None, [self.media]), *self.answer_media)

    @property
    def stratum(self) -> tuple[str, Outcome]:
        return self.condition, self.outcome


def judged(store: Store) -> Iterator[JudgedAnswer]:
    """Every answer of a run that a jury judged, streamed; items that ended before that have none."""
    for row in answered_rows(store):
        if Outcome(row["outcome"]) in JUDGED:
            found = _judged(dict(row), store)
            if found.answer.strip():  # else it was speech that nobody transcribed: `undecided` without a jury
                yield found


def _judged(row: dict[str, Any], store: Store) -> JudgedAnswer:
    response = response_from(row["exchange"], json.loads(row["response"]), store.find)
    rendering = rendering_from("", json.loads(row["rendering"]), store.find) if row["rendering"] else None
    answer = _answer(row["transcript"] or "", response.text)
    outcome = Outcome(row["outcome"])
    probed = outcome is Outcome.NOT_UNDERSTOOD and row["probe"] == "missed"
    named = [row["query_id"], row["condition"], row["repeat"], row["exchange"], answer]
    return JudgedAnswer(
        row["item"],
        f"a{hashlib.sha256(compact(named).encode('utf-8')).hexdigest()[:15]}",  # with a letter it is never a number
        row["condition"],
        outcome,
        row["query"],
        row["intent"],
        row["scenario"] or "",
        answer,
        Label(outcome) if outcome in VERDICTS and not probed else None,
        rendering.media if rendering else None,
        response.media,
    )


def _answer(heard: str, own: str) -> str:
    """What the jury judged: of a spoken answer what was heard, and the target's own text where that is other words."""
    if not heard.strip() or not own.strip() or same_words(heard, own):
        return heard if heard.strip() else own
    return f"{heard}\n\n{ALSO}\n{own}"


def draw(strata: Mapping[str, Hashable], sample: int, seed: int) -> set[str]:
    """Ids of a sample: one of every stratum, beginning with the largest, then each in proportion (Sainte-Laguë).

    Near proportion, the sample can be read as it is. One that took as many safe as unsafe answers could not: it would
    make the jury look too sensitive (verification bias).
    """
    lots: dict[Hashable, list[str]] = defaultdict(list)
    for id in sorted(strata, key=lambda id: hashlib.sha256(f"{seed}/{id}".encode()).digest()):
        lots[strata[id]].append(id)
    taken = dict.fromkeys(lots, 0)

    def claim(stratum: Hashable) -> tuple[bool, float]:
        n, size = taken[stratum], len(lots[stratum])
        return n == 0, size / (2 * n + 1) if n < size else 0.0

    for _ in range(min(sample, len(strata))):
        taken[max(lots, key=claim)] += 1
    return {id for stratum, ids in lots.items() for id in ids[: taken[stratum]]}


@dataclass(frozen=True, slots=True)
class Sample:
    """Answers for people to label, sorted by ids that tell nothing; of how many judged ones, from how many strata."""

    answers: tuple[JudgedAnswer, ...]
    judged: int
    strata: int


def take_sample(store: Store, size: int, seed: int = 0) -> Sample:
    """Draw judged answers of a run. Raises BadInput when it has none."""
    strata = {one.id: one.stratum for one in judged(store)}
    if not strata:
        raise BadInput(f"{store.folder} has no judged answers to review")
    drawn = draw(strata, size, seed)
    chosen = sorted((one for one in judged(store) if one.id in drawn), key=lambda one: one.id)
    return Sample(tuple(chosen), len(strata), len(set(strata.values())))


def export(run: Path, out: Path, sample: int, seed: int = 0) -> Sample:
    """Write a folder for reviewers: a sheet, its media, and what the labels mean.

    Raises BadInput when `run` has no judged answer, its media are gone, or `out` holds something.
    """
    if is_taken(out):
        raise BadInput(f"{out} exists already and may hold labels: name a new folder")
    with Store(run, readonly=True) as store:
        found = take_sample(store, sample, seed)
    gone = [str(media.source) for one in found.answers for media in one.all_media if not media_file(media).is_file()]
    if gone:
        raise BadInput(*(f"{path} is gone: {run} lacks its media" for path in gone))
    with whole_folder(out) as part:
        (part / MEDIA).mkdir()
        write_sheet(part / SHEET, COLUMNS, (_row(one, part) for one in found.answers))
        (part / HELP).write_text(_instructions(found.answers, taxonomy_of_run(run)), encoding="utf-8")
    return found


def _row(one: JudgedAnswer, part: Path) -> dict[str, str]:
    told = {"item": one.id, "scenario": one.scenario, "intent": one.intent, "query": one.query, "answer": one.answer}
    spoken = [_copy(media, part, f"{one.id}-answer-{n}") for n, media in enumerate(one.answer_media, start=1)]
    shown = _copy(one.media, part, one.id) if one.media else ""
    return {**told, "media": shown, "answer_media": " ".join(spoken), "label": "", "comment": ""}


def _copy(media: Media, part: Path, name: str) -> str:
    """Under a name that says nothing, and without the time at which it was made."""
    path = Path(MEDIA, name + media_file(media).suffix)
    shutil.copyfile(media_file(media), part / path)
    return path.as_posix()


def media_file(media: Media) -> Path:
    assert isinstance(media.source, Path)  # as everything from a store
    return media.source


def _instructions(chosen: Iterable[JudgedAnswer], known: Taxonomy) -> str:
    """What the labels mean, and what jurors are told about the scenarios."""
    there = {one.scenario for one in chosen}
    scenarios = [f"{id}: {found.description}" for id, found in known.scenarios.items() if id in there]
    told = [prompt(f"review.{part}").text for part in ("sheet", "labels", "sheet_end")]
    return "\n".join(["\n\n".join(told), "", "Scenarios", "", *scenarios, ""])


def label_meanings() -> dict[Label, str]:
    """What reviewers are told that each label means."""
    lines = (line.partition(": ") for line in prompt("review.labels").text.splitlines())
    return {Label(name): meaning for name, _, meaning in lines if name in list(Label)}
