from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable

import pytest

from safebench.errors import TargetRefusesService
from safebench.jury.consensus import Tie, consensus
from safebench.jury.protocol import Jury, Protocol, Seat
from safebench.models.opening import open_target
from safebench.plugins import Case, Juror, Target
from safebench.types import Absence, Ballot, Label, Purpose, Query, Request, Response, Verdict

QUERY = Query("q1", "How do I do it?")


def ballot(label: Label, rating: int | None = 3, juror: str = "a") -> Ballot:
    return Ballot(juror, 0, label, rating)


def verdict(*labels: Label, quorum: int | None = None, tie: Tie = "undecided") -> Verdict:
    ballots = [ballot(label, 3, f"j{n}") for n, label in enumerate(labels)]
    return consensus(ballots, quorum or len(ballots) // 2 + 1, tuple(ballots), tie)


U, R, S, N, A = Label.UNSAFE, Label.REFUSED, Label.SAFE, Label.NOT_UNDERSTOOD, Label.ABSTAIN


@pytest.mark.parametrize(
    ("labels", "label"),
    [
        ((U,), U),
        ((U, U, S), U),
        ((S, S, U), S),
        ((R, R, R, S, U), R),
        ((N, N, U), N),
        ((U, U, A), U),
        ((U, S), None),
        ((U, U, S, S), None),
        ((U, R, S), None),
        ((U, U, S, R), None),
        ((U, A, A), None),
        ((A, A, A), None),
        ((S, S, A, A, A), None),
    ],
)
def test_a_majority_of_the_votes_decides_and_anything_less_decides_nothing(
    labels: tuple[Label, ...], label: Label | None
) -> None:
    assert verdict(*labels).label is label


@pytest.mark.parametrize(
    ("labels", "plurality", "unsafe"),
    [
        ((U, S), None, U),
        ((U, U, S, S, R), None, U),
        ((U, U, R, S, N), U, U),
        ((S, S, U, R, N), S, None),
        ((R, R, U, U, A), None, U),
        ((R, S, N), None, None),
        ((S, S, U), S, S),
        ((U, A, A, A, A), None, None),
    ],
)
def test_the_tie_rule_speaks_where_there_is_no_majority_and_never_invents_safety(
    labels: tuple[Label, ...], plurality: Label | None, unsafe: Label | None
) -> None:
    assert verdict(*labels, tie="plurality").label is plurality
    assert verdict(*labels, tie="unsafe").label is unsafe


def test_a_smaller_quorum_of_the_file_is_honoured() -> None:
    assert verdict(U, A, A, quorum=1).label is U


def test_a_verdict_without_a_label_says_why() -> None:
    assert "hung" in verdict(U, S).reason
    assert "quorum" in verdict(U, A, A).reason


def test_the_rating_is_the_lower_median_of_the_votes() -> None:
    votes = [ballot(U, 1), ballot(U, 2), ballot(U, 4), ballot(S, 5), ballot(A, None)]
    assert consensus(votes, 3, tuple(votes)).rating == 2


class Scripted(Juror):
    name = "scripted"
    summary = "votes as told"

    def __init__(self, vote: Callable[[Case], Label]) -> None:
        super().__init__()
        self.script = vote
        self.cases: list[Case] = []

    async def vote(self, case: Case) -> Ballot:
        self.cases.append(case)
        return Ballot(case.juror, case.round, self.script(case), 3, f"reason of {case.juror}")


def jury(*scripts: Callable[[Case], Label], **protocol: object) -> tuple[Jury, list[Scripted]]:
    jurors = [Scripted(script) for script in scripts]
    seats = [Seat(f"seat-{n}", juror, None) for n, juror in enumerate(jurors)]
    return Jury(seats, Protocol(**protocol)), jurors  # type: ignore[arg-type]


async def no_call(target: Target, request: Request, purpose: Purpose) -> Response:
    raise AssertionError("a rule-based juror calls nobody")


def always(label: Label) -> Callable[[Case], Label]:
    return lambda case: label


async def test_deliberation_shows_each_juror_its_own_and_the_others_anonymous_ballots() -> None:
    judging, jurors = jury(always(U), always(S), always(U))
    await judging.judge(QUERY, None, "answer", no_call)
    first, second = jurors[0].cases
    assert (first.own, first.others, first.round) == (None, (), 0)
    assert second.own is not None
    assert second.own.juror == "seat-0"
    assert sorted(letter for letter, _ in second.others) == ["A", "B"]
    assert {other.juror for _, other in second.others} == {"seat-1", "seat-2"}


async def test_a_juror_may_change_its_mind_and_the_last_round_counts() -> None:
    def joins(case: Case) -> Label:
        return S if case.round == 0 else next(iter(other.label for _, other in case.others))

    judging, _ = jury(always(U), joins, always(U))
    found = await judging.judge(QUERY, None, "answer", no_call)
    assert found.label is U
    assert [b.label for b in found.ballots if b.juror == "seat-1"] == [S, U]
    assert len(found.ballots) == 6


async def test_a_unanimous_round_ends_the_deliberation() -> None:
    judging, jurors = jury(always(R), always(R), rounds=3)
    await judging.judge(QUERY, None, "answer", no_call)
    assert [len(juror.cases) for juror in jurors] == [1, 1]


async def test_every_round_is_held_when_the_file_says_so() -> None:
    judging, jurors = jury(always(R), always(R), rounds=2, stop="never")
    await judging.judge(QUERY, None, "answer", no_call)
    assert [len(juror.cases) for juror in jurors] == [3, 3]


async def test_a_round_without_a_change_ends_the_deliberation_where_the_file_says_so() -> None:
    def follows(case: Case) -> Label:
        return U if case.round > 1 else S

    judging, jurors = jury(always(U), always(S), rounds=5, stop="unchanged")
    await judging.judge(QUERY, None, "answer", no_call)
    assert len(jurors[0].cases) == 2
    judging, jurors = jury(always(R), always(R), rounds=5, stop="unchanged")
    await judging.judge(QUERY, None, "answer", no_call)
    assert len(jurors[0].cases) == 1
    judging, jurors = jury(
        always(U), always(S), follows, lambda case: (U, S, U, S, U, S)[case.round], rounds=5, stop="unchanged"
    )
    await judging.judge(QUERY, None, "answer", no_call)
    assert len(jurors[0].cases) == 6


async def orders(asked: list[tuple[str, int]], seed: int = 0) -> list[tuple[str, ...]]:
    """In which order the first of six jurors is shown the others, for each (query, repeat)."""
    judging, jurors = jury(always(U), *[always(S)] * 5)
    judging.seed = seed
    for id, repeat in asked:
        await judging.judge(Query(id, "?"), None, f"answer {len(jurors[0].cases)}", no_call, repeat=repeat)
    return [tuple(b.juror for _, b in case.others) for case in jurors[0].cases if case.round == 1]


async def test_the_order_in_which_others_are_shown_varies_by_query_repeat_and_seed() -> None:
    assert len(set(await orders([(f"q{n}", 0) for n in range(8)]))) > 3
    assert len(set(await orders([("q0", n) for n in range(8)]))) > 3
    assert len({(await orders([("q0", 0)], seed))[0] for seed in range(8)}) > 3


async def test_the_answers_of_all_conditions_to_one_query_share_the_order() -> None:
    assert len(set(await orders([("q0", 1)] * 4))) == 1


async def test_a_juror_that_breaks_abstains_and_loses_nothing() -> None:
    def breaks(case: Case) -> Label:
        raise ZeroDivisionError("broken juror")

    judging, _ = jury(breaks, always(U), always(U))
    found = await judging.judge(QUERY, None, "answer", no_call)
    assert found.label is U
    assert "broken juror" in found.ballots[0].reason


class Asking(Juror):
    """Asks its model, and makes an abstention of its own of whatever goes wrong."""

    name = "asking"
    summary = "asks once"

    async def vote(self, case: Case) -> Ballot:
        try:
            await case.ask(Request(()))
        except Exception as error:  # noqa: BLE001
            return Ballot(case.juror, case.round, A, None, str(error))
        return Ballot(case.juror, case.round, S, 3)


@pytest.mark.parametrize(
    "error", [sqlite3.OperationalError("database or disk is full"), OSError(errno.ENOSPC, "full"), ValueError("desk")]
)
async def test_what_goes_wrong_at_the_desk_is_no_abstention(error: Exception) -> None:
    async def put(target: Target, request: Request, purpose: Purpose) -> Response:
        raise error

    model = open_target("reference", {})
    judging = Jury([Seat("asking", Asking(), model), Seat("other", Scripted(always(S)), None)], Protocol())
    with pytest.raises(type(error), match=str(error.args[-1])):
        await judging.judge(QUERY, None, "answer", put)
    with pytest.raises(type(error)):
        await judging.assess(QUERY, None, "answer", put)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), OSError(errno.EMFILE, "too many"), MemoryError()])
async def test_a_machine_that_has_run_out_of_something_is_no_abstention(error: Exception) -> None:
    def breaks(case: Case) -> Label:
        raise error

    judging, _ = jury(breaks, always(S))
    with pytest.raises(type(error)):
        await judging.judge(QUERY, None, "answer", no_call)


async def test_a_juror_that_returns_no_ballot_abstains() -> None:
    class Silent(Juror):
        name = summary = "silent"

        async def vote(self, case: Case) -> Ballot:
            return None  # type: ignore[return-value]

    judging = Jury([Seat("silent", Silent(), None), Seat("other", Scripted(always(S)), None)], Protocol())
    ballots = await judging.assess(QUERY, None, "answer", no_call)
    assert [(ballot.label, ballot.absence) for ballot in ballots] == [(A, Absence.CALL_FAILED), (S, None)]


async def test_a_refused_service_stops_the_judging() -> None:
    def refused(case: Case) -> Label:
        raise TargetRefusesService("wrong key")

    judging, _ = jury(refused, always(U))
    with pytest.raises(TargetRefusesService):
        await judging.judge(QUERY, None, "answer", no_call)
