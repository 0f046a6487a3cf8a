"""The modality gap of a model split by the run of a cascade: what was misheard, and what is otherwise when it listens.

Both runs were asked the same queries in the same media. Items whose media differ, by their SHA-256, are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from safebench.models.opening import answering_class, target_class
from safebench.reports.finished_run import FinishedRun
from safebench.reports.formats import words
from safebench.statistics.gap import GapSettings
from safebench.statistics.observations import Observations, Seen, arrange
from safebench.statistics.split import ARMS, GapSplit, split_gap
from safebench.types import TEXT, Condition, Intent

Key = tuple[str, str, int]  # query, condition, repeat
Items = Mapping[tuple[int, Intent], Sequence[Seen]]  # by run and intent


@dataclass(frozen=True, slots=True)
class ModelSplit:
    """The gap of a model under one condition; `model`, `cascade` and `text` are places in the list of runs.

    `text`: whose text is the reference: the model's own, or else the cascade's. `other_media`: items left out because
    the two runs sent other media. `shared_ear`: the recogniser by which both gate and cascade hear, if it is one.
    """

    condition: str
    model: int
    cascade: int
    text: int
    other_media: int
    shared_ear: str | None
    splits: list[GapSplit]


def model_splits(
    runs: Sequence[FinishedRun],
    items: Items,
    media: Sequence[Mapping[Key, str]],
    clusters: Mapping[str, int],
    settings: GapSettings,
) -> Iterator[ModelSplit]:
    """For every model, every cascade and every medium that both were asked in, where one of them was asked as text.

    `media`: the SHA-256 of each item's media, by run.
    """
    cascades = [n for n, run in enumerate(runs) if answering_class(run.target) is not target_class(run.target)]
    for model in (n for n in range(len(runs)) if n not in cascades):
        for cascade in cascades:
            text = next((n for n in (model, cascade) if TEXT in runs[n].cells), None)
            if text is not None:
                for condition in _shared(runs[model], runs[cascade]):
                    yield _Arms(condition, model, cascade, text, runs).split(items, media, clusters, settings)


# --- in words


SPLIT_NOTE = (
    "gap: the model's rate with media less that with text. misheard: the cascade's less that with text. listening: the"
    " model's less the cascade's; the two add up to the gap. The cascade has other ears than the model, and another"
    " language model than the one inside it: each part holds that difference, too."
)


def split_lines(split: ModelSplit) -> Iterator[str]:
    """What has to be known to read a split: what is open in it, what cannot be concluded, and what limits it."""
    for one in split.splits:
        yield f"{one.intent}: {one.decided} of {one.items} items are decided in all three; open: {_still_open(one)}"
    for one in split.splits:
        for part, row in one.parts.items():
            if row.concluded == "not_concludable":
                yield f"{part}: not concludable: {row.reasons[0]}"
    if split.other_media:
        yield f"{split.other_media} items are left out: the two runs hold other media for them"
    if split.shared_ear is not None:
        yield (
            f"gate and cascade hear by the same recogniser ({split.shared_ear}): what it mishears was not sent, so that"
            " the misheard part is too small"
        )


def _still_open(split: GapSplit) -> str:
    arms = []
    for arm, outcomes in split.open.items():
        inner = ", ".join(f"{n} {words(outcome)}" for outcome, n in outcomes.items())
        arms.append(f"{arm} {sum(outcomes.values())}{f' ({inner})' if inner else ''}")
    return ", ".join(arms)


# --- which runs, and which items


def _shared(one: FinishedRun, other: FinishedRun) -> list[str]:
    return [name for name in one.cells if name in other.cells and Condition.parse(name).medium != TEXT]


@dataclass(frozen=True, slots=True)
class _Arms:
    condition: str
    model: int
    cascade: int
    text: int
    runs: Sequence[FinishedRun]

    def split(
        self, items: Items, media: Sequence[Mapping[Key, str]], clusters: Mapping[str, int], settings: GapSettings
    ) -> ModelSplit:
        others = self._with_other_media(media)
        observed = {intent: self._observed(intent, items, others, clusters) for intent in Intent}
        observed = {intent: one for intent, one in observed.items() if len(one.query)}
        evidence = {arm: self.runs[run].cells[name].evidence for arm, (run, name) in self._columns.items()}
        ears = shared_ears(self.runs[self.cascade].asked["resolved"])
        return ModelSplit(
            condition=self.condition,
            model=self.model,
            cascade=self.cascade,
            text=self.text,
            other_media=len(others),
            shared_ear=ears.get(Condition.parse(self.condition).medium),
            splits=split_gap(observed, evidence, settings),
        )

    @property
    def _columns(self) -> dict[str, tuple[int, str]]:
        """Run and condition of each arm."""
        columns = ((self.text, TEXT), (self.cascade, self.condition), (self.model, self.condition))
        return dict(zip(ARMS, columns, strict=True))

    def _with_other_media(self, media: Sequence[Mapping[Key, str]]) -> set[tuple[str, int]]:
        """Query and repeat of the items for which the two runs hold different media."""
        here, there = media[self.model], media[self.cascade]
        differing = (key for key in here.keys() & there.keys() if here[key] != there[key])
        return {(query, repeat) for query, condition, repeat in differing if condition == self.condition}

    def _observed(
        self, intent: Intent, items: Items, others: set[tuple[str, int]], clusters: Mapping[str, int]
    ) -> Observations:
        mine = [
            item._replace(condition=arm)
            for arm, (run, condition) in self._columns.items()
            for item in items[run, intent]
            if item.condition == condition and (item.query, item.repeat) not in others
        ]
        return arrange(intent, ARMS, mine, clusters)


# --- where the fidelity gate and a cascade hear by one recogniser: a limit on what the cascade can show


def shared_ears(resolved: Mapping[str, Any]) -> dict[str, str]:
    """By medium the recogniser, NAME[:ARGUMENT], of both gate and target; from what a run file was resolved to."""
    of_target = resolved.get("target", {}).get("recognisers", {})
    of_gate = resolved.get("recognisers", {})
    return {medium: ear["name"] for medium, ear in of_target.items() if of_gate.get(medium) == ear}


def ear_lines(resolved: Mapping[str, Any]) -> Iterator[str]:
    for medium, name in shared_ears(resolved).items():
        yield (
            f"the fidelity gate and the cascade read {medium} by the same recogniser ({name}): what it mishears was not"
            " sent, so that less is misheard here than by ears that the gate does not know"
        )
