"""Recognisers: chosen for their media, and run in worker processes, each piece of media once.

A fidelity check and a target may read the same bytes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from safebench import registry
from safebench.errors import BadInput
from safebench.models.recognisers import best, better, missing
from safebench.plugins import Recogniser
from safebench.registry import recogniser_class
from safebench.rendering.chain import recognise
from safebench.rendering.pool import Workers
from safebench.types import Media, Rendering

REMEMBERED = 10_000  # texts; the oldest go first
NONE = "none"  # in place of a recogniser: media are not read back

Readers = dict[str, str]  # NAME[:ARGUMENT] by medium


class RecogniserCache:
    """`await cache.recognise(recogniser, media)` depends on the bytes alone, so what is known is not read again."""

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def recognise(self, recogniser: str, media: Media, *, inside: bool = False) -> str:
        """Raises MissingPackage, WorkerDied, BudgetSpent, and ValueError for broken media.

        `inside`: for a call that is in flight itself.
        """
        key = (recogniser, media.sha256)
        if key not in self._known:
            async with self.workers.admitted(lambda: registry.recogniser_asks(recogniser), inside=inside):
                self._remember(key, await self.workers.run(recognise, recogniser, media))
        return self._known[key]

    def learn(self, rendering: Rendering) -> None:
        """Take over what a fidelity check has read already."""
        checked = rendering.fidelity
        if rendering.media is not None and checked.recogniser is not None and checked.recognised is not None:
            self._remember((checked.recogniser, rendering.media.sha256), checked.recognised)

    def _remember(self, key: tuple[str, str], text: str) -> None:
        self._known[key] = text
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def choose_recognisers(
    specs: Sequence[str], media: Iterable[str] = (), before: Mapping[str, Any] | None = None
) -> Readers:
    """Who reads each medium back, NAME[:ARGUMENT] by medium: whom the user named, else the best that can work here.

    `specs` are the user's; NONE leaves out all media that nobody is named for. `media`: those that are rendered;
    `before`: who read them where this is to go on, by medium, empty where nobody did. Raises BadInput for unknown
    recognisers and two of one medium.
    """
    chosen: dict[str, str] = {}
    for spec in specs:
        if spec == NONE:
            continue
        medium = recogniser_class(spec).medium
        if medium in chosen:
            raise BadInput(f"recognisers {chosen[medium]!r} and {spec!r} are both for {medium}: choose one")
        chosen[medium] = spec
    if NONE in specs:
        return chosen
    taken = {medium: _best(medium, before) for medium in media if medium not in chosen}
    return chosen | {medium: spec for medium, spec in taken.items() if spec is not None}


def _best(medium: str, before: Mapping[str, Any] | None) -> str | None:
    """The first of the modality's recognisers that can work; what was chosen `before`, where this is to go on."""
    if before is None or medium not in before:
        return best(medium)
    was: str | None = before[medium].get("name")
    lacking = missing(was) if was else None
    if lacking is not None:
        raise BadInput(
            f"{medium} is read back by {was} in what is to go on, and that cannot work here: {lacking}. Install it, or "
            "begin anew with another --out"
        )
    return was


def gate_lines(media: Iterable[str], readers: Mapping[str, str], specs: Sequence[str]) -> Iterator[str]:
    """What has to be known of the fidelity gate before anything is read: where it is off, or weaker than it can be.

    `media`: those that are to be read back; `readers`: who does, by medium; `specs`: the user's.
    """
    proof = "nothing proves that its renderings carry their queries"
    for medium in media:
        if medium in readers:
            if not _transcribes(readers[medium]):
                yield f"{medium} was read back by {readers[medium]} alone, which does not transcribe: {proof}"
        elif NONE in specs:
            yield f"the fidelity gate is off for {medium} (--recogniser {NONE}): {proof}"
        else:
            yield f"no recogniser for {medium} was installed: {proof} (`safebench doctor` says what to install)"


def _transcribes(spec: str) -> bool:
    """Of one that may come from a package that is gone: it is told nothing of."""
    name = spec.partition(":")[0]
    return name not in registry.names(Recogniser) or registry.load(Recogniser, name).transcribes


def better_readers(media: Iterable[str], readers: Mapping[str, str]) -> Iterator[str]:
    """Who would read media back better, and why he does not."""
    for medium in media:
        for spec, why in better(medium, readers.get(medium)).items():
            yield f"{medium} would be read back better by {spec}: {why}"


def transcribers(chosen: Mapping[str, str]) -> dict[str, str]:
    """Those of the chosen recognisers, by their medium, by which answers are judged."""
    return {medium: spec for medium, spec in chosen.items() if recogniser_class(spec).transcribes}
