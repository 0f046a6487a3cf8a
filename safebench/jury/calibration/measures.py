"""What a calibration says: how often verdicts and jurors are right, what deliberation does, what the jury is worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from safebench.jury.calibration.bootstrap import Statistic, estimate
from safebench.jury.calibration.judging import Deliberation
from safebench.jury.calibration.labels import Labelled
from safebench.jury.calibration.votes import (
    CELLS,
    Votes,
    alpha,
    confusion,
    difference,
    effective_size,
    error_correlation,
    measures,
    share,
)
from safebench.statistics.clusters import Integers, effective_number
from safebench.statistics.observations import Booleans
from safebench.types import Intent, Label

NO_VOTE = (None, Label.ABSTAIN, Label.NOT_UNDERSTOOD)  # these leave open whether it is the label in question
STATES = {1: "right", 0: "wrong", -1: "none"}

Tables = dict[str, Any]


def code(labels: Iterable[Label | None], positive: Label, missing: Sequence[Label | None] = NO_VOTE) -> Votes:
    """1 for the label in question, -1 for a missing vote, 0 for any other."""
    return np.array([1 if label is positive else -1 if label in missing else 0 for label in labels], dtype=np.int8)


class Measured:
    """Truth and votes of a judged label set as arrays, and all that follows from them."""

    def __init__(self, rows: Sequence[Labelled], judged: Sequence[Deliberation], positive: Label) -> None:
        self.truth = code((row.label for row in rows), positive, missing=[])
        self.harmful = np.array([row.query.intent is Intent.HARMFUL for row in rows])
        self.names = [ballot.juror for ballot in judged[0].rounds[0]]
        self.clusters = [row.query.text for row in rows]
        self.before = code((one.before for one in judged), positive)
        self.after = code((one.after.label for one in judged), positive)
        self.equal_cost = code((one.equal_cost for one in judged), positive)
        self.first = np.stack([code((b.label for b in one.rounds[0]), positive) for one in judged])
        self.last = np.stack([code((b.label for b in one.rounds[-1]), positive) for one in judged])
        self.held = np.array([len(one.rounds) > 1 for one in judged])
        self.ballots = np.array([one.ballots for one in judged])
        self.hung = np.array([[one.before is None, one.after.label is None] for one in judged])
        self.people = _people(rows, positive)

    def tables(self, draws: int, seed: int) -> Tables:
        """The measured part of a calibration file; every estimate has `value` and `ci95`."""
        best = int(np.argmax((self.first == self.truth[:, None]).sum(axis=0)))
        voters = {
            "jury": (self.after, self.ballots.mean()),
            "before_deliberation": (self.before, len(self.names)),
            "equal_cost": (self.equal_cost, self.ballots.mean()),
            "best_juror": (self.first[:, best], 1),
        }
        jurors = {f"{when}/{name}": votes[:, n] for when, votes in self._rounds() for n, name in enumerate(self.names)}
        statistics = self._statistics({name: votes for name, (votes, _) in voters.items()} | jurors)
        estimates = estimate(statistics, self.clusters, draws, seed)
        described = {name: self._voter(votes, estimates, name) for name, (votes, _) in voters.items()}
        for name, (_, ballots) in voters.items():
            described[name]["ballots_per_answer"] = float(ballots)
        described["best_juror"] = {"name": self.names[best], **described["best_juror"]}
        return {
            "verdicts": described,
            "jurors": {
                name: {when: self._voter(votes[:, n], estimates, f"{when}/{name}") for when, votes in self._rounds()}
                for n, name in enumerate(self.names)
            },
            "agreement": {name: estimates[name] for name in estimates if name.startswith("alpha_")},
            "errors": {name: estimates[name] for name in estimates if name.startswith(("correlation_", "effective_"))},
            "deliberation": self._deliberation(estimates),
            "hung": dict(zip(("before", "after"), map(float, self.hung.mean(axis=0)), strict=True)),
            "correction": self._correction(),
        }

    def _correction(self) -> Tables:
        """Counts over harmful queries, and as how many independent labels those with a verdict count."""
        truth, votes = self.truth[self.harmful], self.after[self.harmful]
        _, query = np.unique(np.asarray(self.clusters)[self.harmful], return_inverse=True)
        numbers = {
            f"effective_{name}": _effective(query[rows], votes[rows] == truth[rows])
            for name, rows in (("positives", truth == 1), ("negatives", truth == 0))
            for rows in [rows & (votes >= 0)]
        }
        return {**_counts(truth, votes), **numbers}

    def _rounds(self) -> list[tuple[str, Votes]]:
        return [("first", self.first), ("last", self.last)]

    def _statistics(self, voters: Mapping[str, Votes]) -> dict[str, Statistic]:
        """Everything that gets an interval, by name."""
        statistics = {
            f"{voter}/{name}": statistic
            for voter, votes in voters.items()
            for name, statistic in measures(self.truth, votes).items()
        }
        others = {name: voters[name] for name in ("before_deliberation", "equal_cost", "best_juror")}
        statistics |= {
            f"jury_minus/{name}": difference(self.truth, self.after, votes) for name, votes in others.items()
        }
        statistics |= {f"alpha_{when}": alpha(votes) for when, votes in self._rounds()}
        statistics["alpha_with_labels"] = alpha(np.stack([self.truth, self.after], axis=1))
        if self.people is not None:
            statistics["alpha_people"] = alpha(self.people)
        for when, votes in self._rounds():
            statistics[f"correlation_{when}"] = error_correlation(self.truth, votes)
            statistics[f"effective_size_{when}"] = effective_size(self.truth, votes)
        return statistics | self._herding()

    def _voter(self, votes: Votes, estimates: Mapping[str, Any], name: str) -> Tables:
        own = {key.rpartition("/")[2]: value for key, value in estimates.items() if key.rpartition("/")[0] == name}
        beside = {"jury_minus_this": estimates[f"jury_minus/{name}"]} if f"jury_minus/{name}" in estimates else {}
        return {"counts": _counts(self.truth, votes), **own, **beside}

    # --- deliberation

    def _herding(self) -> dict[str, Statistic]:
        """Of first votes that more than half of the other jurors' votes are against, those that joined them.

        Over the answers that were deliberated; the same again for other jurors that were right, and that were wrong.
        """
        ones, zeros = ((self.first == vote).sum(axis=1, keepdims=True) for vote in (1, 0))
        lead = np.sign((ones - (self.first == 1)) - (zeros - (self.first == 0)))  # of the others
        crowd = np.where(lead > 0, 1, np.where(lead < 0, 0, -1))
        against = (self.first >= 0) & (crowd >= 0) & (self.first != crowd) & self.held[:, None]
        joined = self.last == crowd
        right = crowd == self.truth[:, None]
        whole = {"joined_others": against, "joined_right": against & right, "joined_wrong": against & ~right}
        return {name: share(joined, counted) for name, counted in whole.items()}

    def _deliberation(self, estimates: Mapping[str, Any]) -> Tables:
        gain = estimates["jury_minus/before_deliberation"]
        return {
            "answers": int(self.held.sum()),
            "ballots": self._turned(self.first[self.held], self.last[self.held]),
            "verdicts": self._turned(self.before[self.held, None], self.after[self.held, None]),
            **{name: estimates[name] for name in estimates if name.startswith("joined_")},
            "gain": gain,
            "finding": _finding(gain["ci95"]),
        }

    def _turned(self, first: Votes, last: Votes) -> dict[str, dict[str, int]]:
        """Votes by what they were and what they became: right, wrong, none."""
        truth = self.truth[self.held, None]
        was, became = (np.where(votes < 0, -1, votes == truth) for votes in (first, last))
        return {
            name: {then: int(((was == a) & (became == b)).sum()) for b, then in STATES.items()}
            for a, name in STATES.items()
        }


def _counts(truth: Votes, votes: Votes) -> dict[str, int]:
    return {name: int(n) for name, n in zip(CELLS, confusion(truth, votes).sum(axis=0), strict=True)}


def _effective(query: Integers, right: Booleans) -> float:
    return effective_number(np.bincount(query, right), np.bincount(query)) if len(query) else 0.0


def _finding(gain: Sequence[float] | None) -> str:
    if gain is None or gain[0] <= 0 <= gain[1]:
        return "no difference shown"
    return "better" if gain[0] > 0 else "worse"


def _people(rows: Sequence[Labelled], positive: Label) -> Votes | None:
    """Rows × persons; None where there are fewer than two."""
    names = sorted({name for row in rows for name in row.people})
    if len(names) < 2:
        return None
    return np.stack([code((row.people.get(name) for row in rows), positive, missing=[None]) for name in names], axis=1)
