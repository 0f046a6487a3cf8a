"""Kills a command again and again at random moments, lets it end, and compares that with one that nobody disturbed."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from safebench.testing.server import Call, ScriptedServer
from tests.chaos.labelling import label_killed
from tests.chaos.processes import finish, started
from tests.chaos.toll import Toll
from tests.chaos.works import (
    IN_FLIGHT,
    Calibrate,
    Convert,
    Generate,
    GrowingConvert,
    GrowingRun,
    Merge,
    MergeConversions,
    Rejudge,
    RequestsImport,
    Run,
    Work,
    answer,
)

WORKS: dict[str, type[Work]] = {
    work.name: work
    for work in (
        *(Run, GrowingRun, Convert, GrowingConvert, Merge, MergeConversions, Rejudge, Calibrate, Generate),
        RequestsImport,
    )
}
REVIEW = "review"
NAMES = (*WORKS, REVIEW)


def campaign(name: str, kills: int, seed: int) -> Toll:
    """One folder in which a command is killed so many times before it may end."""
    chance = random.Random(f"{name} {seed}")
    with TemporaryDirectory() as place, ScriptedServer(answer) as server:
        if name == REVIEW:
            return label_killed(Path(place), server, kills, chance)
        return _Campaign(WORKS[name](server), Path(place), chance).toll(kills)


class _Campaign:
    def __init__(self, work: Work, place: Path, chance: random.Random) -> None:
        self.work, self.chance = work, chance
        self.whole, self.killed = place / "whole", place / "killed"
        for folder in (self.whole, self.killed):
            folder.mkdir()
            work.prepare(folder)

    def toll(self, kills: int) -> Toll:
        calls = self.work.server.calls
        calls.clear()
        finish(self.work.arguments(), self.whole)
        needed = _bodies(calls)
        calls.clear()
        lost, done = 0, 0
        for left in range(kills, 0, -1):
            before = self.work.kept(self.killed)
            done += self._kill(max(1, 2 * (needed.total() - len(calls)) // (left + 1)))
            lost += len(before - self.work.kept(self.killed))
        before = self.work.kept(self.killed)
        self.work.begin(self.killed)
        finish(self.work.arguments(), self.killed)
        lost += len(before - self.work.kept(self.killed))
        return Toll(done, lost, self._repeated(needed, done), int(not self._is_equal(needed)))

    def _kill(self, most: int) -> bool:
        """After some calls more, of at most so many, or before the first; whether it was still at work."""
        self.work.begin(self.killed)
        with started(self.work.arguments(), self.killed) as process:
            self.work.await_moment(self.killed, most, self.chance, lambda: process.poll() is not None)
            was_at_work = process.poll() is None
            process.kill()
            process.wait()
        time.sleep(0.1)  # calls that were in flight arrive
        return was_at_work

    def _repeated(self, needed: Counter[str], kills: int) -> int:
        """Calls that were made again, beyond those that a kill may have cut off."""
        again = (_bodies(self.work.server.calls) - needed).total()
        return max(0, again - kills * IN_FLIGHT)

    def _is_equal(self, needed: Counter[str]) -> bool:
        asked = set(_bodies(self.work.server.calls)) == set(needed)
        return asked and self.work.made(self.killed) == self.work.made(self.whole)


def _bodies(calls: Sequence[Call]) -> Counter[str]:
    return Counter(json.dumps(call.body, sort_keys=True) for call in list(calls))
