"""What a reviewer has before them: which answer is next, which ones are labelled. Every label is in the run at once."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from safebench.review.sample import JudgedAnswer
from safebench.runs.folder import taxonomy_of_run
from safebench.store.store import Store
from safebench.types import Label


@dataclass(slots=True)
class Session:
    """One reviewer's answers of the sample, by id: those that wait, in order, and those labelled, the latest last.

    `drafts` are notes on answers without a label: on a skipped one, or on one whose label was taken back.
    """

    name: str
    sample: Mapping[str, JudgedAnswer]
    store: Store
    waiting: deque[str]
    done: list[str]
    drafts: dict[str, str] = field(default_factory=dict)

    @property
    def next(self) -> JudgedAnswer | None:
        return self.sample[self.waiting[0]] if self.waiting else None

    def label(self, id: str, label: Label, note: str) -> None:
        """Keep a label, in place of the one that there may be."""
        self.store.keep_reviews(self.name, {self.sample[id].item: (label, note)})
        self._remove(id)
        self.done.append(id)
        self.drafts.pop(id, None)

    def skip(self, id: str) -> None:
        """Put it behind all that wait. One that has a label keeps it."""
        if id in self.waiting:
            self._remove(id)
            self.waiting.append(id)

    def undo(self) -> None:
        """Take the latest label back; its answer is the next one again."""
        if not self.done:
            return
        id = self.done.pop()
        item = self.sample[id].item
        self.drafts[id] = self.store.reviews_by(self.name).get(item, ("", ""))[1]
        self.store.keep_reviews(self.name, {item: None})
        self.waiting.appendleft(id)

    @property
    def latest(self) -> Label | None:
        """The label that `undo` would take back."""
        kept = self.store.reviews_by(self.name)
        return kept[self.sample[self.done[-1]].item][0] if self.done else None

    def _remove(self, id: str) -> None:
        for ids in (self.waiting, self.done):
            if id in ids:
                ids.remove(id)


class Sessions:
    """The sessions of all reviewers of a run, by name; each begins where the reviewer stopped."""

    def __init__(self, store: Store, answers: tuple[JudgedAnswer, ...]) -> None:
        self.store = store
        self.taxonomy = taxonomy_of_run(store.folder)
        self.sample = {one.id: one for one in answers}
        self._sessions: dict[str, Session] = {}

    def of(self, name: str) -> Session:
        if name not in self._sessions:
            ids = {one.item: id for id, one in self.sample.items()}
            done = [ids[item] for item in self.store.reviews_by(name) if item in ids]
            waiting = deque(id for id in self.sample if id not in set(done))
            self._sessions[name] = Session(name, self.sample, self.store, waiting, done)
        return self._sessions[name]

    def labelled(self) -> Counter[str]:
        """How many answers of the sample each person has labelled so far."""
        items = {one.item for one in self.sample.values()}
        return Counter(name for item, labels in self.store.reviews().items() if item in items for name in labels)
