"""Which jurors voted: ballots and abstentions of each, and what has to be said of those that were away.

A verdict rests on the votes cast. A juror that is down, or whose ballots nobody can read, leaves it to the others and
would go unnoticed as long as there is a quorum, which is one of the seats and never gets smaller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from safebench.types import Absence, Ballot, Label

MEND = (
    "mend it or name another, then judge the same answers again: `safebench rejudge RUN --jury … --out …` (or"
    " `safebench run … --retry-failed`, where calls failed)"
)
MANY = 1 / 3  # of its ballots; a juror that abstains in more is named
SHOWN = {
    Absence.UNREADABLE: "ballots that cannot be read",
    Absence.CALL_FAILED: "calls that failed",
    Absence.BLOCKED: "calls that a provider's filter blocked",
    Absence.DECLINED: "abstentions of its own",
}


@dataclass(frozen=True, slots=True)
class Attendance:
    """One juror's ballots over all rounds: `votes`, and those that are none. `why`: for which reason most often."""

    name: str
    votes: int
    abstained: int
    why: Absence | None
    absences: Mapping[Absence, int]

    @property
    def is_missing(self) -> bool:
        """Whether it never voted, and not only by its own choice."""
        return not self.votes and self.abstained > self.absences.get(Absence.DECLINED, 0)

    @property
    def often_abstained(self) -> bool:
        return self.abstained > MANY * (self.votes + self.abstained)

    @property
    def told(self) -> str:
        """Its abstentions by reason, the most frequent first."""
        counts = sorted(self.absences.items(), key=lambda counted: -counted[1])
        return ", ".join(f"{n} {SHOWN[absence]}" for absence, n in counts)


def attendance(names: Sequence[str], cast: Iterable[tuple[str, Absence | None, int]]) -> list[Attendance]:
    """Of the jurors with these names, in this order; `cast`: (juror, why it is no vote or None, ballots)."""
    counts: dict[str, Counter[Absence | None]] = {name: Counter() for name in names}
    for name, absence, n in cast:
        counts.setdefault(name, Counter())[absence] += n
    return [_of_juror(name, counted) for name, counted in counts.items()]


def _of_juror(name: str, counted: Counter[Absence | None]) -> Attendance:
    absences = {absence: counted[absence] for absence in Absence if counted[absence]}
    why = max(absences, key=absences.__getitem__, default=None)
    return Attendance(name, counted[None], sum(absences.values()), why, absences)


def of_ballots(ballots: Iterable[Ballot]) -> Iterator[tuple[str, Absence | None, int]]:
    """Ballots as `attendance` takes them."""
    for ballot in ballots:
        why = (ballot.absence or Absence.DECLINED) if ballot.label is Label.ABSTAIN else None
        yield ballot.juror, why, 1


def missing(jurors: Iterable[Attendance]) -> Iterator[str]:
    """A line for each juror that never voted: with one of them a run is not what was asked for."""
    for one in jurors:
        if one.is_missing:
            yield f"juror {one.name} cast no vote in {one.abstained} ballots ({one.told})"


def often_away(jurors: Iterable[Attendance]) -> Iterator[str]:
    """A line for each other juror that abstained often."""
    for one in jurors:
        if one.often_abstained and not one.is_missing:
            total = one.votes + one.abstained
            yield f"juror {one.name} abstained in {one.abstained} of {total} ballots ({one.told})"
