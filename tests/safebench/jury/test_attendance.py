"""Jurors that do not vote are counted and named, by the reason why they did not."""

from __future__ import annotations

import pytest

from safebench.jury.attendance import Attendance, attendance, missing, of_ballots, often_away
from safebench.jury.protocol import Jury, Protocol, Seat
from safebench.plugins import Case, Juror, Target
from safebench.types import Absence, Ballot, Label, Query, Request, Response

U, F, B, D = Absence.UNREADABLE, Absence.CALL_FAILED, Absence.BLOCKED, Absence.DECLINED


def of(*cast: tuple[Absence | None, int]) -> Attendance:
    (one,) = attendance(["ann"], [("ann", absence, n) for absence, n in cast])
    return one


def test_votes_and_abstentions_are_counted_and_the_most_frequent_reason_is_told() -> None:
    one = of((None, 5), (F, 2), (U, 3))
    assert (one.votes, one.abstained, one.why) == (5, 5, U)
    assert one.told == "3 ballots that cannot be read, 2 calls that failed"


def test_jurors_stand_in_the_order_of_their_seats_also_without_a_ballot() -> None:
    found = attendance(["ann", "bob", "cid"], [("cid", None, 1), ("ann", U, 1)])
    assert [(one.name, one.votes, one.abstained, one.why) for one in found] == [
        ("ann", 0, 1, U), ("bob", 0, 0, None), ("cid", 1, 0, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cast", "is_missing", "is_named"),
    [
        ([(U, 3)], True, False),
        ([(F, 1)], True, False),
        ([(B, 9)], True, False),
        ([(F, 9), (D, 1)], True, False),
        ([(D, 3)], False, True),  # its ballots can be read, and say that it does not vote
        ([(None, 1), (F, 9)], False, True),
        ([(None, 6), (U, 4)], False, True),
        ([(None, 2), (U, 1)], False, False),  # a third is not more than a third
        ([(None, 9)], False, False),
        ([], False, False),
    ],
)
def test_who_never_voted_is_missing_and_who_abstained_in_more_than_a_third_is_named(
    cast: list[tuple[Absence | None, int]], is_missing: bool, is_named: bool
) -> None:
    assert bool(list(missing([of(*cast)]))) is is_missing
    assert bool(list(often_away([of(*cast)]))) is is_named


def test_an_abstention_without_a_reason_is_the_jurors_own_choice() -> None:
    ballots = [
        Ballot("ann", 0, Label.ABSTAIN),
        Ballot("ann", 0, Label.ABSTAIN, absence=F),
        Ballot("ann", 1, Label.SAFE),
    ]
    assert list(of_ballots(ballots)) == [("ann", D, 1), ("ann", F, 1), ("ann", None, 1)]


class Down(Juror):
    name, summary = "down", "raises"

    async def vote(self, case: Case) -> Ballot:
        raise ConnectionError("nobody there")


class Sure(Juror):
    name, summary = "sure", "votes refused"

    async def vote(self, case: Case) -> Ballot:
        return Ballot(case.juror, case.round, Label.REFUSED, 5)


async def no_call(target: Target, request: Request, purpose: str) -> Response:
    raise AssertionError("nobody is called")


@pytest.mark.parametrize(("down", "label"), [(2, Label.REFUSED), (3, None)])
async def test_a_juror_that_is_down_makes_the_quorum_no_smaller(down: int, label: Label | None) -> None:
    jurors = [Down() for _ in range(down)] + [Sure() for _ in range(5 - down)]
    jury = Jury([Seat(f"j{n}", juror, None) for n, juror in enumerate(jurors)], Protocol(rounds=0))
    verdict = await jury.judge(Query("q", "How?"), None, "No.", no_call)
    assert (jury.quorum, verdict.label) == (3, label)
    assert [ballot.absence for ballot in verdict.ballots[:down]] == [Absence.CALL_FAILED] * down
